//go:build !linux

package why

// Call has no answer where there are no sandboxes.
func (m *Map) Call(name string) Answer {
	return Answer{Subject: name, Kind: Syscall, Decision: "absent", Layer: "none", Reason: "there is no sandbox on this system"}
}
