package seal

import (
	"crypto/cipher"
	"sync"
	"sync/atomic"
)

// One entry of the cache is about 0.8 KB, most of it key schedule, so a full cache
// is about 0.8 MB. A process draws a stem each hour (more often only under load),
// so 20 processes fill half of the cache in a day. One set in 70 then has more
// stems than slots.
const (
	cacheSets = 128 // no more than 256: chosen by one byte
	cacheWays = 8   // pointers to a cache line of 64 bytes
)

// cache remembers derived keys: a derivation costs about ten times what it
// takes to open a value of 200 bytes with one that is at hand.
//
// It is a table of sets, each with a few slots. A stem's first byte selects the
// set. That byte spreads evenly because only stems of authentic values are added:
// a holder of the key has drawn them at random. An attacker without the key cannot
// fill the table, push anything out of it, or crowd one set. Looking up takes no
// lock and, except for the first use of an entry, writes nothing, so that it
// scales with the processors.
type cache struct {
	sets [cacheSets][cacheWays]atomic.Pointer[derived]
	mu   sync.Mutex // held by add; guards hand
	hand int        // the slot that was replaced last, in whichever set
}

// derived is AES-256-GCM under one derived key.
type derived struct {
	xaes *xaes
	stem stem
	aead cipher.AEAD
	used atomic.Bool // since add last passed by
}

// get returns the entry of a stem, or nil.
func (c *cache) get(x *xaes, st stem) cipher.AEAD {
	set := &c.sets[int(st[0])%cacheSets]
	for i := range set {
		d := set[i].Load()
		if d == nil {
			break // slots fill in order and are never emptied
		}
		if d.stem == st && d.xaes == x {
			if !d.used.Load() { // or each hit would take the line from others
				d.used.Store(true)
			}
			return d.aead
		}
	}
	return nil
}

// add puts in an entry that belongs to an authenticated value. In a full set it
// replaces one that was not used since an earlier add passed by it (second
// chance), so that keys in use outlive a run of keys used once.
func (c *cache) add(x *xaes, st stem, aead cipher.AEAD) {
	entry := &derived{xaes: x, stem: st, aead: aead}
	c.mu.Lock()
	defer c.mu.Unlock()
	set := &c.sets[int(st[0])%cacheSets]
	for i := range set {
		d := set[i].Load()
		if d == nil {
			set[i].Store(entry)
			return
		}
		if d.stem == st && d.xaes == x {
			return // opened by another goroutine at the same time
		}
	}
	for range cacheWays { // at most once around, if all of them are in use
		c.hand = (c.hand + 1) % cacheWays
		if !set[c.hand].Load().used.Swap(false) {
			break
		}
	}
	set[c.hand].Store(entry)
}
