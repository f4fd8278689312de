// Package frameworks tests sessions under the web frameworks that Go programs use:
// the same behaviours in each, in the framework's own style, on real servers and
// with real clients. docs/FRAMEWORKS.md sums it up.
package frameworks
