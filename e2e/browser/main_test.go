package browser_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/typedsession/typedsession/internal/redistest"
)

// What all the tests share. Each of them has cookie jars of its own in the one
// browser, and shops of its own.
var (
	chromium context.Context // of the process
	program  string          // path of the shop
)

func TestMain(m *testing.M) {
	status, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		status = 1
	}
	os.Exit(status)
}

func run(m *testing.M) (status int, err error) {
	if _, err := chromiumPath(); err != nil {
		if os.Getenv(redistest.RequireServers) == "1" {
			return 1, err
		}
		fmt.Fprintln(os.Stderr, err, "so nothing is tested")
		return 0, nil
	}
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	program = filepath.Join(dir, "shop")
	if err := build(program); err != nil {
		return 1, err
	}
	ctx, stop, err := startChromium(filepath.Join(dir, "profile"))
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	chromium = ctx
	return m.Run(), nil
}

// build builds the shop; without the race detector, under which a login takes
// ten times as long.
func build(path string) error {
	// The examples are a module of their own, with requirements of their own.
	cmd := exec.Command("go", "build", "-o", path, "./shop")
	cmd.Dir = filepath.Join("..", "..", "examples")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// chromiumPath finds the browser under the names that distributions give it.
func chromiumPath() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("chromium is not on PATH,")
}

// startChromium starts a process on the profile in dir. The returned function
// ends it the way a user does, so that it writes its cookies to disk.
func startChromium(dir string, options ...chromedp.ExecAllocatorOption) (context.Context, func() error, error) {
	path, err := chromiumPath()
	if err != nil {
		return nil, nil, err
	}
	options = append(append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(dir),
		chromedp.DisableGPU,
		// Without a process kept ready for the next site, of which there is
		// none, the tests take an eighth less.
		chromedp.Flag("disable-features", "Translate,SpareRendererForSitePerProcess,MediaRouter,OptimizationHints"),
		// CI runs as root, and Chromium's sandbox does not. Nothing but our own
		// pages is opened in it.
		chromedp.NoSandbox,
		chromedp.IgnoreCertErrors,
		// Names under test are ours (RFC 6761 section 6.2), and lead to nobody
		// else, whatever the machine's resolver says.
		chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1"),
		// Whatever else it would keep goes where the profile is.
		chromedp.Env("XDG_CONFIG_HOME="+dir, "XDG_CACHE_HOME="+dir),
	), options...)
	// Not the context of a test, which is done before its clean-up.
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ := chromedp.NewContext(alloc)
	stop := func() error {
		defer cancel()
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return chromedp.Cancel(ctx)
	}
	if err := chromedp.Do(ctx); err != nil { // the first one starts it
		cancel()
		return nil, nil, err
	}
	return ctx, stop, nil
}
