package main

import "strings"

// deviceName says what a browser claims to be, as "Firefox on Linux". It helps
// people to recognise their own devices, and proves nothing: the header is the
// client's word. None of the header's text gets into it, and what it does not
// know it calls unknown.
func deviceName(userAgent string) string {
	browser, system := named(browsers, userAgent), named(systems, userAgent)
	switch {
	case browser == "" && system == "":
		return "Unknown device"
	case browser == "":
		return "Unknown browser on " + system
	case system == "":
		return browser + " on an unknown system"
	}
	return browser + " on " + system
}

// mark is a piece of a User-Agent header, and what it stands for.
type mark struct{ text, name string }

// browsers are in an order that matters: most of them also claim to be those
// that follow, for the sake of pages that ask.
var browsers = []mark{
	{"Edg", "Edge"}, // Edg/, EdgA/ and EdgiOS/
	{"OPR/", "Opera"},
	{"SamsungBrowser/", "Samsung Internet"},
	{"Firefox/", "Firefox"},
	{"FxiOS/", "Firefox"},
	{"CriOS/", "Chrome"},
	{"Chrome/", "Chrome"},
	{"Safari/", "Safari"},
	{"curl/", "curl"},
}

var systems = []mark{
	{"iPhone", "iPhone"},
	{"iPad", "iPad"},
	{"Android", "Android"}, // which says Linux too
	{"Windows", "Windows"},
	{"CrOS", "ChromeOS"},
	{"Macintosh", "Mac or iPad"}, // an iPad asks for the pages of a Mac in its name
	{"Linux", "Linux"},
}

// named returns the name of the first mark that text has.
func named(marks []mark, text string) string {
	for _, m := range marks {
		if strings.Contains(text, m.text) {
			return m.name
		}
	}
	return ""
}
