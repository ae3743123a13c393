package main

import "fmt"

// outcome is what an attempt brought: got of as much as there was to get.
type outcome struct {
	got, of int
	text    string
}

func (o outcome) none() bool { return o.got == 0 }
func (o outcome) all() bool  { return o.got == o.of && o.of > 0 }

// row is an attempt of the agent, and how it must end under Bailey. Without
// Bailey it must come off, else the row proves nothing.
type row struct {
	tried  string
	needs  string // a program, "" for none
	check  func(*trial) (outcome, error)
	works  bool // under Bailey it must come off, too
	onlyIn bool // without Bailey it must fail
	asRoot bool // tried only as root: nobody else could do it anyway
}

const (
	you    = "you"
	steals = "the agent reads"
	sends  = "the agent sends"
	plants = "the agent plants"
	works  = "the agent works"
)

type part struct {
	section string
	rows    []row
}

var parts = []part{
	{steals, []row{
		{tried: "its environment", check: found("read_environment", paymentsKey, jwtSecret, dbPassword)},
		{tried: ".env", check: found("read_env_file", paymentsKey, jwtSecret, dbPassword)},
		{tried: "your home", check: found("read_home", "SSH key", "cloud key", "vault passphrase")},
		{tried: "other processes' environments", check: found("read_processes", "staging key")},
		{tried: "another project", check: found("read_other_project", "other project's key")},
		{tried: "a database on your loopback", needs: "python3", check: found("read_host_database", "host's database")},
		{tried: "/etc/shadow", check: shadow, asRoot: true},
		{tried: "the key, asked back from an echo endpoint", check: found("ask_echo", paymentsKey)},
		{tried: "the same, compressed", check: found("ask_echo_gzip", paymentsKey)},
		{tried: "anything of value, in all that it printed", check: anything},
	}},
	{sends, []row{
		{tried: "its key to another allowed host", check: collected("docs.test", "header")},
		{tried: "the same, in a query", check: collected("docs.test", "")},
		{tried: "its key to a host that is not allowed", check: collected("tracker.test", "")},
	}},
	{plants, []row{
		{tried: "a git hook", check: planted("hook")},
		{tried: "core.fsmonitor in git's configuration", check: planted("fsmonitor")},
		{tried: ".git/commondir", check: planted("commondir")},
		{tried: ".envrc, .vscode/tasks.json, .claude/settings.json", check: startupFiles},
		{tried: "a set-user-id shell", check: setuid},
		{tried: "kill -9, to your other server", check: killed},
	}},
	{works, []row{
		{tried: "runs the tests", needs: "node", check: testsRun, works: true},
		{tried: "calls the payments API with curl", needs: "curl", check: paid("curl"), works: true},
		{tried: "... as Basic user", needs: "curl", check: paid("basic"), works: true},
		{tried: "... in the query", needs: "curl", check: paid("query"), works: true},
		{tried: "... with node's fetch", needs: "node", check: paid("fetch"), works: true},
		{tried: "... with node's https", needs: "node", check: paid("https"), works: true},
		{tried: "... with Python's http.client", needs: "python3", check: paid("python"), works: true},
		{tried: "... with Python's urllib", needs: "python3", check: paid("urllib"), works: true},
		{tried: "... with wget", needs: "wget", check: paid("wget"), works: true},
		{tried: "... with a static Go program", check: paid("go"), works: true},
		{tried: "... with openssl s_client", needs: "openssl", check: paid("openssl"), works: true},
		{tried: "... with git ls-remote", check: listed, works: true},
		{tried: "reads an allowed host", needs: "curl", check: readDocs, works: true},
		{tried: "serves 0.0.0.0:3000, 127.0.0.1:5432, 127.0.0.1:443", needs: "python3", check: listens, works: true, onlyIn: true},
		{tried: "commits", check: committed, works: true},
	}},
}

// compare judges every row by both trials.
func compare(without, with *trial) []result {
	var table []result
	for _, p := range parts {
		for _, r := range p.rows {
			if r.asRoot && !isRoot() {
				continue
			}
			res := result{section: p.section, tried: r.tried, verdict: notTried}
			if why := missing(r.needs); why != "" {
				res.without, res.with = "not tried", why
			} else {
				res.without, res.with, res.verdict = r.judge(without, with)
			}
			table = append(table, res)
		}
	}
	return table
}

func (r row) judge(without, with *trial) (before, after string, v verdict) {
	bare, err := r.check(without)
	if err != nil {
		return err.Error(), "", failed
	}
	kept, err := r.check(with)
	if err != nil {
		return bare.text, err.Error(), failed
	}
	switch {
	case with.incomplete():
		return bare.text, "the agent did not reach its end: " + with.output.problem(), failed
	case r.onlyIn && !bare.none(), !r.onlyIn && !bare.all():
		return bare.text + " (the control failed)", kept.text, failed
	case r.works && !kept.all(), !r.works && !kept.none():
		return bare.text, kept.text, failed
	}
	return bare.text, kept.text, ok
}

func count(got, of int, what string) outcome {
	if of == 1 {
		return outcome{got, of, what}
	}
	return outcome{got, of, fmt.Sprintf("%d of %d %s", got, of, what)}
}
