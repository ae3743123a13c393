package limit

// Machine is what a session starts on.
type Machine struct {
	Memory    int64 // bytes
	Processes int64 // that the user may have; 0 when not limited
	OpenFiles int64 // that a process may have; 0 when not limited
	Free      int64 // bytes of disk where the project lies
}

const (
	perProcess  = 2 << 20 // memory of the machine for each process that a session may have
	fewest      = 1024
	mostAllowed = 16384
	openFiles   = 65536
)

// Default is so wide that no build notices, and leaves the machine usable:
// four fifths of the memory, thousands of processes, half of the free disk.
func Default(m Machine) Set {
	const origin = "default"
	s := Set{
		Processes: {min(max(m.Memory/perProcess, fewest), mostAllowed), origin},
		OpenFiles: {openFiles, origin},
	}
	if m.Memory > 0 {
		s[Memory] = Bound{max(m.Memory/5*4, least[Memory]), origin}
	}
	if m.Free > 0 {
		s[Disk] = Bound{max(m.Free/2, least[Disk]), origin}
	}
	if m.Processes > 0 {
		s = s.Narrow(Set{Processes: {max(m.Processes/2, least[Processes]), "ulimit -u"}})
	}
	if m.OpenFiles > 0 {
		s = s.Narrow(Set{OpenFiles: {m.OpenFiles, "ulimit -Hn"}})
	}
	return s
}
