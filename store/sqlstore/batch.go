package sqlstore

// batchSize is how many rows one statement changes at most.
const batchSize = 512

// in completes a statement that ends with "IN (" by a list of at least one key.
// It repeats the last key up to a power of eight, so that drivers which keep
// prepared statements by their texts see few.
func in[Key ~[16]byte](c *compiler, s *statement, v *values, keys []Key) (string, []any) {
	args := s.values(v)
	size := 1
	for size < len(keys) {
		size *= 8
	}
	text := s.text + c.marks(len(args), size) + ")"
	for i := range size {
		key := keys[min(i, len(keys)-1)]
		args = append(args, key[:])
	}
	return text, args
}
