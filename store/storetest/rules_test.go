package storetest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// unruly are the sentences of the contract that no case quotes, because a
// store cannot break them.
var unruly = []string{
	"Store keeps records.",
	"An error that is none of [ErrExists], [ErrNotFound], [ErrConflict] and [ErrTooLarge] means that the store could not answer.",
	"A ref is what the client must bring for its record to be found.",
	"The kit in package storetest holds a store to every sentence of this contract.",
	"rec.ID is the ID of the record that ref finds.",
	"One that is ClientHeld cannot always tell: it is asked for what the Manager has authenticated only.",
}

// TestRulesAreTheContract compares the quoted sentences with the documentation
// of session.Store, both ways: none is made up, and none is left out.
func TestRulesAreTheContract(t *testing.T) {
	contract := documentation(t, "Store")
	quoted := rules(t)
	known := slices.Concat(slices.Collect(maps.Values(quoted)), unruly)
	for _, sentence := range sentences(contract) {
		if !slices.Contains(known, sentence) {
			t.Errorf("the contract says what no rule quotes: %q", sentence)
		}
	}
	all := contract + " " + documentation(t, "Record")
	for name, text := range quoted {
		if !strings.Contains(all, text) {
			t.Errorf("%s is not in the contract: %q", name, text)
		}
	}
	for _, text := range unruly {
		if !strings.Contains(contract, text) {
			t.Errorf("no longer in the contract: %q", text)
		}
	}
}

// documentation returns the comments of a type of package session and of its
// methods, on one line.
func documentation(t *testing.T, name string) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../session/store.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, decl := range file.Decls {
		decl, ok := decl.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE || decl.Specs[0].(*ast.TypeSpec).Name.Name != name {
			continue
		}
		text = append(text, decl.Doc.Text())
		ast.Inspect(decl, func(n ast.Node) bool {
			if field, ok := n.(*ast.Field); ok {
				text = append(text, field.Doc.Text())
			}
			return true
		})
	}
	if text == nil {
		t.Fatalf("no documentation of session.%s", name)
	}
	return strings.Join(strings.Fields(strings.Join(text, " ")), " ")
}

// rules returns the constants of type rule by their names.
func rules(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "rules.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found[spec.Names[0].Name] = text
		}
		return true
	})
	return found
}

// sentences splits a text at the ends of its sentences. The next one begins
// with a capital or with the name of a parameter.
func sentences(text string) []string {
	end := regexp.MustCompile(`\. ([A-Z]|rec\.)`)
	var all []string
	for {
		at := end.FindStringIndex(text)
		if at == nil {
			return append(all, text)
		}
		all = append(all, text[:at[0]+1])
		text = text[at[0]+2:]
	}
}
