// Empty: lets the compiler take a Go function without a body, which main.go has for go:linkname.
