package memory

import (
	"iter"
	"maps"
	"slices"

	"github.com/typedsession/typedsession/store"
)

// maxFew is how many IDs an idSet keeps in a slice. Most subjects have few
// sessions, and a slice of these takes a fraction of a map's memory. A client
// that logs in for each call makes very many, and a slice of these would make
// each login slower than the one before.
const maxFew = 8

// idSet is a set of session IDs. The zero idSet is empty.
type idSet struct {
	few  []store.ID
	many *idMap // nil: all IDs are in few
}

// idMap is the part of an idSet that is used for many IDs.
type idMap struct {
	ids       map[store.ID]struct{}
	highWater int // most IDs since the map was made
}

func (s *idSet) len() int {
	if s.many != nil {
		return len(s.many.ids)
	}
	return len(s.few)
}

// add adds an ID that is not in the set.
func (s *idSet) add(id store.ID) {
	if s.many == nil && len(s.few) < maxFew {
		s.few = append(s.few, id)
		return
	}
	if s.many == nil {
		s.many = newIDMap(slices.Values(s.few), len(s.few)+1)
		s.few = nil
	}
	s.many.ids[id] = struct{}{}
	s.many.highWater = max(s.many.highWater, len(s.many.ids))
}

// remove removes an ID.
func (s *idSet) remove(id store.ID) {
	if s.many == nil {
		if at := slices.Index(s.few, id); at >= 0 {
			last := len(s.few) - 1
			s.few[at] = s.few[last]
			s.few = s.few[:last]
		}
		return
	}
	delete(s.many.ids, id)
	switch n := len(s.many.ids); {
	case n <= maxFew/2:
		s.few = s.all()
		s.many = nil
	case n < s.many.highWater/4:
		s.many = newIDMap(maps.Keys(s.many.ids), n)
	}
}

// all returns the IDs in a new slice.
func (s *idSet) all() []store.ID {
	if s.many == nil {
		return slices.Clone(s.few)
	}
	ids := make([]store.ID, 0, len(s.many.ids))
	for id := range s.many.ids {
		ids = append(ids, id)
	}
	return ids
}

// newIDMap returns a map of n IDs.
func newIDMap(ids iter.Seq[store.ID], n int) *idMap {
	m := &idMap{ids: make(map[store.ID]struct{}, n), highWater: n}
	for id := range ids {
		m.ids[id] = struct{}{}
	}
	return m
}
