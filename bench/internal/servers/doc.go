// Package servers starts the programs that the comparison needs, on free
// loopback ports, and ends them.
package servers
