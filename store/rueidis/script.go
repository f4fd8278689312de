package rueidis

import (
	"strconv"
	"time"
)

// Every write is a script, which the server runs in one step. Its first key is
// the session's; if the write concerns the index of a subject, the second key is
// the index. A script answers
//
//	nil                  there is no session
//	1                    written
//	2                    refused because of a revocation
//	array: 1, subject    deleted, and whose session it was
//	a string             not written, and the value in place
//
// A script is called by its SHA-1 hash, and by its text if the server does not
// have it yet. With 64 goroutines an update takes 0.89 of the time that it takes by
// the text; a function (FCALL, since Redis 7) would take 0.85, but has to be loaded
// into every master by a user with more rights. The hashes are constants, because
// a program that is confined to FIPS 140 algorithms has no SHA-1.
//
// They use no library of the server but Lua's own, so that they run on servers
// and in test doubles that lack the others.

// lua is a script and its hash.
type lua struct{ text, hash string }

// script is a write: of the record alone; of the record and an index entry
// together, whose arguments come last (see [entry.args]); and of the record of a
// login whose entry was added before, unless it was refused since (see
// [entry.pending]), for which the last argument is its refusal.
type script struct{ alone, indexed, pending lua }

// newScript joins the part of a script that looks at the record, and may refuse,
// and the part that writes it. A server at its memory limit refuses a script
// whose first write needs memory. The record's does, so that it is refused with
// its index entry or not at all.
func newScript(look, write string, hashes ...string) script {
	return script{
		alone:   lua{look + write + "return 1", hashes[0]},
		indexed: lua{look + refuseRevoked + write + addEntry + "return 1", hashes[1]},
	}
}

// withPending adds the script for a login whose entry was added before.
func (s script) withPending(look, write, hash string) script {
	s.pending = lua{look + refusePending + write + "return 1", hash}
	return s
}

const (
	// entryArgs names the key and the first argument of an index entry.
	entryArgs = `local index,a=KEYS[#KEYS],#ARGV-4
`

	// refuseRevoked ends the script if the write is a login that a revocation of
	// its subject covers. The revocation is a member of the index that is no ID;
	// its score is the time, negated.
	refuseRevoked = entryArgs + `if ARGV[a+2]~='' then
local r=redis.call('ZSCORE',index,'revoked')
if r and tonumber(ARGV[a+2])<=-tonumber(r) then return 2 end
end
`

	// addEntry adds an entry or prolongs it, never shortens it: of two
	// concurrent writes the one that fails may have asked for the shorter time.
	// It removes the entries whose time has passed, and keeps the index for as
	// long as the entry that stays longest.
	addEntry = `local s=redis.call('ZSCORE',index,ARGV[a])
if not s or tonumber(s)<tonumber(ARGV[a+1]) then redis.call('ZADD',index,ARGV[a+1],ARGV[a]) end
redis.call('ZREMRANGEBYSCORE',index,'0',ARGV[a+3])
redis.call('PEXPIRE',index,string.format('%.0f',math.max(tonumber(ARGV[a+4]),redis.call('PTTL',index))))
`

	// refusePending ends the script if a revocation has refused the login.
	refusePending = `if string.find(string.sub(h,27,26+8*string.byte(h,26)),ARGV[#ARGV],1,true) then return 2 end
`

	updateLook = `local h=redis.call('GETRANGE',KEYS[1],0,281)
if h=='' then return false end
if #h<26 or #h<26+8*string.byte(h,26) or string.sub(h,1,9)~=ARGV[1] then return redis.call('GET',KEYS[1]) end
` + readNumber + `local now=tonumber(ARGV[5])
if num(10)<=now then return false end
`
	updateWrite = `local n=0
if now-num(18)<10000 then n=math.min(string.byte(h,26),31) end
redis.call('SET',KEYS[1],ARGV[2]..string.char(n+1)..string.sub(h,2,9)..string.sub(h,27,26+8*n)..ARGV[3],'PX',ARGV[4])
`

	// readNumber defines num(i), the integer of eight bytes at position i of
	// the record's head h.
	readNumber = `local function num(i) local n=0 for j=i,i+7 do n=n*256+string.byte(h,j) end return n end
`

	// readSubject defines subject(h), the subject of the record whose head is h,
	// and nil if the record is damaged.
	readSubject = `local function subject(h)
if #h<26 then return nil end
local at=26+8*string.byte(h,26)
local n=redis.call('GETRANGE',KEYS[1],at,at+1)
if #n<2 then return nil end
n=256*string.byte(n,1)+string.byte(n,2)
if n==0 then return '' end
return redis.call('GETRANGE',KEYS[1],at+2,at+1+n)
end
`
)

