// Package proxies tests what docs/PROXIES.md says, with real proxies between a
// client and a session.
package proxies
