// Package seal encrypts and authenticates short values under a ring of keys,
// so that a value can be handed to somebody who must neither read nor change
// it. It takes bytes and returns bytes, and knows nothing of HTTP.
//
// A [Ring] holds the configured keys, newest first. At start it makes one
// [Sealer], which encrypts, or [Signer], which only authenticates, for each
// purpose. The first key seals, every key opens, and Open reports which values
// are stale: opened under a key that is no longer the first. Keys are rotated
// by adding one in front, and by dropping the last when no value sealed under
// it is of use any more.
//
// # What is bound
//
// A value opens only as the kind it was made as (sealed or signed), for the
// same purpose and with the same additional data (ad) as it was made with.
// Each configured key gives one subkey and one key id for each kind and
// purpose, by HKDF-SHA256, and the authenticator covers the version byte, the
// purpose and the ad besides. What is not bound is time: a value opens for as
// long as its key is in the ring.
//
// # Formats
//
// Both formats begin with a version byte, which is never the same for the two,
// and with a key id, which is not secret and only saves trying every key.
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
//	context: the AEAD's additional data, and what the HMAC begins with
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
// so that it seldom derives a key; when it opens, it remembers the derived keys
// of values that proved authentic. Any conforming XAES-256-GCM opens what it
// seals.
//
// XAES-256-GCM does not commit to its key: somebody who knows two keys can make
// one value that opens under both. Nothing here relies on the contrary.
//
// # Secrets
//
// No verb of package fmt, no slog handler and no encoder of the standard library
// shows anything of a Ring, Sealer or Signer, alone or inside other values.
// Opening fails with [ErrOpen] whatever is wrong.
//
// # FIPS 140-3
//
// Everything works under GODEBUG=fips140=on and under fips140=only, because
// AES-GCM draws its nonces itself, inside Go's cryptographic module. The
// derivation of XAES-256-GCM's keys is that of NIST SP 800-108r1, but is
// computed here from plain AES, outside the module: that the package works is
// no claim that it is validated. With GOEXPERIMENT=boringcrypto, whose AES
// lacks that mode, [NewRing] returns an error.
package seal
