#!/usr/bin/env bash
# How fast signed transfers are accepted and committed, each sender over a connection of its own:
# scripts/bench_transfers.sh [TRANSFERS [SENDERS]], 10000 and 200 by default. Fails unless every one is
# committed once and the balances add up.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/common.sh"
cd "$PROJECT"

build_ait
COMETBFT="$(scripts/install_cometbft.sh)"
export COMETBFT
AIT_BENCH_TRANSFERS="${1:-10000}" AIT_BENCH_SENDERS="${2:-200}" \
  cargo test --release --locked --workspace --quiet --test comet -- --nocapture many_transfers
