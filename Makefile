# make test is what the README names and what CI runs. It installs what it needs and is not there.

CARGO ?= cargo
# Tools are installed where cargo installs; the versions are those that the checks were written with.
CARGO_DENY_VERSION := 0.20.2

.PHONY: test fmt lint unit doc deny infra dependencies advisories samples lambda bench-lambda bench-sqlite bench-models \
	bench-reply mutations storm kills fuzz clean

test: fmt lint unit doc dependencies deny infra

# The formatting is rustfmt.toml's.
fmt:
	$(CARGO) fmt --all --check

lint:
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

# cargo-nextest if it is there; the same tests by cargo if not. Both beside a real DynamoDB in memory.
unit:
	if $(CARGO) nextest --version >/dev/null 2>&1; then \
		scripts/with-dynamodb $(CARGO) nextest run --workspace --locked; \
	else \
		scripts/with-dynamodb $(CARGO) test --workspace --locked; \
	fi
	$(CARGO) test --workspace --locked --doc

doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked --document-private-items

# Which crate may link what: a crate boundary stands only where it keeps a dependency out of something.
dependencies:
	scripts/check-dependencies

# Licences, bans and sources. Advisories need the advisory database, which is fetched: see below.
deny:
	$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install cargo-deny --version $(CARGO_DENY_VERSION) --locked --no-default-features
	$(CARGO) deny --all-features --locked check bans licenses sources

# The AWS stack: types, assertions on the templates, cdk-nag, cfn-lint. Offline once its packages are there.
infra:
	cd infra && npm ci --ignore-scripts --silent --no-audit --no-fund && npm test && npm run lint

# Needs a network that reaches the advisory database.
advisories:
	$(CARGO) deny check advisories

# Writes the insight of every sample whose alert type has changed on purpose.
samples:
	$(CARGO) run -p portend-local -- types check alert-types --write-insights

# The zips of the functions for Amazon Linux 2023. ARCH=arm64 where Rust's standard library for it is installed.
ARCH ?= x86_64
lambda:
	scripts/lambda $(ARCH)
	scripts/lambda $(ARCH) portend-http

# The function's start, invocations, CPU time and memory, beside a bare loop that makes the same HTTP exchanges.
bench-lambda:
	scripts/bench-lambda

# Alerts per second, beside what SQLite allows here for as many durable transactions, from one run.
bench-sqlite:
	scripts/bench-sqlite

# A thousand alerts against a model that takes 200 ms, beside the time that as many calls take alone.
bench-models:
	scripts/bench-models

# The reply reader on ordinary and hostile replies, beside a plain regular expression with serde_json.
bench-reply:
	$(CARGO) bench -p portend-core --bench reply

# A million mutated replies: none panics, and nothing is invented.
mutations:
	PROPTEST_CASES=1000000 $(CARGO) test --release --locked -p portend-core --lib nothing_is_invented_in_a_mutated_reply

# Workers that crash, stall and receive twice, over a store and models that fail: nothing is lost, done twice or paid
# without a reason. A failure names the seed, and says everything that happened to its alert.
ALERTS ?= 1000000
SEED ?= 1
storm:
	$(CARGO) run --release --locked -q -p portend-testing --bin storm -- --alerts $(ALERTS) --seed $(SEED)

# Real kills of `portend explain` on SQLite; `make kills KILLS=200` for fewer. `make test` does twenty.
KILLS ?= 2000
kills:
	KILLS=$(KILLS) SEED=$(SEED) $(CARGO) test -q --locked -p portend-local --test kills

# The readers of untrusted text, each for a minute, with libFuzzer on the stable compiler.
fuzz:
	scripts/fuzz reply 60
	scripts/fuzz alert 60

clean:
	$(CARGO) clean
