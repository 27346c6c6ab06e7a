#!/usr/bin/env bash
# Sends a devnet requests that schemathesis makes of the node's own OpenAPI document, and fails where one is
# answered by a failure of the server, an undocumented status or type, or JSON that is not as documented; or
# where the chain does not go on afterwards. `--help` lists the options.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/common.sh"

SCHEMATHESIS=4.32.5
# Without a word from the node for so long something is wrong.
PATIENCE=30

# WebSockets are no requests, /docs serves the page of another project, and /admin/peers/add would have CometBFT
# dial whatever address is made up. The other admin routes answer, as on every devnet.
EXCLUDED='^/(p2p/ws|docs|admin/peers)'
CHECKS=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance

seconds=60
seed="$(date +%s)"
while [ $# -gt 0 ]; do
  case "$1" in
  --seconds) seconds="${2:?--seconds needs a number}" && shift 2 ;;
  --seed) seed="${2:?--seed needs a number}" && shift 2 ;;
  --help | -h)
    cat <<'HELP'
Usage: scripts/fuzz_api.sh [OPTIONS]

Holds the answers of a devnet's node against its own OpenAPI document, with requests made up by schemathesis,
which it installs into .tools/python. Everything it starts is stopped at its end.

  --seconds N   how long requests are sent            [default: 60]
  --seed N      makes the same requests as that run   [default: the time, which is printed]
HELP
    exit
    ;;
  *) die "$1 is no option" "scripts/fuzz_api.sh --help lists them." ;;
  esac
done

SCRATCH="$(mktemp -d)"
DEVNET="$SCRATCH/devnet"
finish() {
  local status=$?
  [ ! -e "$DEVNET/devnet.json" ] || "$AIT" devnet down --home "$DEVNET" >/dev/null || true
  if [ $status -ne 0 ] && [ -e "$DEVNET/node0/app.log" ]; then
    say "--- the end of the node's log"
    tail -n 20 "$DEVNET/node0/app.log" >&2
  fi
  rm -rf "$SCRATCH"
  exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

need_python_package schemathesis "$SCHEMATHESIS"
build_ait
COMETBFT="$("$PROJECT/scripts/install_cometbft.sh")"
export COMETBFT

"$AIT" devnet up --detach --home "$DEVNET" --base-port 0 >"$SCRATCH/up.log" 2>&1 ||
  { cat "$SCRATCH/up.log" >&2 && die "the devnet does not come up; what it printed stands above."; }
rest="$(sed -n 's/.*"rest": "\(.*\)".*/\1/p' "$DEVNET/devnet.json" | head -n 1)"

# listed PATTERN FILE: what matches, as a list of TOML.
listed() { grep -o "$1" "$2" | sort -u | sed 's/.*/"&"/' | paste -sd , -; }

# Addresses are more than their pattern, and there are few jobs: most of those that are made up would come no
# further than the first check. So most requests have some of this devnet's.
addresses="$(listed 'ait1[0-9a-z]\{38\}' "$DEVNET/devnet.json")"
jobs="$(listed 'job_[0-9][0-9]*' "$SCRATCH/up.log")"
cat >"$SCRATCH/schemathesis.toml" <<TOML
[dictionaries]
addresses = { values = [$addresses] }
jobs = { values = [${jobs:-\"job_1\"}] }
blocks = { values = ["1", "2", "3", "9007199254740991"] }
params = { values = ["min_escrow_amount", "record_fee"] }

[parameters]
"path.heightOrHash" = { dictionary = "blocks", probability = 0.7 }
"path.job_id" = { dictionary = "jobs", probability = 0.7 }
"body.key" = { dictionary = "params", probability = 0.7 }
"body.job_id" = { dictionary = "jobs", probability = 0.7 }
"body.payload.job_id" = { dictionary = "jobs", probability = 0.7 }
TOML
for place in path.address path.client path.miner body.address body.client body.miner body.sender \
  body.payload.to body.payload.coordinator body.payload.client_addr body.payload.miner body.payload.miner_addr; do
  printf '"%s" = { dictionary = "addresses", probability = 0.7 }\n' "$place" >>"$SCRATCH/schemathesis.toml"
done

say "$seconds s of requests, made of the seed $seed."
# What it keeps between runs stays in the folder that it runs in.
(cd "$SCRATCH" && "$TOOLS/python/bin/schemathesis" --config-file schemathesis.toml run "$rest/openapi.json" \
  --checks "$CHECKS" --exclude-path-regex "$EXCLUDED" --max-time "$seconds" --seed "$seed" --continue-on-failure \
  --request-timeout "$PATIENCE" --generation-database none --warnings off --no-color) >&2

height() { "$AIT" query head --node "$rest" | sed -n 's/.*"height": *\([0-9]*\).*/\1/p' | head -n 1; }
before="$(height)"
deadline=$((SECONDS + PATIENCE))
until [ "$(height)" -gt "$before" ]; do
  [ $SECONDS -lt $deadline ] || die "no block came within $PATIENCE s after the requests"
  sleep 0.2
done
