package toolchain

// manager says where a version or package manager keeps its files.
type manager struct {
	name string
	env  string   // variable that moves base, heeded where it leads below the home
	base []string // below the home, or absolute
	at   []string // parts of base that can be a root, narrowest first; "*" stands for one name, "." for all
	need []string // parts of base that belong to any of them
	but  []string // base is never bound whole: its entries are, save these
	also []string // other files of the home
	with string   // another manager that is needed too
}

// managers: a new one is one line. Where a manager writes while it works
// (caches, stores), only what lies beside that is bound.
var managers = []manager{
	{name: "nvm", env: "NVM_DIR", base: []string{".nvm", ".config/nvm"}, at: []string{"versions/node/*", "versions/io.js/*"}},
	{name: "fnm", env: "FNM_DIR", base: []string{".local/share/fnm", ".fnm"}, at: []string{"node-versions/*", "."}},
	{name: "volta", env: "VOLTA_HOME", base: []string{".volta"}, at: []string{"."}},
	{name: "n", env: "N_PREFIX", base: []string{"n", ".n"}, at: []string{"bin", "lib", "n"}, need: []string{"bin", "lib", "n"}},
	{name: "mise", env: "MISE_DATA_DIR", base: []string{".local/share/mise"}, at: []string{"."}, also: []string{".config/mise/config.toml", ".tool-versions"}},
	{name: "rtx", base: []string{".local/share/rtx"}, at: []string{"."}, also: []string{".tool-versions"}},
	{name: "asdf", env: "ASDF_DATA_DIR", base: []string{".asdf"}, at: []string{"."}, also: []string{".tool-versions", ".asdfrc"}},
	{name: "asdf before 0.16", env: "ASDF_DIR", base: []string{".asdf"}, at: []string{"."}},
	{name: "pyenv", env: "PYENV_ROOT", base: []string{".pyenv"}, at: []string{"versions/*", "."}},
	{name: "rbenv", env: "RBENV_ROOT", base: []string{".rbenv"}, at: []string{"versions/*", "."}},
	{name: "nodenv", env: "NODENV_ROOT", base: []string{".nodenv"}, at: []string{"versions/*", "."}},
	{name: "goenv", env: "GOENV_ROOT", base: []string{".goenv"}, at: []string{"versions/*", "."}},
	{name: "jenv", env: "JENV_ROOT", base: []string{".jenv"}, at: []string{"."}},
	{name: "rvm", base: []string{".rvm"}, at: []string{"."}},
	{name: "gem", base: []string{".gem/ruby", ".local/share/gem/ruby"}, at: []string{"*"}},
	{name: "proto", env: "PROTO_HOME", base: []string{".proto"}, at: []string{"."}},
	{name: "aqua", env: "AQUA_ROOT_DIR", base: []string{".local/share/aquaproj-aqua"}, at: []string{"."}},
	{name: "uv", base: []string{".local/share/uv"}, at: []string{"tools/*", "python"}},
	{name: "pipx", env: "PIPX_HOME", base: []string{".local/share/pipx", ".local/pipx"}, at: []string{"venvs/*", "py"}, need: []string{"shared"}},
	{name: "rye", env: "RYE_HOME", base: []string{".rye"}, at: []string{"shims", "self", "py", "tools", "uv"}, need: []string{"shims", "self", "py", "tools", "uv"}},
	{name: "poetry", env: "POETRY_HOME", base: []string{".local/share/pypoetry"}, at: []string{"."}},
	{name: "cargo", env: "CARGO_HOME", base: []string{".cargo"}, at: []string{"bin"}, with: "rustup"},
	{name: "rustup", env: "RUSTUP_HOME", base: []string{".rustup"}, at: []string{"."}},
	{name: "sdkman", env: "SDKMAN_DIR", base: []string{".sdkman"}, at: []string{"candidates"}},
	{name: "jbang", env: "JBANG_DIR", base: []string{".jbang"}, at: []string{"bin"}, need: []string{"cache"}},
	{name: "bun", env: "BUN_INSTALL", base: []string{".bun"}, at: []string{"bin", "install/global"}, need: []string{"bin", "install/global"}},
	{name: "deno", env: "DENO_INSTALL", base: []string{".deno"}, at: []string{"bin"}},
	{name: "go", env: "GOPATH", base: []string{"go"}, at: []string{"bin", "pkg/mod/golang.org/toolchain@*"}},
	{name: "go sdk", base: []string{"sdk"}, at: []string{"go*"}},
	{name: "pnpm", env: "PNPM_HOME", base: []string{".local/share/pnpm"}, at: []string{"global", "nodejs/*", "bin", ".tools", "store/*/links"}, but: []string{"store"}},
	{name: "yarn", base: []string{".yarn"}, at: []string{"bin"}, also: []string{".config/yarn/global/node_modules"}},
	{name: "yarn global", base: []string{".config/yarn/global"}, at: []string{"node_modules"}},
	{name: "nix", base: []string{"/nix"}, at: []string{"store"}},
	{name: "brew", env: "HOMEBREW_PREFIX", base: []string{"/home/linuxbrew/.linuxbrew", ".linuxbrew"}, at: []string{"bin", "sbin", "lib", "opt", "Cellar", "libexec", "share"},
		need: []string{"bin", "sbin", "lib", "opt", "Cellar", "libexec", "share", "Frameworks", "etc/openssl@3", "etc/ca-certificates"}},
	{name: "snap", base: []string{"/snap"}, at: []string{"."}},
	{name: "opt", base: []string{"/opt"}, at: []string{"*"}},
	{name: "ghcup", base: []string{".ghcup"}, at: []string{"."}},
	{name: "opam", env: "OPAMROOT", base: []string{".opam"}, at: []string{"."}},
	{name: "pixi", env: "PIXI_HOME", base: []string{".pixi"}, at: []string{"bin", "envs"}, need: []string{"bin", "envs"}},
	{name: "juliaup", base: []string{".juliaup"}, at: []string{"."}, also: []string{".julia/juliaup"}},
	{name: "zvm", base: []string{".zvm"}, at: []string{"."}},
	{name: "dotnet", env: "DOTNET_ROOT", base: []string{".dotnet"}, at: []string{"."}},
	{name: "composer", base: []string{".config/composer", ".composer"}, at: []string{"vendor"}},
	{name: "pub", base: []string{".pub-cache"}, at: []string{"bin"}, need: []string{"global_packages"}},
	{name: "claude", base: []string{".claude/local", ".local/share/claude"}, at: []string{"."}},
	{name: "cursor", base: []string{".local/share/cursor-agent"}, at: []string{"."}},
	{name: "opencode", base: []string{".opencode"}, at: []string{"bin"}},
	{name: "amp", base: []string{".amp"}, at: []string{"bin"}},
}
