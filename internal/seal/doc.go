// Package seal encrypts and authenticates short values under a ring of keys, so
// that a client can keep a value that it must neither read nor change. It takes
// and returns bytes, and knows nothing of HTTP.
//
// A [Ring] holds the configured keys, newest first. Once, at start, it makes a
// [Sealer], which encrypts, or a [Signer], which only authenticates, for each
// purpose. The first key seals and every key opens. Open reports whether a value
// is stale: opened under a key that is no longer the first. To rotate keys, add
// one in front, and remove the last one when no value that it sealed is needed
// any more.
//
// # What is bound
//
// A value opens only as the kind it was made as (sealed or signed), for the
// same purpose and with the same additional data (ad) as it was made with.
// Each configured key gives one subkey and one key id for each kind and
// purpose, by HKDF-SHA256, and the authenticator covers the version byte, the
// purpose and the ad as well. A value is not bound to a time: it opens for as
// long as its key is in the ring.
//
// # Formats
//
// Both formats begin with a version byte, which differs between the two, and a
// key id, which is not secret and only saves trying every key.
// Lengths are in bytes; n is that of the plaintext.
//
//	sealed value, 45+n
//	 1  version, 1
//	 4  key id
//	24  nonce of XAES-256-GCM
//	 n  ciphertext
//	16  tag
//
//	signed value, 37+n
//	 1  version, 2
//	 4  key id
//	32  HMAC-SHA256 of the context and then the plaintext
//	 n  plaintext
//
//	context: the AEAD's additional data, and the first input of the HMAC
//	 1  version, as in the value
//	 1  length of the purpose
//	    purpose
//	 8  length of the ad, big-endian
//	    ad
//
// The subkey is the first 32 bytes, and the key id the next 4, of
// HKDF-SHA256 (RFC 5869) with the configured key, no salt, and as info
// "typedsession v1 sealed " or "typedsession v1 signed " followed by the
// purpose.
//
// # Encryption
//
// The AEAD is XAES-256-GCM as specified at https://c2sp.org/XAES-256-GCM. The
// first half of its 192-bit nonce selects a derived AES-256-GCM key, the second
// half is that key's nonce. A Sealer draws the second half afresh for every
// value but keeps the first for a bounded number of values and a bounded time,
// so that it seldom derives a key. When it opens a value that is authentic, it
// remembers the derived key. Any conforming XAES-256-GCM opens what it seals.
//
// XAES-256-GCM does not commit to its key: an attacker who knows two keys can make
// one value that opens under both. Nothing in this module relies on the contrary.
//
// # Secrets
//
// No verb of package fmt, no slog handler and no encoder of the standard library
// shows anything of a Ring, Sealer or Signer, alone or inside other values.
// Open returns [ErrOpen] for every invalid value, whatever is wrong with it.
//
// # FIPS 140-3
//
// Everything works under GODEBUG=fips140=on and under fips140=only, because
// AES-GCM draws its nonces itself, inside Go's cryptographic module. The
// derivation of XAES-256-GCM's keys is that of NIST SP 800-108r1, but is
// computed here from plain AES, outside the module, so the package is not
// validated. With GOEXPERIMENT=boringcrypto, whose AES lacks that mode, [NewRing]
// returns an error.
package seal
