// Package migrate is what an application writes to keep its users logged in while
// it changes to this library: how its old sessions are read, with scs and with
// gorilla/sessions. Its tests hold package session/migrate to its promises with
// the real libraries.
package migrate
