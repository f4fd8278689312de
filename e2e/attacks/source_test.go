package attacks_test

import (
	"bytes"
	"cmp"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/typedsession/typedsession"

// comparisons are the functions that look at bytes one by one, and stop at the
// first that differs.
var comparisons = map[string]bool{
	"bytes.Equal": true, "bytes.Compare": true, "bytes.HasPrefix": true, "bytes.HasSuffix": true, "bytes.Index": true,
	"bytes.EqualFold": true, "bytes.Contains": true, "slices.Equal": true, "slices.Compare": true, "slices.Contains": true,
	"slices.Index": true, "strings.Compare": true, "reflect.DeepEqual": true, "maps.Equal": true, "cmp.Compare": true,
}

// harmless are the functions that may compare what could be a secret, and why.
var harmless = map[string]string{
	// Of the secrets of one session, both of which the server has itself.
	"session.watch":  "whether the session's own secret was renewed while it was watched",
	"session.joined": "whether there is a secret",
	// Of keys, when a program starts.
	"seal.NewRing": "that no key is configured twice, or all zeros",
	// Of what is no secret from the client that it is compared for.
	"session.planState": "whether the encoded state has changed",
	"session.create":    "whether the encoded state is the initial one",
	"engine.List":       "the order of sessions, by their IDs",
}

// TestSecretsAreComparedInConstantTime reads the source of the packages that
// handle secrets, because no clock is steady enough for a test to hear the
// difference. Secrets, their hashes and keys are of types of their own; values of
// these, and bytes in general, are compared by crypto/subtle, crypto/hmac or an
// AEAD, and by nothing else.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	used := map[string]bool{}
	excused := map[string]bool{}
	for _, path := range []string{"/session", "/internal/engine", "/internal/payload", "/internal/token", "/internal/seal"} {
		pkg := typeCheck(t, module+path)
		for _, file := range pkg.files {
			for _, decl := range file.Decls {
				fn, ok := decl.(*ast.FuncDecl)
				if !ok || fn.Body == nil {
					continue
				}
				where := pkg.types.Name() + "." + fn.Name.Name
				report := func(n ast.Node, format string, args ...any) {
					if harmless[where] != "" {
						excused[where] = true
						return
					}
					t.Errorf("%s: %s: "+format, append([]any{pkg.fset.Position(n.Pos()), where}, args...)...)
				}
				ast.Inspect(fn, func(n ast.Node) bool {
					switch n := n.(type) {
					case *ast.BinaryExpr:
						equality := n.Op == token.EQL || n.Op == token.NEQ
						if kind := pkg.info.TypeOf(n.X); equality && (secretive(kind) || pkg.fromBytes(n.X) && pkg.fromBytes(n.Y)) {
							report(n, "%s of %v", n.Op, kind)
						}
					case *ast.SwitchStmt:
						if n.Tag != nil && secretive(pkg.info.TypeOf(n.Tag)) {
							report(n, "switch on %v", pkg.info.TypeOf(n.Tag))
						}
					case *ast.IndexExpr:
						if m, ok := pkg.info.TypeOf(n.X).Underlying().(*types.Map); ok && secretive(m.Key()) {
							report(n, "look-up by %v", m.Key())
						}
					case *ast.CallExpr:
						name := pkg.callee(n)
						used[name] = true
						if comparisons[name] && pkg.comparesBytes(n) {
							report(n, "%s", name)
						}
					}
					return true
				})
			}
		}
	}
	for _, name := range []string{"crypto/subtle.ConstantTimeCompare", "crypto/hmac.Equal", "(crypto/cipher.AEAD).Open"} {
		if !used[name] {
			t.Errorf("%s is not used any more: what compares instead?", name)
		}
	}
	for where := range harmless {
		if !excused[where] {
			t.Errorf("%s compares nothing any more and needs no excuse", where)
		}
	}
}

// secretive reports whether values of a type are, or hold, a secret, a hash or a
// key.
func secretive(kind types.Type) bool {
	switch u := kind.Underlying().(type) {
	case *types.Array:
		basic, ok := u.Elem().Underlying().(*types.Basic)
		if !ok || basic.Kind() != types.Byte {
			return false
		}
		named, _ := kind.(*types.Named)
		return u.Len() == 32 || named != nil && named.Obj().Name() == "Secret"
	case *types.Struct:
		for field := range u.Fields() {
			if secretive(field.Type()) {
				return true
			}
		}
	}
	return false
}

// checked is a package with its types.
type checked struct {
	fset  *token.FileSet
	files []*ast.File
	types *types.Package
	info  types.Info
}

// callee returns the full name of what is called, "" where that is no function.
func (c *checked) callee(call *ast.CallExpr) string {
	var id *ast.Ident
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		id = fun
	case *ast.SelectorExpr:
		id = fun.Sel
	default:
		return ""
	}
	fn, ok := c.info.Uses[id].(*types.Func)
	if !ok {
		return ""
	}
	return fn.FullName()
}

// comparesBytes reports whether a call is given bytes, or a secret.
func (c *checked) comparesBytes(call *ast.CallExpr) bool {
	for _, arg := range call.Args {
		if kind := c.info.TypeOf(arg); secretive(kind) || isBytes(kind) {
			return true
		}
	}
	return false
}

// fromBytes reports whether an expression makes a string of bytes.
func (c *checked) fromBytes(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	return ok && len(call.Args) == 1 && c.info.Types[call.Fun].IsType() && isBytes(c.info.TypeOf(call.Args[0]))
}

func isBytes(kind types.Type) bool {
	slice, ok := kind.Underlying().(*types.Slice)
	if !ok {
		return false
	}
	basic, ok := slice.Elem().Underlying().(*types.Basic)
	return ok && basic.Kind() == types.Byte
}

// typeCheck reads a package and what it imports, as the go command builds it.
func typeCheck(t *testing.T, path string) *checked {
	t.Helper()
	list := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
		cmd.Stderr = t.Output()
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", cmd, err)
		}
		return strings.TrimSpace(string(out))
	}
	exports := map[string]string{}
	for line := range strings.Lines(list("-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", path)) {
		pkg, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[pkg] = file
	}
	c := &checked{fset: token.NewFileSet(), info: types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
	}}
	dir, names, _ := strings.Cut(list("-f", "{{.Dir}} {{join .GoFiles \" \"}}", path), " ")
	for name := range strings.FieldsSeq(names) {
		file, err := parser.ParseFile(c.fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		c.files = append(c.files, file)
	}
	lookup := func(path string) (io.ReadCloser, error) {
		data, err := os.ReadFile(exports[path])
		return io.NopCloser(bytes.NewReader(data)), err
	}
	conf := types.Config{Importer: importer.ForCompiler(c.fset, "gc", lookup)}
	pkg, err := conf.Check(path, c.fset, c.files, &c.info)
	if err != nil {
		t.Fatal(err)
	}
	c.types = cmp.Or(pkg, c.types)
	return c
}
