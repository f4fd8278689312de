package rueidis

import (
	"strings"
	"testing"
	"time"

	client "github.com/redis/rueidis"
)

// TestParseURL reads the forms in which providers and operators write URLs.
func TestParseURL(t *testing.T) {
	tests := []struct {
		name, url string
		want      string // by describeSettings
	}{
		{"a host", "redis://host", "host:6379"},
		{"no host", "redis://", "localhost:6379"},
		{"a port", "redis://host:1234", "host:1234"},
		{"an IPv6 address", "redis://[::1]:1234", "[::1]:1234"},
		{"a database", "redis://host/3", "host:6379 db=3"},
		{"a trailing slash", "redis://host:6379/", "host:6379"},
		{"a trailing slash before parameters", "redis://host:6379/?db=5", "host:6379 db=5"},
		{"user and password", "rediss://me:it%2Fs@host/", "host:6379 me:it/s tls"},
		{"a password alone", "redis://:secret@host:6379", "host:6379 :secret"},
		{"a cluster", "redis://a:1?addr=b:2&addr=c:3", "a:1,b:2,c:3"},
		{"Sentinels with a password", "redis://a:1?addr=b:2&master_set=m&sentinel_username=s&sentinel_password=p", "a:1,b:2 m s:p"},
		{"RESP2", "redis://a:1?protocol=2", "a:1 resp2"},
		{"timeouts", "redis://a:1?dial_timeout=1s&write_timeout=3s", "a:1 1s 3s"},
		{"a socket", "unix:///run/redis.sock?db=2", "/run/redis.sock db=2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			settings, err := parseURL(test.url)
			if err != nil {
				t.Fatal(err)
			}
			if got := describeSettings(settings); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// describeSettings writes the settings that a URL can make.
func describeSettings(s client.ClientOption) string {
	words := []string{strings.Join(s.InitAddress, ",")}
	add := func(on bool, word string) {
		if on {
			words = append(words, word)
		}
	}
	add(s.Username != "" || s.Password != "", s.Username+":"+s.Password)
	add(s.SelectDB != 0, "db="+milliseconds(int64(s.SelectDB)))
	add(s.TLSConfig != nil, "tls")
	add(s.Sentinel.MasterSet != "", s.Sentinel.MasterSet)
	add(s.Sentinel.Password != "", s.Sentinel.Username+":"+s.Sentinel.Password)
	add(s.AlwaysRESP2, "resp2")
	add(s.Dialer.Timeout != 0, s.Dialer.Timeout.String())
	add(s.ConnWriteTimeout != 0, s.ConnWriteTimeout.String())
	return strings.Join(words, " ")
}

// TestParseURLRefuses has URLs that another parser would take for something
// else than was meant.
func TestParseURLRefuses(t *testing.T) {
	tests := []struct{ name, url, want string }{
		{"a node without a port", "redis://a:1?addr=b", "host:port"},
		{"a node without a host", "redis://a:1?addr=:2", "host:port"},
		{"an empty node", "redis://a:1?addr=", "host:port"},
		{"another library's parameter", "redis://a:1?master=m", `"master"`},
		{"a parameter twice", "redis://a:1?db=1&db=2", `"db" more than once`},
		{"a negative database", "redis://a:1/-1", "database number"},
		{"a database in a deeper path", "redis://a:1/0/1", "database number"},
		{"a protocol that there is not", "redis://a:1?protocol=4", "protocol"},
		{"a timeout of nothing", "redis://a:1?dial_timeout=0s", "dial timeout"},
		{"skip_verify without TLS", "redis://a:1?skip_verify=true", "skip_verify"},
		{"parameters that cannot be read", "redis://a:1?%zz", "parameters"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseURL(test.url)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v does not say %q", err, test.want)
			}
		})
	}
}

// TestAdvisedSentinel makes sure that a Sentinel which hangs is noticed.
func TestAdvisedSentinel(t *testing.T) {
	settings, err := parseURL("rediss://a:1?addr=b:2&master_set=m")
	if err != nil {
		t.Fatal(err)
	}
	advise(&settings, Options{Timeout: time.Second})
	if settings.Sentinel.Dialer.KeepAlive <= 0 {
		t.Error("connections to Sentinels are not probed")
	}
	if settings.Sentinel.TLSConfig == nil || settings.TLSConfig.ServerName != "" {
		t.Error("the certificate of every server and Sentinel must be for the first host of the URL")
	}
}
