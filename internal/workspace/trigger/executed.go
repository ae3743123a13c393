package trigger

import (
	"path"
	"strings"
	"sync"
)

// executed names, in whatever directory, what a host tool runs; the user calls
// that tool sooner or later without looking at the file again.
var executed = sync.OnceValue(func() map[string]string {
	all := make(map[string]string, 256)
	for tool, names := range map[string]string{
		"make":  "Makefile makefile GNUmakefile Makefile.am configure configure.ac",
		"just":  "justfile Justfile .justfile",
		"task":  "Taskfile.yml Taskfile.yaml Taskfile.dist.yml",
		"rake":  "Rakefile",
		"CMake": "CMakeLists.txt CMakePresets.json CMakeUserPresets.json",
		"Meson": "meson.build meson_options.txt meson.options",
		"SCons": "SConstruct SConscript", "Waf": "wscript", "Conan": "conanfile.py conanfile.txt", "zig": "build.zig build.zig.zon",
		"Bazel": "BUILD BUILD.bazel WORKSPACE WORKSPACE.bazel MODULE.bazel .bazelrc .bazelversion",
		"Nix":   "flake.nix shell.nix default.nix devenv.nix flake.lock",

		"npm scripts":      "package.json",
		"npm install":      "package-lock.json npm-shrinkwrap.json",
		"pnpm install":     "pnpm-lock.yaml pnpm-workspace.yaml",
		"yarn install":     "yarn.lock",
		"bun":              "bun.lock bun.lockb bunfig.toml",
		"deno":             "deno.json deno.jsonc deno.lock",
		"JavaScript tools": "gulpfile.js Gruntfile.js karma.conf.js .babelrc .eslintrc .eslintrc.json .eslintrc.yml .eslintrc.yaml .prettierrc .swcrc nx.json turbo.json lerna.json project.json",

		"pip":          "setup.py requirements.txt Pipfile Pipfile.lock poetry.lock uv.lock",
		"Python build": "pyproject.toml setup.cfg",
		"pytest":       "conftest.py pytest.ini",
		"Python":       "sitecustomize.py usercustomize.py pyvenv.cfg .pdbrc manage.py",
		"nox":          "noxfile.py", "tox": "tox.ini", "invoke": "tasks.py", "Fabric": "fabfile.py", "doit": "dodo.py",
		"Python version": ".python-version",

		"cargo":  "Cargo.toml Cargo.lock build.rs rust-toolchain rust-toolchain.toml",
		"Gradle": "gradlew gradlew.bat build.gradle build.gradle.kts settings.gradle settings.gradle.kts gradle.properties",
		"Maven":  "mvnw mvnw.cmd pom.xml", "sbt": "build.sbt .sbtopts .jvmopts", "Mill": "build.sc mill", "Leiningen": "project.clj", "Clojure": "deps.edn shadow-cljs.edn",
		"bundler": "Gemfile Gemfile.lock config.ru Guardfile Capfile .irbrc .pryrc .rspec", "CocoaPods": "Podfile Podfile.lock", "fastlane": "Fastfile",
		"Swift": "Package.swift Package.resolved", "Dart": "pubspec.yaml pubspec.lock", "mix": "mix.exs mix.lock", "rebar": "rebar.config",
		"Composer": "composer.json composer.lock", "R": ".Rprofile", "Haskell": "Setup.hs stack.yaml cabal.project", "OCaml": "dune dune-project",
		"Go toolchain": "go.mod go.work", "Node version": ".nvmrc .node-version", "Ruby version": ".ruby-version", "SDKMAN": ".sdkmanrc .java-version",

		"Docker":         "Dockerfile Containerfile docker-bake.hcl Earthfile",
		"Docker Compose": "compose.yaml compose.yml compose.override.yaml compose.override.yml docker-compose.yml docker-compose.yaml docker-compose.override.yml docker-compose.override.yaml",
		"Vagrant":        "Vagrantfile", "foreman": "Procfile", "Tilt": "Tiltfile", "Skaffold": "skaffold.yaml", "Ansible": "ansible.cfg", "Terragrunt": "terragrunt.hcl",
		"CI": "Jenkinsfile .gitlab-ci.yml .travis.yml azure-pipelines.yml bitbucket-pipelines.yml appveyor.yml .appveyor.yml .drone.yml .woodpecker.yml .cirrus.yml cloudbuild.yaml .goreleaser.yml .goreleaser.yaml action.yml action.yaml",

		"git filters": ".gitattributes", "git submodules": ".gitmodules",
		"agents read it": "CLAUDE.md CLAUDE.local.md AGENTS.md GEMINI.md .cursorrules .windsurfrules .goosehints .clinerules copilot-instructions.md",
	} {
		for _, n := range strings.Fields(names) {
			all[n] = tool
		}
	}
	return all
})

