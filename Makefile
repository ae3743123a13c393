# Bailey. `make help` lists what there is.

GO      := $(or $(shell command -v go),$(wildcard /usr/local/go/bin/go))
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
STATIC  := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false
export GO

ifeq ($(GO),)
$(error Go is not installed, or not in PATH: Bailey is built with Go 1.26 or later)
endif

# The linker writes through a mapping, which leaves the file in memory page by
# page; a copy, as every installed program is one, starts 0.6 ms sooner.
.PHONY: build
build: ## build bin/bailey, one static binary
	@$(STATIC) -ldflags "$(LDFLAGS)" -o bin/linked/ ./cmd/bailey
	@cmp -s bin/linked/bailey bin/bailey || { cp bin/linked/bailey bin/bailey.new && mv bin/bailey.new bin/bailey; }

.PHONY: test
test: ## install what is missing, then check and test everything (as root also as an ordinary user)
	@script/setup test
	@$(MAKE) --no-print-directory build check
	@script/test

.PHONY: demo
demo: ## install what is missing, then let a curious agent loose on a shop; KEEP=1 keeps its directory
	@script/setup demo
	@$(MAKE) --no-print-directory build bin/demo
	@bin/demo/demo -bailey bin/bailey $(if $(KEEP),-keep)

.PHONY: demo-user
demo-user: build bin/demo ## as root: the same demo as an ordinary user
	@script/with-user script/as-user bin/demo/demo -bailey bin/bailey

.PHONY: bench
bench: ## measure side by side and print ratios (as root also as an ordinary user)
	@script/setup bench
	@$(MAKE) --no-print-directory build bin/demo bin/bench
	@bin/bench/bench
	@if [ "$$(id -u)" = 0 ]; then script/with-user script/as-user bin/bench/bench; fi

.PHONY: bench-peers
bench-peers: ## run the probes against other sandboxes, in one table beside ours (as root also as an ordinary user)
	@script/setup peers
	@$(MAKE) --no-print-directory build
	@$(STATIC) -o bin/probes ./probes
	@bin/probes -peers bin/peers
	@if [ "$$(id -u)" = 0 ]; then BAILEY_TEST_PEERS= script/with-user script/as-user bin/probes -peers bin/peers; fi

.PHONY: bench-names
bench-names: ## measure what --strict-names costs: checkout, tar, npm install, go build
	@script/setup bench
	@$(MAKE) --no-print-directory build bin/bench
	@bin/bench/bench -names

.PHONY: bench-vault
bench-vault: ## measure the vault beside a bare server: lists, creation, login, reads, memory
	@$(MAKE) --no-print-directory build bin/bench
	@bin/bench/bench -vault

.PHONY: bin/demo bin/bench
bin/demo bin/bench:
	@mkdir -p $@
	@$(STATIC) -ldflags "-s -w" -o $@/ $(if $(filter %demo,$@),./examples/shop/...,./bench/...)

.PHONY: check
check: ## formatting, go vet, staticcheck, govulncheck, and that darwin compiles
	@unformatted=$$("$$($(GO) env GOROOT)/bin/gofmt" -l $$(ls -d *.go cmd internal e2e examples bench probes 2>/dev/null)); \
	if [ -n "$$unformatted" ]; then echo "gofmt these:"; echo "$$unformatted"; exit 1; fi
	@$(GO) vet ./...
	@$(GO) tool staticcheck ./...
	@CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) build -o /dev/null ./cmd/bailey
	@script/vulncheck

PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64

.PHONY: dist
dist: ## build dist/: binaries for every platform, with checksums
	@rm -rf dist && mkdir dist
	@$(foreach p,$(PLATFORMS),echo $(p) && \
		GOOS=$(word 1,$(subst /, ,$(p))) GOARCH=$(word 2,$(subst /, ,$(p))) $(STATIC) -ldflags "$(LDFLAGS)" \
		-o dist/bailey_$(subst /,_,$(p)) ./cmd/bailey &&) cd dist && sha256sum bailey_* > SHA256SUMS
	@cat dist/SHA256SUMS

.PHONY: clean
clean: ## remove what was built
	@rm -rf bin dist

.PHONY: help
help: ## print this
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | expand -t 12
