# What a user types. Everything is compiled here, nothing when npm installs.
PREFIX ?= /usr/local
DESTDIR ?=
NODE ?= $(shell command -v node)

.PHONY: all native ts deps-check test check demo bench install uninstall clean format
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
