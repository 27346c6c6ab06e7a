#!/usr/bin/env bash
# Idle blocks per second with timeout_commit=0 and one validator, in turns on this machine: this chain;
# CometBFT's own in-process kvstore as `cometbft init` sets it up; and the kvstore with this chain's
# config.toml, which has no transaction index; and an application that does nothing on our socket, which is
# the most that any application outside CometBFT's process reaches here. Prints the medians and the ratios
# of ours to each. ROUNDS (default 5) and SECONDS_EACH (default 10) change how long it measures.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/common.sh"

ROUNDS="${ROUNDS:-5}"
SECONDS_EACH="${SECONDS_EACH:-10}"
SCRATCH="$(mktemp -d)"
PIDS=()

finish() {
  stop_comet
  [ ! -e "$SCRATCH/ours/devnet.json" ] || "$AIT" devnet down --home "$SCRATCH/ours" >/dev/null || true
  rm -rf "$SCRATCH"
}
# What measure_comet started: CometBFT, and the application if it is not CometBFT's own.
stop_comet() {
  local pid
  # An empty list is unset to bash 3.
  for pid in ${PIDS[@]+"${PIDS[@]}"}; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  PIDS=()
}
trap finish EXIT
trap 'exit 130' INT TERM

command -v curl >/dev/null || die "curl is not installed"
build_ait
(cd "$PROJECT" && cargo build --release --locked --package ait-abci --example bench_idle) ||
  die "the idle application does not build; the compiler's message stands above."
COMETBFT="$("$PROJECT/scripts/install_cometbft.sh")"
export COMETBFT

height() { curl -sf "$1/status" 2>/dev/null | sed -n 's/.*"latest_block_height": *"\([0-9]*\)".*/\1/p' | head -n 1; }

# blocks_per_second RPC_URL: after the first 50 blocks, over SECONDS_EACH.
blocks_per_second() {
  local first begun last ended
  until first="$(height "$1")" && [ "${first:-0}" -ge 50 ]; do sleep 0.1; done
  begun="$(date +%s%N)"
  sleep "$SECONDS_EACH"
  last="$(height "$1")"
  ended="$(date +%s%N)"
  awk -v blocks=$((last - first)) -v nanos=$((ended - begun)) 'BEGIN { printf "%.1f\n", blocks * 1e9 / nanos }'
}

from_manifest() { sed -n "s/.*\"$1\": \"\(.*\)\".*/\1/p" "$SCRATCH/ours/devnet.json" | head -n 1; }

measure_ours() {
  BLOCK_INTERVAL=0s "$AIT" devnet up --detach --fresh --home "$SCRATCH/ours" --base-port 0 \
    --no-miner --no-coordinator >"$SCRATCH/log" || { cat "$SCRATCH/log" >&2; exit 1; }
  blocks_per_second "$(from_manifest rpc)"
  cp "$SCRATCH/ours/node0/cometbft/config/config.toml" "$SCRATCH/config.toml"
  from_manifest rpc >"$SCRATCH/rpc"
  "$AIT" devnet down --home "$SCRATCH/ours" >/dev/null
}

# measure_comet PROXY_APP [CONFIG]: CometBFT on a new chain, with that config.toml or with its defaults but
# for timeout_commit; the addresses are those that ours had.
measure_comet() {
  local rpc p2p home="$SCRATCH/comet"
  rpc="$(cat "$SCRATCH/rpc")"
  p2p="$(sed -n '/^\[p2p\]/,/^\[/s/^laddr *= *"\(.*\)"/\1/p' "$SCRATCH/config.toml" | head -n 1)"
  rm -rf "$home"
  "$COMETBFT" init --home "$home" >/dev/null
  if [ $# -eq 2 ]; then
    cp "$2" "$home/config/config.toml"
  else
    sed -i.init 's/^timeout_commit = .*/timeout_commit = "0s"/' "$home/config/config.toml"
  fi
  "$COMETBFT" node --home "$home" --proxy_app "$1" --rpc.laddr "tcp://${rpc#http://}" \
    --p2p.laddr "$p2p" >"$SCRATCH/comet.log" 2>&1 &
  PIDS+=($!)
  blocks_per_second "$rpc"
  stop_comet
}

measure_idle() {
  local address="unix://$SCRATCH/idle.sock"
  "$(dirname "$AIT")/examples/bench_idle" "$address" &
  PIDS=($!)
  measure_comet "$address"
}

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

for round in $(seq "$ROUNDS"); do
  measure_ours >>"$SCRATCH/ours.txt"
  measure_comet kvstore >>"$SCRATCH/defaults.txt"
  measure_comet kvstore "$SCRATCH/config.toml" >>"$SCRATCH/alike.txt"
  measure_idle >>"$SCRATCH/idle.txt"
  say "round $round: ours $(tail -n 1 "$SCRATCH/ours.txt"), kvstore $(tail -n 1 "$SCRATCH/defaults.txt"), kvstore with our config $(tail -n 1 "$SCRATCH/alike.txt"), idle application $(tail -n 1 "$SCRATCH/idle.txt")"
done
ours="$(median "$SCRATCH/ours.txt")"
printf '%-26s %8s blocks per second (median of %s)\n' ours "$ours" "$ROUNDS"
for name in defaults alike idle; do
  other="$(median "$SCRATCH/$name.txt")"
  case "$name" in
    defaults) label="kvstore" ;;
    alike) label="kvstore with our config" ;;
    idle) label="idle application" ;;
  esac
  awk -v label="$label" -v a="$ours" -v b="$other" \
    'BEGIN { printf "%-26s %8s blocks per second, ratio of ours to it %.2f\n", label, b, a / b }'
done
