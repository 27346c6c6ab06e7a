#!/usr/bin/env bash
# Builds everything, starts a devnet and shows jobs being paid on it. `--help` lists the options.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/common.sh"

case " $* " in
*" --help "* | *" -h "*)
  cat <<'HELP'
Usage: scripts/devnet_up.sh [OPTIONS]

Builds ait, gets the pinned CometBFT, makes keys and genesis, starts the nodes, a mock coordinator
and a mock miner, and shows a job from the faucet to the minted coins, one that is paid in parts, and a
receipt that is denied. Then it stays up until Ctrl-C, or until scripts/devnet_down.sh stops it.

  --nodes N          validators, 1 to 16                                 [default: 1]
  --home DIR         keys, data and logs                                 [default: .devnet]
  --base-port P      node i has REST at P+10*i, CometBFT's RPC at +1 and P2P at +2; the coordinator
                     is at P+5; 0 finds free ones                        [default: 28600]
  --detach           return once all is shown; the devnet runs on in the background
  --fresh            begin anew: new keys, and a random suffix on the chain id unless CHAIN_ID is set
  --no-miner         start no mock miner
  --no-coordinator   start no mock coordinator

Environment: CHAIN_ID, BLOCK_INTERVAL, COORDINATOR_URLS (address=url,… asked besides the mock),
MINT_PER_UNIT, COORDINATOR_RATIO, ADMIN_TOKEN; AIT_DEVNET_HOME for --home.
HELP
  exit
  ;;
esac

# What may be missing first: the build takes longest.
need_cargo
COMETBFT="$("$PROJECT/scripts/install_cometbft.sh")"
export COMETBFT
build_ait
export AIT_DEVNET_HOME="${AIT_DEVNET_HOME:-$PROJECT/.devnet}"
exec "$AIT" devnet up "$@"
