//go:build !linux

package sqltest

import "syscall"

// endWithParent does nothing where the kernel offers nothing: a server whose
// test binary was killed stays until it is ended by hand.
func endWithParent() *syscall.SysProcAttr { return new(syscall.SysProcAttr) }
