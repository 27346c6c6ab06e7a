#!/usr/bin/env bash
# Measures this chain beside CometBFT's kvstore and an application that does nothing, in turns on this machine, and
# prints medians; .bench/bench.json and .bench/bench.svg have all of it. Everything runs on loopback, on free ports, in
# temporary folders, and is gone afterwards.
#
# scripts/bench.sh [--quick] [--repeats N] [--only NAME,…] [--count N] [--block-bytes N] [--out DIR]
#   [--steps] [--accounts N]
# --steps adds the micro-benchmarks of the application's steps, where there are any; --accounts what a chain of so many
# accounts takes of memory, disk and time to start. COMETBFT names another CometBFT.
# All other flags are those of `ait bench compare --help`.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/common.sh"
cd "$PROJECT"

STEPS=false
ACCOUNTS=
FLAGS=()
OUT="$PROJECT/.bench"
while [ $# -gt 0 ]; do
  case "$1" in
    --steps) STEPS=true ;;
    --accounts) ACCOUNTS="${2:?--accounts needs a number}"; shift ;;
    --out) OUT="${2:?--out needs a folder}"; shift ;;
    *) FLAGS+=("$1") ;;
  esac
  shift
done

# The kvstore over a socket is CometBFT's own abci-cli, of the version that is pinned.
build_abci_cli() {
  local version
  version="$(sed -n 's/^PINNED=//p' scripts/install_cometbft.sh)"
  ABCI_CLI="$TOOLS/bin/abci-cli"
  [ -x "$ABCI_CLI" ] && return
  if ! command -v go >/dev/null && [ -x /usr/local/go/bin/go ]; then PATH="/usr/local/go/bin:$PATH"; fi
  command -v go >/dev/null || die "there is no Go to build CometBFT's abci-cli with" "https://go.dev/dl/"
  say "Building abci-cli $version into .tools/bin."
  GOBIN="$TOOLS/bin" go install "github.com/cometbft/cometbft/abci/cmd/abci-cli@v$version" >&2 ||
    die "abci-cli does not build; Go's message stands above."
}

# Criterion's benchmarks of single steps, without CometBFT: every `steps` among the workspace's benches.
run_steps() {
  if ! cargo metadata --no-deps --format-version 1 | grep -q '"kind":\["bench"\]'; then
    say "There are no micro-benchmarks in this workspace."
    return
  fi
  cargo bench --locked --workspace --bench steps
}

# Memory, disk and time to start of a chain of many accounts, after some thousand transfers.
run_accounts() {
  cargo build --release --locked --quiet --workspace --example bench_accounts &&
    COMETBFT="$COMETBFT" "$(dirname "$AIT")/examples/bench_accounts" "$1"
}

build_ait
cargo build --release --locked --workspace --example bench_idle ||
  die "the application that does nothing does not build; the compiler's message stands above."
COMETBFT="${COMETBFT:-$(scripts/install_cometbft.sh)}"
build_abci_cli

# An empty list is unset to bash 3.
COMETBFT="$COMETBFT" "$AIT" bench compare --abci-cli "$ABCI_CLI" \
  --idle-app "$(dirname "$AIT")/examples/bench_idle" --out "$OUT" ${FLAGS[@]+"${FLAGS[@]}"}
say "All of it: $OUT/bench.json, $OUT/bench.svg"
if "$STEPS"; then run_steps; fi
if [ -n "$ACCOUNTS" ]; then run_accounts "$ACCOUNTS"; fi
