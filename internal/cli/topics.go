package cli

import "github.com/spf13/cobra"

// topics are texts behind "bailey help TOPIC".
func topics() []*cobra.Command {
	var out []*cobra.Command
	for _, t := range []struct{ name, short, text string }{
		{"environments", "Environments and folders: which values a command gets", environmentsText},
		{"exit-codes", "What the exit statuses mean", exitCodesText},
		{"placeholders", "What an agent sees in place of a secret", placeholdersText},
		{"headless", "CI, containers and machines without a terminal", headlessText},
		{"limits", "How much of the machine a session may take", limitsText},
		{"manifest", "bailey.yaml, the project's own file", manifestText},
		{"sources", "Environments that live elsewhere: servers, files, programs", sourcesText},
		{"platforms", "Which commands work where, and what to do where they don't", platformsText},
	} {
		out = append(out, &cobra.Command{Use: t.name, Short: t.short, Long: t.text})
	}
	return out
}

const environmentsText = `A project has environments (development, test, staging, production, and any name added with
"bailey env add"), and each environment has folders.

Without -e a command works in development. "-e production" is asked for per command and announced;
there is no way to make it stick. "dev", "stage" and "prod" are understood.

The folder follows the directory: bailey.yaml maps directories to folders under "paths", and the
nearest one counts; elsewhere it is "/". So the same name in two packages keeps two values. A
command gets the secrets of its own folder, not of the folders above.

bailey run sets, the later winning:
  1. public values of bailey.yaml
  2. secrets of the folder in the environment
  3. what is set in the caller's environment already, as with dotenv; on a terminal a note says
     so when that hides a secret
"bailey run --explain -- COMMAND" prints where each variable would come from.`

const exitCodesText = `  0   done
  1   failed
  2   the command line cannot be understood
  10  denied: a rule or the session forbids it
  11  the vault is locked and there is no terminal to ask on (bailey unlock)
  12  missing: no such vault, project, environment, folder or secret
  13  secrets were found
  20  tampered: stored data is not what was stored
  130 interrupted

"bailey run" and "bailey agent" pass the status of their command through. When run cannot start it,
the status is 127 (not found) or 126 (cannot be executed), as with env(1).`

const placeholdersText = `An agent's sandbox holds no secrets. What it sees of each is said in bailey.yaml:

  placeholder  (default) looks like the value, same shape and length, and is worth nothing. The
               gateway swaps it for the value in requests toward the hosts that the secret is bound
               to; sent anywhere else, the request is refused and reported.
  fake         a stable value of the same shape, for keys that the code uses locally: JWT and session
               secrets, webhook signatures, database addresses.
  none         nothing: the name is not set.

  secrets:
    STRIPE_SECRET_KEY: {hosts: [api.stripe.com]}
    JWT_SECRET: {agent: fake}`

const initText = `Find the project's .env files, seal them in the vault, read every value back, and only then remove
the files. The vault is made on first use. bailey.yaml, .env.example and .gitignore lines are written;
they hold names and public settings, no secrets. Run again, it takes in what is new.

Files map to environments:

  .env, .env.development, .env.local, .env.development.local   development
  .env.test, .env.test.local                                   test
  .env.staging, .env.staging.local                             staging
  .env.production, .env.production.local                       production
  .env.NAME, .env.NAME.local                                   NAME

Of the files of one directory and environment, a later one in a line wins a name. A directory below
the root gets a folder of its own. .env.example and the like hold no secrets and stay.

The files are removed after one question ("--yes" answers it). A file that git tracks stays unless
--remove-tracked says otherwise: removing it concerns your colleagues, and its values are in the
history anyway. Interrupted anywhere, nothing is lost: run it again.

Public-looking settings (PORT, NODE_ENV, VITE_…, addresses on localhost) go to bailey.yaml under
"public"; what is in doubt goes to the vault.

"bailey eject" writes the files back, byte by byte, with newer values merged in and listed, and
removes what init made.`

