# `make` alone lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Every directory that holds a go.mod: the root, which the others need, then those
# whose tests take longest. Modules are nested so that users download neither
# linters nor benchmarked peers, nor what the examples import.
MODULES := . $(shell find . -mindepth 2 \( -name testdata -o -name node_modules \) \
	-prune -o -name go.mod -exec dirname {} \; | sort -r)

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

# Plain `go test ./...` skips what needs a program that is not installed. Here
# everything is installed, so a skipped test is an error, which runtests makes of
# it.
run-tests = go build -C tools -o ../build/ ./runtests && \
	TYPEDSESSION_REQUIRE_SERVERS=1 build/runtests -log build/test.json $(1)

# Without bench, whose few tests would cost a tenth of the time, most of it to
# build other libraries. CI runs them as a part of race.
.PHONY: test
test: programs ## run the tests; the first time installs programs and takes minutes
	$(call heading,tests in random order)
	@$(call run-tests,$(filter-out ./bench,$(MODULES)))

# The race detector makes what is tested several times slower, and adds minutes
# to the first build.
.PHONY: race
race: programs ## run every test under the race detector
	$(call heading,tests in random order under the race detector)
	@$(call run-tests,-race $(MODULES))

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
