// Package peers has one small web application for each session library that is
// compared: the same actions on the same values, written the way the library's
// own documentation recommends. Beside them stand the floors, which do by hand
// what no correct implementation can avoid, and nothing else.
//
// A [Contender] is a library with a store. Opened, it is a [Site], whose
// [Client]s send it requests without a network in between.
package peers
