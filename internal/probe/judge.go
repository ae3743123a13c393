package probe

import (
	"fmt"
	"slices"
)

// Judge compares both sides with the row.
func (p Probe) Judge(mode string, in, out Seen) (verdict, listed string) {
	if p.Positive {
		return p.judgePositive(in, out)
	}
	stop, open := p.In(mode), p.OpenIn(mode)
	switch {
	case open != "" && in.Leaked:
		return "", NotStopped + open
	case in.Leaked:
		return "not stopped: " + in.Proof, ""
	case open != "":
		return "is stopped now, although its row calls it open", ""
	}
	for _, h := range in.How {
		if !slices.Contains(stop.How, h) {
			return fmt.Sprintf("stopped by %q, and not as its row says: %q %s", in.How, stop.How, in.Note), ""
		}
	}
	switch {
	case len(in.How) == 0:
		return "said nothing", ""
	case !out.Leaked && p.Tame == "":
		return fmt.Sprintf("its control does not leak: %q %s", out.How, out.Note), ""
	case !out.Leaked:
		return "", "control: " + p.Tame
	}
	return "", ""
}

// judgePositive: what must work inside as outside.
func (p Probe) judgePositive(in, out Seen) (verdict, listed string) {
	switch {
	case !in.Leaked:
		return fmt.Sprintf("does not work inside: %v %s", in.How, in.Note), ""
	case !out.Leaked && p.Tame == "":
		return fmt.Sprintf("does not work outside either: %v %s", out.How, out.Note), ""
	}
	return "", p.Tame
}