var (
	// ARGV: value, lifetime.
	createScript = newScript(`local v=redis.call('GET',KEYS[1])
if v then return v end
`, `redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2])
`, "61d4d08cdb8a2eaaff909363b619f76193e3f107", "46316f3a3c366bcf95c1c77ec0fce70c6399c459")

	// ARGV: kind and revision to be replaced; what is to stand before the
	// earlier revisions; subject and payload; lifetime; the present time. The
	// revision that is replaced becomes the newest of the earlier ones, which
	// are kept while writes come within ten seconds of each other, which is
	// longer than a write is repeated. A record that ends before its subject
	// is damaged, and what reads the answer reports that.
	updateScript = newScript(updateLook, updateWrite,
		"5b7e915d0f81463e756027874e009de804d666ea", "72e264ffcdbc37f687e219e257d6882170145c92").
		withPending(updateLook, updateWrite, "0a9742aff2ea1aaf43acc5323f8db39be37bd51f")

	// Adds an entry by itself, if one script cannot reach both keys. ARGV, before
	// those of the entry, for the update of a record: its pending member, and
	// until when.
	entryScript = lua{refuseRevoked + `if a>1 then redis.call('ZADD',index,ARGV[2],ARGV[1]) end
` + addEntry + "return 1", "b7177a308c3c099cb25d7dd14c6bb6f1f351a02e"}

	// ARGV: tombstone, its lifetime. DEL comes first because a server at its
	// memory limit refuses a script that begins with SET, and then no session
	// could be ended. A tombstone keeps the time of the first deletion.
	deleteScript = script{alone: lua{readSubject + `local h=redis.call('GETRANGE',KEYS[1],0,25)
local k=string.sub(h,1,1)
if k=='\192' then redis.call('PEXPIRE',KEYS[1],ARGV[2]) return 1 end
if k~='' and k~='\193' then return k end
local s=subject(h) or ''
redis.call('DEL',KEYS[1])
redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2])
return {1,s}`, "e4524521785e2aa66c1bf115e6224123b307ba0f"}}

	// Writes what is there once more, so that replicas have something to
	// acknowledge.
	rewriteScript = lua{`local v=redis.call('GET',KEYS[1])
if v then redis.call('SET',KEYS[1],v,'KEEPTTL') end
return 1`, "0eefee50995150f229f0a3783fdb0cb186f44dff"}

	// Records a revocation and returns the entries that it concerns. ARGV: the
	// time before which logins are revoked; how long to remember that; the
	// present time. The first command is one that a server at its memory limit
	// lets through.
	revokeScript = lua{`redis.call('ZREMRANGEBYSCORE',KEYS[1],'0',ARGV[3])
local r=redis.call('ZSCORE',KEYS[1],'revoked')
if not r or -tonumber(r)<tonumber(ARGV[1]) then redis.call('ZADD',KEYS[1],'-'..ARGV[1],'revoked') end
redis.call('PEXPIRE',KEYS[1],string.format('%.0f',math.max(tonumber(ARGV[2]),redis.call('PTTL',KEYS[1]))))
return redis.call('ZRANGEBYSCORE',KEYS[1],'('..ARGV[3],'+inf')`, "d8384d249992ff36bf5c06a7b9bf2351d72e943c"}

	// Ends a session that the index of a revoked subject names. ARGV: subject;
	// tombstone; its lifetime; the present time; the refusals of pending logins,
	// eight bytes each; a new revision. Answers 0 if there was no session, 1 if it
	// has deleted the session, 2 if this very tombstone was there already, and 3
	// if it has left what is there.
	//
	// If there is no session, its creation may be under way, so that its place
	// is taken by a tombstone. If the session is another subject's, a login may
	// be under way that makes it this one's: its refusal becomes one of the
	// earlier revisions of the record. If there is no room for all refusals, the
	// record gets a new revision, so that the logins conflict, and meet the
	// revocation when they are tried again.
	endScript = lua{readSubject + `local h=redis.call('GETRANGE',KEYS[1],0,281)
local k=string.sub(h,1,1)
if k=='\192' then
redis.call('PEXPIRE',KEYS[1],ARGV[3])
if h==ARGV[2] then return 2 end
return 0
end
if k~='' and k~='\193' then return 3 end
local live=0
if k=='\193' then
local s=subject(h)
if not s then return 3 end
` + readNumber + `local now=tonumber(ARGV[4])
if num(10)>now then live=1 end
if s~=ARGV[1] then
if ARGV[5]=='' then return 3 end
local v,ttl=redis.call('GET',KEYS[1]),redis.call('PTTL',KEYS[1])
if ttl<1 then ttl=num(10)-now end
local old,new=string.byte(h,26),#ARGV[5]/8
if new>31 then
v='\193'..ARGV[6]..string.sub(v,10)
else
local keep=math.min(old,32-new)
v=string.sub(v,1,25)..string.char(new+keep)..ARGV[5]..string.sub(v,27,26+8*keep)..string.sub(v,27+8*old)
end
redis.call('DEL',KEYS[1])
redis.call('SET',KEYS[1],v,'PX',math.max(ttl,1))
return 3
end
end
redis.call('DEL',KEYS[1])
redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3])
return live`, "c27abc6334e64c5194d5deb6984faad642748e03"}
)

// lifetime returns the time until expires as scripts take it. The server is
// told how long a key is to live, not until when: its clock may differ, and
// every record has its expiry in it. A key must live for a positive time.
func lifetime(expires time.Time) string {
	return milliseconds(max(time.Until(expires).Milliseconds(), 1))
}

func milliseconds(n int64) string { return strconv.FormatInt(n, 10) }
