#!/usr/bin/env bash
# Installs what the tests need and runs all of them; the first failing step ends it.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$PROJECT"

CARGO_DENY=0.20.2
SCRATCH="$(mktemp -d)"
DEVNET="$SCRATCH/devnet"
SUMMARY=()

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
  [ $status -eq 0 ] && say "All passed." || say "FAILED."
  exit $status
}
trap finish EXIT
# A signal ends it like a failure: what was started is stopped.
trap 'exit 130' INT
trap 'exit 143' TERM

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
  need_cargo
  local component
  for component in fmt clippy; do
    cargo "$component" --version >/dev/null 2>&1 || rustup component add rustfmt clippy >&2 ||
      die "cargo $component is missing" "Install it: rustup component add rustfmt clippy"
  done
  command -v npm >/dev/null || die "Node.js with npm is not installed" \
    "The page's tests need Node.js 20.19 or newer: https://nodejs.org"
  node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)' ||
    die "Node.js $(node --version) is too old" "The page's tests need 20.19 or newer: https://nodejs.org"
  COMETBFT="$(scripts/install_cometbft.sh)" || return 1
  export COMETBFT
  find_chromium || return 1
  npm ci --prefix tests/web --no-audit --no-fund --loglevel=error || return 1
  # Built outside of target/: it is a tool, and target/ may be thrown away.
  if [ "$("$TOOLS/bin/cargo-deny" --version 2>/dev/null)" != "cargo-deny $CARGO_DENY" ]; then
    say "Building cargo-deny $CARGO_DENY into .tools/bin; this takes some minutes."
    cargo install --quiet --locked --root "$TOOLS" "cargo-deny@$CARGO_DENY"
  fi
}

find_chromium() {
  local candidate
  for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome-stable google-chrome \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
    if [ -n "$candidate" ] && CHROMIUM="$(command -v "$candidate")"; then
      export CHROMIUM
      return
    fi
  done
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    say "Installing chromium with apt-get; this takes a minute or two."
    apt-get update -qq >&2 || return 1
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >&2 || return 1
    CHROMIUM="$(command -v chromium)" || die "apt-get installed no chromium"
    export CHROMIUM
    return
  fi
  die "no Chromium or Chrome was found; the page's tests drive one" \
    "Debian and Ubuntu: sudo apt-get install chromium. Or name a binary in CHROMIUM."
}

check_dependencies() {
  "$TOOLS/bin/cargo-deny" --log-level warn check licenses bans sources || return 1
  local log="$SCRATCH/advisories"
  if "$TOOLS/bin/cargo-deny" --log-level warn check advisories >"$log" 2>&1; then
    cat "$log" >&2
  elif grep -q "failed to fetch advisory database" "$log"; then
    say "advisories: SKIPPED, their database can't be reached from here"
  else
    cat "$log" >&2
    return 1
  fi
}

check_docs() { RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet; }

# One build configuration for everything that runs: ait, its tests, the harness.
build() {
  build_ait && cargo test --locked --release --workspace --no-run --quiet
}

test_page() {
  AIT_DEVNET_HOME="$DEVNET" scripts/devnet_up.sh --detach --base-port 0 || return 1
  AIT_REST_URL="$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).nodes[0].rest' "$DEVNET/devnet.json")" \
    npm run --silent --prefix tests/web test:browser || return 1
  scripts/devnet_down.sh --home "$DEVNET"
}

step "what the tests need" check_tools
step "formatting" cargo fmt --all --check
step "clippy" cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
step "documentation" check_docs
step "dependencies: licences, bans, sources, advisories" check_dependencies
step "build" build
step "Rust tests, those with the real CometBFT among them" cargo test --locked --release --workspace
step "wallet of the page" npm run --silent --prefix tests/web test:unit
step "page in Chromium" test_page
