// Package browser holds only tests. They drive the example shop in a real
// Chromium, because only a browser shows what browsers do with the cookies. They
// also check the layout of the shop's pages, and take pictures of all of them:
//
//	go test ./browser -run PagesFit -pictures "$PWD/../build/shop"
//
// They use chromedp rather than Playwright. It uses the DevTools protocol, through
// which Chromium itself reports what is in its cookie jar, and it is written in Go
// only: playwright-core would bring Node.js and a second language into the build.
package browser
