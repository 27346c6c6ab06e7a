#!/usr/bin/env bash
# Installs what the tests need and runs all of them; the first failing step ends it.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/common.sh"
cd "$PROJECT"

SCRATCH="$(mktemp -d)"
DEVNET="$SCRATCH/devnet"
SUMMARY=()
SKIPPED=()

finish() {
  local status=$?
  if [ -e "$DEVNET/devnet.json" ]; then
    "$AIT" devnet down --home "$DEVNET" >/dev/null 2>&1 || true
  fi
  # The end of the logs is what a failed run leaves to look at.
  if [ $status -ne 0 ]; then
    for log in "$DEVNET"/*.log "$DEVNET"/node*/app.log; do
      [ -e "$log" ] || continue
      say "--- the end of $log"
      tail -n 20 "$log" >&2
    done
  fi
  rm -rf "$SCRATCH"
  if [ ${#SUMMARY[@]} -gt 0 ]; then
    say ""
    printf '%s\n' "${SUMMARY[@]}" >&2
  fi
  if [ $status -ne 0 ]; then
    say "FAILED."
  elif [ ${#SKIPPED[@]} -gt 0 ]; then
    say "All passed, ${#SKIPPED[@]} skipped: $(printf '%s; ' "${SKIPPED[@]}")"
  else
    say "All passed."
  fi
  exit $status
}
trap finish EXIT
# A signal ends it like a failure: what was started is stopped.
trap 'exit 130' INT
trap 'exit 143' TERM

# What can't be checked on this machine; the last line says so.
skip() {
  SKIPPED+=("$1")
  say "SKIPPED: $1"
}

# step NAME COMMAND...: runs it, and shows how long it took.
# Inside it a failing command ends nothing by itself: the functions below say `|| return 1`.
step() {
  local name="$1" begun=$SECONDS
  shift
  say ""
  say "== $name"
  if "$@"; then
    SUMMARY+=("$(printf '  ok      %4d s  %s' $((SECONDS - begun)) "$name")")
    say "== $name: ok, $((SECONDS - begun)) s"
  else
    SUMMARY+=("$(printf '  FAILED  %4d s  %s' $((SECONDS - begun)) "$name")")
    say "== $name: FAILED after $((SECONDS - begun)) s"
    exit 1
  fi
}

check_tools() {
  scripts/setup.sh || return 1
  need_cargo
  find_chromium || return 1
  COMETBFT="$(scripts/install_cometbft.sh)" || return 1
  export COMETBFT
}

check_scripts() {
  "$TOOLS/python/bin/shellcheck" --external-sources --source-path="$PROJECT/scripts" \
    scripts/*.sh scripts/keygen scripts/make_genesis .ci/run
}

check_dependencies() {
  "$TOOLS/bin/cargo-deny" --log-level warn check licenses bans sources || return 1
  local log="$SCRATCH/advisories"
  if "$TOOLS/bin/cargo-deny" --log-level warn check advisories >"$log" 2>&1; then
    cat "$log" >&2
  elif grep -q "failed to fetch advisory database" "$log"; then
    skip "advisories: their database can't be reached from here"
  else
    cat "$log" >&2
    return 1
  fi
}

# No dependency that nothing uses.
check_unused() { "$TOOLS/bin/cargo-machete" >&2; }

# The oldest Rust that Cargo.toml claims builds everything; a browser's build of the state machine and of
# the verifier too.
check_builds() {
  local oldest
  oldest="$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)"
  if rustup toolchain install "$oldest" --profile minimal >/dev/null 2>&1; then
    cargo "+$oldest" check --locked --workspace --quiet || return 1
  else
    skip "Rust $oldest can't be had here"
  fi
  if rustup target add wasm32-unknown-unknown >/dev/null 2>&1; then
    cargo check --locked --quiet --package ait-app --target wasm32-unknown-unknown || return 1
    cargo check --locked --quiet --package ait-verify --target wasm32-unknown-unknown || return 1
  else
    skip "the standard library for wasm32 can't be had here"
  fi
}

check_contract() {
  cargo run --locked --quiet --release --package ait-api --example openapi >"$SCRATCH/openapi.json" || return 1
  tests/web/node_modules/.bin/redocly lint --config api/redocly.yaml "$SCRATCH/openapi.json"
}

check_docs() { RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet; }

# One build configuration for everything that runs: ait, its tests, the harness.
build() {
  build_ait && cargo test --locked --release --workspace --no-run --quiet
}

# Each test program ends in bounded time.
test_rust() {
  local host
  if command -v timeout >/dev/null; then
    host="$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')"
    export "CARGO_TARGET_${host}_RUNNER=timeout --kill-after=10 900"
  fi
  cargo test --locked --release --workspace
}

test_page() {
  AIT_DEVNET_HOME="$DEVNET" scripts/devnet_up.sh --detach --base-port 0 --known-jobs || return 1
  AIT_REST_URL="$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).nodes[0].rest' "$DEVNET/devnet.json")" \
    npm run --silent --prefix tests/web test:browser || return 1
  scripts/devnet_down.sh --home "$DEVNET"
}

step "what the tests need" check_tools
step "formatting" cargo fmt --all --check
step "scripts" check_scripts
step "clippy" cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
step "documentation" check_docs
step "dependencies: licences, bans, sources, advisories" check_dependencies
step "dependencies: none unused" check_unused
step "the oldest Rust, and wasm32" check_builds
step "build" build
step "OpenAPI document" check_contract
step "REST against its own document" scripts/fuzz_api.sh --seconds 60
step "Rust tests, those with the real CometBFT among them" test_rust
step "JavaScript types" npm run --silent --prefix tests/web test:types
step "wallet of the page" npm run --silent --prefix tests/web test:unit
step "page in Chromium" test_page
