// Package browser holds no code but tests, which drive the example shop in a real
// Chromium: what a browser does with the cookies is for a browser to say.
// They look at the shop's pages, too, and take pictures of all of them:
//
//	go test ./browser -run PagesFit -pictures "$PWD/../build/shop"
//
// They use chromedp rather than Playwright. It speaks the DevTools protocol, in
// which Chromium itself tells what is in its cookie jar, and is Go only:
// playwright-core would bring Node.js and a second language into the build.
package browser