// executedDirs: everything below a directory of such a name.
var executedDirs = []struct{ dir, tool string }{
	{".git/hooks", "git hooks"}, {".githooks", "git hooks"}, {".github/workflows", "CI"}, {".github/actions", "CI"}, {".circleci", "CI"},
	{".buildkite", "CI"}, {".forgejo/workflows", "CI"}, {".gitea/workflows", "CI"}, {".cargo", "cargo"},
	{"node_modules", "Node"}, {"venv", "Python"}, {".venv", "Python"}, {"env/bin", "Python"}, {"site-packages", "Python"}, {".tox", "Python"},
	{".bundle", "bundler"}, {"gradle/wrapper", "Gradle"}, {"buildSrc", "Gradle"}, {".mvn", "Maven"}, {".terraform", "Terraform"},
	{"vendor/bundle", "bundler"}, {"vendor/bin", "Composer"},
}

var executedEnds = []struct{ end, tool string }{
	{".config.js", "JavaScript tools"}, {".config.ts", "JavaScript tools"}, {".config.mjs", "JavaScript tools"}, {".config.cjs", "JavaScript tools"},
	{".config.mts", "JavaScript tools"}, {".config.cts", "JavaScript tools"}, {"rc.js", "JavaScript tools"}, {"rc.cjs", "JavaScript tools"},
	{"rc.mjs", "JavaScript tools"}, {".pth", "Python"}, {".gradle", "Gradle"}, {".gradle.kts", "Gradle"}, {".mk", "make"}, {".cmake", "CMake"},
	{".bzl", "Bazel"}, {".gemspec", "bundler"}, {".tf", "Terraform"}, {".tofu", "Terraform"}, {".Dockerfile", "Docker"},
	{".csproj", "MSBuild"}, {".fsproj", "MSBuild"}, {".vbproj", "MSBuild"}, {".vcxproj", "MSBuild"}, {".sln", "MSBuild"}, {".targets", "MSBuild"},
	{".props", "MSBuild"}, {".code-workspace", "VS Code and Cursor"}, {".sublime-project", "Sublime Text"}, {".xcscheme", "Xcode"}, {".pbxproj", "Xcode"},
}

// Executes says which host tool runs a file of this name, or takes commands
// from it; "" if none is known.
func Executes(p string) string {
	name := path.Base(p)
	if name == ".git" {
		return "git"
	}
	if tool := executed()[name]; tool != "" {
		return tool
	}
	if tool := Commands(p); tool != "" {
		return tool
	}
	for _, d := range executedDirs {
		if strings.Contains("/"+p, "/"+d.dir+"/") {
			return d.tool
		}
	}
	for _, e := range executedEnds {
		if strings.HasSuffix(name, e.end) {
			return e.tool
		}
	}
	switch {
	case strings.HasPrefix(name, "Dockerfile."), strings.HasPrefix(name, "Containerfile."):
		return "Docker"
	case (strings.HasPrefix(name, "docker-compose.") || strings.HasPrefix(name, "compose.")) && (strings.HasSuffix(name, ".yml") || strings.HasSuffix(name, ".yaml")):
		return "Docker Compose"
	}
	return ""
}
