package catalogue

import "github.com/bailey-project/bailey/internal/probe"

func life() []probe.Probe {
	return []probe.Probe{
		{ID: "P02-processes", Attack: "Start processes without end", Scene: "hog", Args: list("processes=100"), Stop: by(limits, probe.Ended)},
		{ID: "P02-memory", Attack: "Take all memory", Scene: "hog", Args: list("memory=200M"), Stop: by(limits, probe.Ended)},
		{ID: "P02-disk", Attack: "Fill the disk", Scene: "hog", Args: list("disk=50M"), Stop: by(limits, probe.Ended)},
		{ID: "P02-open-files", Attack: "Open files without end", Scene: "hog", Args: list("open-files=100"), Stop: by(limits, "EMFILE")},
		{ID: "P04", Attack: "Go on when the supervisor is killed", Scene: "killed", Args: list("network"), Stop: by(life9, probe.Ended)},
		{ID: "P05", Attack: "Live on as an orphan when the launcher is killed", Scene: "killed", Args: list("orphan"), Stop: by(life9, probe.Ended)},
		{ID: "P06", Attack: "Leave mounts, processes, interfaces, sockets or files behind", Scene: "leftovers", Stop: by(life9, probe.Nothing)},
		{ID: "P08", Attack: "Leave state that Bailey believes: sessions, quarantine, private git", Scene: "belief", Stop: by("session directory", probe.Nothing)},
		{ID: "P09", Attack: "Leave the terminal in a state that acts later: modes, alternate screen, title", Scene: "terminal", Args: list("modes"), Stop: by(relay, probe.Kept)},
		{ID: "P13", Attack: "Start in a directory whose name has blanks, colons, commas, quotes, a backslash", Scene: "oddPath", Stop: by(tree, "ENOENT")},
		{ID: "P14", Attack: "Start in the home, in / and in links to them, so that everything is the project", Scene: "tooWide", Stop: by(refuse, probe.Refused)},
		{ID: "P15", Attack: "Start twenty at once in one directory and look into each other", Scene: "crowd", Stop: by(pids+", "+tree, probe.Nothing)},
	}
}
