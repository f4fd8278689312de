package session

import "net/http"

// What the tests of this package's formats reach into.

// ParsePayload parses a plain payload and returns what appendHeader makes of it
// again, with the state behind it.
func ParsePayload(payload []byte) (again, state []byte, err error) {
	h, state, err := parseHeader(payload)
	if err != nil {
		return nil, nil, err
	}
	return append(appendHeader(nil, &h), state...), state, nil
}

// PayloadTimes returns the times in a plain payload: created, extended, renewed
// and authenticated, in Unix milliseconds.
func PayloadTimes(payload []byte) [4]int64 {
	h, _, _ := parseHeader(payload)
	return [4]int64{h.created, h.extended, h.renewed, h.authenticated}
}

// CookieValues reads the cookies of one name in place.
func CookieValues(lines []string, name string) []string {
	return cookieValues(nil, lines, name)
}

// OpenToken returns what a token for m holds.
func OpenToken[T any](m *Manager[T], token string) (content []byte, ok bool) {
	content, _, ok = m.core.tokens.open(new([]byte), token)
	return content, ok
}

// ReadTokens returns the tokens that a request with that header presents to m.
func ReadTokens[T any](m *Manager[T], header http.Header) []string {
	tokens, _ := m.core.carrier.read(nil, header)
	return tokens
}

const MaxCandidates = maxCandidates
