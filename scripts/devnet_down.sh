#!/usr/bin/env bash
# Stops the devnet of a home (--home DIR, default .devnet), and nothing else.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ -x "$AIT" ] || build_ait
exec "$AIT" devnet down "$@"
