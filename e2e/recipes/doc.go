// Package recipes tests what docs/RECIPES.md shows. Each file has one recipe, to
// copy, and the test that holds it.
package recipes
