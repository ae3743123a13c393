package githome

// Report says what came home and what did not.
type Report struct {
	Refs   []RefChange
	Head   string         // what HEAD means now, "" if it was not moved
	Index  string         // "", "updated", or why it was left
	Config []ConfigChange // settings made inside
	Notes  []string       // for people, one line each
	Waits  bool           // with OnlyKeep: there is something that did not come home
	Kept   string         // the private git directory, when something in it could not be brought home
}

// Outcome is what became of a reference that was changed inside.
type Outcome string

const (
	// Kept: only refs/bailey/SESSION/... has it; the host's own is as it was.
	Kept Outcome = "kept"
	// Moved: the host's reference was where it was at the start, and follows.
	Moved Outcome = "moved"
	// Created: it is new.
	Created Outcome = "created"
	// Renamed: it was renamed inside; Old and New are equal or New has more commits.
	Renamed Outcome = "renamed"
	// Left: deleted inside, left on the host.
	Left Outcome = "left"
	// Lost: its objects could not be brought home; see Report.Kept.
	Lost Outcome = "lost"
)

// RefChange is one reference.
type RefChange struct {
	Name     string // as inside, such as refs/heads/main
	Old, New string // object names, "" if none
	Outcome  Outcome
	Note     string // why, for people
}

// ConfigChange is one setting made inside.
type ConfigChange struct {
	Name, Value string
	Taken       bool
	Note        string // why it was left
}
