// Package frameworks tests sessions under the web frameworks that Go programs
// are written with: the same behaviours in each, in the framework's own style,
// on real servers and asked by real clients. docs/FRAMEWORKS.md sums it up.
package frameworks
