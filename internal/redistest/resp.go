package redistest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// exchange sends one command and reads its reply. It speaks just enough of the
// protocol for a test to look at a server without the client under test.
func exchange(conn net.Conn, args []string) (string, error) {
	if err := send(conn, args); err != nil {
		return "", err
	}
	return readReply(bufio.NewReader(conn))
}

func send(w io.Writer, args []string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func readReply(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line == "" {
		return "", fmt.Errorf("empty reply line")
	}
	switch line[0] {
	case '+', ':':
		return line[1:], nil
	case '-':
		return line, nil
	}
	n, err := strconv.Atoi(line[1:])
	if err != nil {
		return "", fmt.Errorf("reply %q: %w", line, err)
	}
	switch {
	case n < 0:
		return "(nil)", nil
	case line[0] == '$':
		text := make([]byte, n+len("\r\n"))
		_, err := io.ReadFull(r, text)
		return string(text[:n]), err
	case line[0] == '*':
		elements := make([]string, n)
		for i := range elements {
			if elements[i], err = readReply(r); err != nil {
				return "", err
			}
		}
		return strings.Join(elements, "\n"), nil
	}
	return "", fmt.Errorf("reply %q of unknown type", line)
}

// Monitor records the commands that clients send while f runs, without those
// that a script runs inside the server. Each is its words, quoted by the
// server, joined by spaces.
func (s *Server) Monitor(f func()) []string {
	s.t.Helper()
	conn, err := s.dial()
	if err != nil {
		s.t.Fatal(err)
	}
	defer shut(conn)
	if err := conn.SetDeadline(time.Now().Add(startTimeout)); err != nil {
		s.t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	if err := send(conn, []string{"MONITOR"}); err != nil {
		s.t.Fatal(err)
	}
	if reply, err := readReply(r); err != nil || reply != "OK" {
		s.t.Fatalf("MONITOR: %q, %v", reply, err)
	}
	f()
	const end = "end of monitoring"
	s.Do("ECHO", end)

	var commands []string
	for {
		line, err := readReply(r)
		if err != nil {
			s.t.Fatal(err)
		}
		// 1700000000.123456 [0 127.0.0.1:40000] "GET" "key"
		head, command, _ := strings.Cut(line, "] ")
		if strings.Contains(command, end) {
			return commands
		}
		if strings.HasSuffix(head, " lua") {
			continue
		}
		commands = append(commands, command)
	}
}
