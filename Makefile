# `make` alone lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Every directory that holds a go.mod, the root first. Modules are nested so
# that users download neither linters nor benchmarked peers, nor what the
# examples import.
MODULES := $(shell find . \( -name testdata -o -name node_modules \) -prune \
	-o -name go.mod -exec dirname {} \; | sort)

# Runs a tool at the version that tools/go.mod pins. Go builds it from source,
# the first time for minutes, and keeps the program in its build cache.
TOOL := go tool -modfile=$(CURDIR)/tools/go.mod

FUZZTIME ?= 20s
BENCH ?= default

heading = @printf '\n== %s\n' '$(1)'

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

# The drivers of SQL databases take a minute to compile, the first time, so the
# other stores do without.
.PHONY: demo
demo: ## start the example shop; STORE=sqlite, cookie, redis, … for another store
	go run -C examples $(if $(filter sqlite postgres mysql,$(STORE)),,-tags nosql) ./shop $(if $(STORE),-store '$(STORE)')

.PHONY: check
check: programs modules lint test race ## lint, and test with and without the race detector, as CI does

.PHONY: programs
programs:
	$(call heading,programs that the tests start)
	@tools/install-programs

.PHONY: modules
modules:
	$(call heading,go.mod and go.sum are tidy and the modules are unaltered)
	@for dir in $(MODULES); do \
		echo "$$dir"; \
		go -C "$$dir" mod tidy -diff; \
		go -C "$$dir" mod verify; \
	done

.PHONY: lint
lint: ## go vet and the linters of .golangci.yml
	$(call heading,go vet and golangci-lint)
	@$(TOOL) golangci-lint config verify
	@for dir in $(MODULES); do \
		echo "$$dir"; \
		go -C "$$dir" vet ./...; \
		(cd "$$dir" && $(TOOL) golangci-lint run ./...); \
	done

# Plain `go test ./...` skips what needs a server that is not installed. Here
# everything is installed, so a skipped test is an error, which testreport makes
# of it. A shuffled run is never answered from the cache. Vet is part of lint; a
# part of it would run here otherwise, on every package that the tests import.
run-tests = mkdir -p build && { status=0; for dir in $(MODULES); do \
		echo "$$dir"; \
		TYPEDSESSION_REQUIRE_SERVERS=1 \
		go -C "$$dir" test -json -vet=off -shuffle=on $(1) ./... || status=1; \
	done; exit $$status; } | tee build/test.json | go -C tools run ./testreport

.PHONY: test
test: programs ## run every test; the first time installs programs and takes minutes
	$(call heading,tests in random order)
	@$(run-tests)

# The race detector makes what is tested several times slower, and adds minutes
# to the first build.
.PHONY: race
race: programs ## run every test under the race detector
	$(call heading,tests in random order under the race detector)
	@$(call run-tests,-race)

.PHONY: fmt
fmt: ## format the code with gofumpt
	$(TOOL) golangci-lint fmt

.PHONY: cover
cover: ## test coverage, line by line in build/cover.html
	@mkdir -p build
	go test -coverpkg=./... -coverprofile=build/cover.out ./...
	go tool cover -html=build/cover.out -o build/cover.html
	go tool cover -func=build/cover.out | tail -n 1

.PHONY: bench
bench: ## compare with other libraries; BENCH=quick takes 3 minutes, not 20
	@tools/install-programs redis-server wrk postgres mariadbd
	GODEBUG=madvdontneed=0 go -C bench run . -profile '$(BENCH)'

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME=20s
	@grep -roE '^func Fuzz\w+' --include='*_test.go' --exclude-dir=node_modules . | \
	sort | while IFS=: read -r file func; do \
		echo "== $${func#func } in $$file"; \
		go -C "$$(dirname "$$file")" test -run '^$$' \
			-fuzz "^$${func#func }$$" -fuzztime $(FUZZTIME) . </dev/null; \
	done

# Not part of test: it asks vuln.go.dev, which a closed network does not reach.
.PHONY: vuln
vuln: ## known vulnerabilities in what users link; needs vuln.go.dev
	$(TOOL) govulncheck ./...

.PHONY: clean
clean: ## remove build/
	rm -rf build