const headlessText = `With BAILEY_PASSPHRASE_FILE naming a file with the passphrase, there is no daemon and no question:
each command opens the vault itself. BAILEY_HOME must be writable, since every access is recorded
before it is answered; the rest of the file system may be read-only.

  GitHub Actions   - run: bailey run --project shop -- npm test
                     env: {BAILEY_HOME: ~/vault, BAILEY_PASSPHRASE_FILE: ~/passphrase}
  GitLab           script: ["bailey run --project shop -- npm test"]
                     (BAILEY_PASSPHRASE_FILE as a variable of type file)
  Container        docker run -v vault:/vault -e BAILEY_HOME=/vault \
                     -e BAILEY_PASSPHRASE_FILE=/run/secrets/passphrase \
                     IMAGE bailey run --project shop -- ./server

BAILEY_PROJECT names the project as --project does, for checkouts that no person ran init in.
"bailey run --or-env -- COMMAND" runs without a vault, too, when the environment has all names that
bailey.yaml declares: put that into scripts that colleagues and CI share.`

const limitsText = `A session has limits, so that nothing in it takes the machine down. What takes more ends its own
session with the limit and the setting named; other sessions and programs notice nothing.

  memory       of all its processes together      four fifths of the machine's
  processes    at one time, threads counted       thousands
  cpus         processors                         all
  open-files   of one process                     65536, or what "ulimit -Hn" allows
  disk         free space it may use up           half of what is free at its start
  time         from start to end                  no limit

Set them for all sessions in config.yaml, and for one with --limit:

  limits: {memory: 8G, processes: 4000, time: 8h}
  bailey agent --limit memory=2G --limit time=30m -- npm test

A project can lower them in bailey.yaml, under "agent", and never raise them. What a session had and
what ended it is in "bailey session list --json".`

const manifestText = `bailey.yaml stands at the root of the repository and is committed. It holds names and rules, no
values. An agent can edit it, so it grants nothing until you confirm that very content: init confirms
what it writes, and the next agent asks when the file has changed.

  project: shop
  paths: {apps/api: /api}                # directory → folder of the vault
  sources: {production: "vault://HOST/secret/shop"}   # lives elsewhere, see bailey help sources
  secrets:
    STRIPE_SECRET_KEY: {hosts: [api.stripe.com]}
    JWT_SECRET: {agent: fake}            # placeholder (default), fake, none
  public: {API_URL: "http://localhost:3333"}
  agent:
    packages: [npm]
    network: [docs.python.org, "github.com: write"]
    ports: [5173]                        # of programs inside, open on this machine's loopback`

const sourcesText = `An environment may live elsewhere. bailey.yaml says where, and the vault keeps a copy that "run",
"agent", "secret get", "list", "export" and "validate" bring up to date first:

  sources:
    staging: dotenv:~/shop/staging.env
    production: vault://bao.example/secret/shop/production

  dotenv:FILE  age:FILE  sops:FILE     relative to the project, to ~/ or to /
  command:PROGRAM ARGUMENT...          what it prints, as dotenv or JSON; no shell, not of the project
  environment                          the names of bailey.yaml that are set already
  vault://HOST/MOUNT/PATH              OpenBao or HashiCorp Vault, KV version 2: BAO_TOKEN, VAULT_TOKEN or
                                       ~/.vault-token; openbao:// means the same
  infisical://HOST/PROJECT/ENV/FOLDER  Infisical or "bailey server": INFISICAL_TOKEN, or the two variables
                                       INFISICAL_UNIVERSAL_AUTH_CLIENT_ID and …_CLIENT_SECRET
  op://VAULT/ITEM                      1Password, through its program op

A server on this machine that does not speak TLS is vault+http:// or infisical+http://. Folders of the
project are folders there; places other than servers have none.

Anything that can write to the repository can write bailey.yaml, so an address counts only when you
confirmed that content (bailey confirm). Names that decide which code a program runs, such as PATH and
NODE_OPTIONS, are left out.

A server has two seconds to answer while there is a copy; then the copy is used and its age is said.
--offline asks nobody. A place that answers and refuses is an error, never a reason to use the copy.
Secrets of such an environment are set there, not here: "bailey secret transfer" writes them.`

const platformsText = `                          vault, run   agent
  Linux 5.15 or newer     yes          yes, with every layer or not at all
  Ubuntu 23.10 or newer   yes          yes, once its AppArmor profile is installed: two lines
                                       that "bailey doctor" prints
  WSL2                    yes          yes
  Linux in a container    yes          with --security-opt seccomp=unconfined
                                       --security-opt systempaths=unconfined
  macOS                   yes          no: run it on a Linux machine over ssh

"bailey agent" needs user namespaces, Landlock, seccomp and nf_tables. Where one is missing it
refuses and names the command that mends it; it never runs with less. "bailey doctor" tries them
all. What a running session has achieved is in "bailey status". Started as root, the workload is a
subordinate uid.`
