# What a user types. Everything is compiled here, nothing when npm installs.
PREFIX ?= /usr/local
DESTDIR ?=
NODE ?= $(shell command -v node)

.PHONY: all native ts deps-check test check sim figures figures-load fuzz sanitize faults demo bench install uninstall clean format
all: native ts

deps-check:
	@sh scripts/deps.sh check

# Not `npm ci`: it refuses a lock file without the optional packages of other platforms, which a mirror may not have.
node_modules/.package-lock.json: package.json package-lock.json
	npm install --no-save --ignore-scripts --no-fund --no-audit --loglevel=error
	@touch $@

native: deps-check node_modules/.package-lock.json
	@sh scripts/native.sh

ts: node_modules/.package-lock.json
	npm run --silent ts

test: all
	npm run --silent check
	npm run --silent test

check: all
	npm run --silent check

demo: all
	$(NODE) dist/cli/pants-demo.js

# Seeds of the simulator, from FIRST on; SEED=k runs one, with SHRINK=1 as few of its faults as still fail.
sim: SEEDS ?= 1000
sim: FIRST ?= 1
sim: node_modules/.package-lock.json
	node_modules/.bin/tsc -p tsconfig.sim.json
	$(NODE) build/sim/test/sim/soak/main.js $(if $(SEED),$(if $(SHRINK),shrink,seed) $(SEED),$(SEEDS) $(FIRST))

# So many inputs to the decoders, on every CPU; SEED= repeats a run.
N ?= 10000000
fuzz: all
	node_modules/.bin/tsc -p tsconfig.fuzz.json
	@mkdir -p build/fuzz/build && ln -sfn ../../Release build/fuzz/build/Release
	$(NODE) build/fuzz/test/fuzz/main.js $(N) $(SEED)

# The C parts under sanitizers, and the slot table's steps in every order: two minutes.
sanitize: all
	sh scripts/sanitize.sh

# Faults at every moment of a job, as a table; then N random ones (SEED= repeats them) under jobs that may run only once.
faults: N = 1000
faults: SEED ?= 1
faults: all
	FAULTS=all node_modules/.bin/vitest run test/faults/matrix.test.ts test/faults/daemon.test.ts
	N=$(N) SEED=$(SEED) node_modules/.bin/vitest run test/faults/once.test.ts

# The figures in docs/load.md and docs/bench.md, by simulation: a few minutes; and with them those in docs/protocol.md: several minutes.
figures-load: node_modules/.package-lock.json
	node_modules/.bin/tsc -p tsconfig.figures.json
	$(NODE) build/figures/test/sim/policies/main.js
	$(NODE) build/figures/test/sim/policies/scaling.js

figures: figures-load
	$(NODE) build/figures/test/sim/figures/main.js

bench: all
	$(NODE) dist/cli/pants-bench.js

install: all
	@DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" NODE="$(NODE)" sh scripts/install.sh

uninstall:
	@DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" sh scripts/uninstall.sh

clean:
	rm -rf build dist coverage

format:
	npm run --silent format
