package rueidis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	client "github.com/redis/rueidis"
)

// parseURL returns the settings that a URL asks for, as the client library's own
// function of that name does, but refuses what that one ignores or guesses. No
// error repeats a part of the URL except the name of a parameter: what stands in
// the place of a path or a port may be half a password whose special characters
// were not percent-encoded.
func parseURL(rawURL string) (client.ClientOption, error) {
	settings, err := parseAnyURL(rawURL)
	if err != nil {
		return client.ClientOption{}, fmt.Errorf("rueidis: %w", err)
	}
	return settings, nil
}

var schemes = []string{"redis", "rediss", "valkey", "valkeys", "unix"}

func parseAnyURL(rawURL string) (settings client.ClientOption, err error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return settings, errors.New("the URL cannot be parsed; special characters in its password must be percent-encoded")
	}
	if err := checkSyntax(u); err != nil {
		return settings, err
	}
	settings.Username = u.User.Username()
	settings.Password, _ = u.User.Password()
	switch u.Scheme {
	case "unix":
		settings.InitAddress = []string{strings.TrimSpace(u.Path)}
		settings.DialCtxFn = dialSocket
	case "rediss", "valkeys":
		settings.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if u.Scheme != "unix" {
		if err := parsePlace(&settings, u); err != nil {
			return settings, err
		}
	}
	return settings, parseParameters(&settings, u.RawQuery)
}

// checkSyntax refuses URLs that are no server's. Some are what is left of one
// whose password has special characters.
func checkSyntax(u *url.URL) error {
	socket := u.Scheme == "unix"
	switch {
	case !slices.Contains(schemes, u.Scheme):
		return fmt.Errorf("unknown scheme %q in the URL, want one of %s", u.Scheme, strings.Join(schemes, ", "))
	case u.Fragment != "" || u.Opaque != "" || !socket && strings.Contains(u.Path+u.RawQuery, "@"):
		return errors.New("the URL has an @ or # that is no part of its syntax; special characters in its password must be percent-encoded")
	case socket && u.Host != "":
		return errors.New("a unix URL has a path, as in unix:///run/redis.sock, and no host; special characters in its password must be percent-encoded")
	}
	return nil
}

// parseParameters reads what stands behind the question mark.
func parseParameters(settings *client.ClientOption, rawQuery string) error {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return errors.New("the parameters of the URL cannot be parsed")
	}
	for name, values := range query {
		set, ok := parameters[name]
		switch {
		case !ok:
			return fmt.Errorf("the URL has an unknown parameter %q, want one of %s", name, strings.Join(parameterNames, ", "))
		case len(values) > 1 && name != "addr":
			return fmt.Errorf("the URL has the parameter %q more than once", name)
		}
		for _, value := range values {
			if err := set(settings, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// parsePlace reads host, port and the path, which is the number of a database.
// Providers hand out URLs that end with a slash.
func parsePlace(settings *client.ClientOption, u *url.URL) error {
	host, port := u.Hostname(), u.Port()
	if host == "" {
		host = "localhost"
	}
	if port == "" {
		port = "6379"
	}
	settings.InitAddress = []string{net.JoinHostPort(host, port)}
	path := strings.TrimPrefix(u.Path, "/")
	switch {
	case path == "":
		return nil
	case strings.Contains(path, "/"):
		return errors.New("the URL has a path that is no database number")
	}
	return setDatabase(settings, path)
}

// parameters are those that a URL may have.
var parameters = map[string]func(s *client.ClientOption, value string) error{
	"addr": func(s *client.ClientOption, value string) error {
		host, port, err := net.SplitHostPort(value)
		if err != nil || host == "" || port == "" {
			return errors.New("the URL has an addr that is not host:port")
		}
		s.InitAddress = append(s.InitAddress, value)
		return nil
	},
	"client_name": func(s *client.ClientOption, value string) error {
		s.ClientName = value
		return nil
	},
	"db": setDatabase,
	"dial_timeout": func(s *client.ClientOption, value string) error {
		return setDuration(&s.Dialer.Timeout, "dial timeout", value)
	},
	"master_set": func(s *client.ClientOption, value string) error {
		s.Sentinel.MasterSet = value
		return nil
	},
	"protocol": func(s *client.ClientOption, value string) error {
		if value != "2" && value != "3" {
			return errors.New("the URL has a protocol that is neither 2 nor 3")
		}
		s.AlwaysRESP2 = value == "2"
		return nil
	},
	"sentinel_password": func(s *client.ClientOption, value string) error {
		s.Sentinel.Password = value
		return nil
	},
	"sentinel_username": func(s *client.ClientOption, value string) error {
		s.Sentinel.Username = value
		return nil
	},
	"skip_verify": func(s *client.ClientOption, value string) error {
		skip, err := strconv.ParseBool(value)
		switch {
		case err != nil:
			return errors.New("the URL has a skip_verify that is neither true nor false")
		case s.TLSConfig == nil:
			return errors.New("the URL has a skip_verify without TLS")
		}
		s.TLSConfig.InsecureSkipVerify = skip
		return nil
	},
	"write_timeout": func(s *client.ClientOption, value string) error {
		return setDuration(&s.ConnWriteTimeout, "write timeout", value)
	},
}

var parameterNames = []string{
	"addr", "client_name", "db", "dial_timeout", "master_set", "protocol",
	"sentinel_password", "sentinel_username", "skip_verify", "write_timeout",
}

func setDatabase(s *client.ClientOption, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return errors.New("the URL has an invalid database number")
	}
	s.SelectDB = n
	return nil
}

func setDuration(d *time.Duration, what, value string) error {
	parsed, err := time.ParseDuration(value)
	if err != nil || parsed <= 0 {
		return fmt.Errorf("the URL has an invalid %s", what)
	}
	*d = parsed
	return nil
}

func dialSocket(ctx context.Context, path string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
	return d.DialContext(ctx, "unix", path)
}
