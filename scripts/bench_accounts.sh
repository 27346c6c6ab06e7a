#!/usr/bin/env bash
# What a chain of many accounts costs: memory, disk and start-up time with 100,000 accounts (or as
# many as the first argument says) in the genesis, after some thousand transfers.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/common.sh"
cd "$PROJECT"

build_ait
COMETBFT="$(scripts/install_cometbft.sh)"
export COMETBFT
cargo build --release --locked --quiet --workspace --example bench_accounts
"$(dirname "$AIT")/examples/bench_accounts" "${1:-100000}"
