#!/usr/bin/env bash
# Stops the devnet of a home (--home DIR, default .devnet), and nothing else.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/common.sh"

export AIT_DEVNET_HOME="${AIT_DEVNET_HOME:-$PROJECT/.devnet}"
[ -x "$AIT" ] || build_ait
exec "$AIT" devnet down "$@"
