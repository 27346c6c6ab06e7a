#!/usr/bin/env bash
# Prints the path of a CometBFT that this project runs with: the one on PATH, else the project's own in .tools/bin,
# which it builds with Go where there is none yet. With a version, such as 0.40.0, that release, built into a folder
# of its own below .tools.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/common.sh"

PINNED=0.38.26
VERSION="${1:-$PINNED}"
MODULE="github.com/cometbft/cometbft/cmd/cometbft@v$VERSION"
# What its go.mod asks for.
case "$VERSION" in 0.38.*) GO_NEEDED=1.22.11 ;; *) GO_NEEDED=1.25.0 ;; esac
BIN="$TOOLS/bin"
[ "$VERSION" = "$PINNED" ] || BIN="$TOOLS/cometbft-$VERSION"

case "$VERSION" in *[!0-9.]* | "") die "$VERSION is no version: such as $PINNED or 0.40.0" ;; esac

# speaks FILE: whether it has ABCI 2.0 and block protocol 11, and is no older than the pinned one. The protocols decide:
# v0.40.0 calls itself 0.39.0. The application's own check is home/src/comet/version.rs.
speaks() {
  local said own
  said="$("$1" version --verbose 2>/dev/null | tr -d ' \n')" || return 1
  case "$said" in *'"abci":"2.0.'*) ;; *) return 1 ;; esac
  case "$said" in *'"block_protocol":11,'* | *'"block_protocol":11}'*) ;; *) return 1 ;; esac
  own="$(printf '%s' "$said" | sed -n 's/.*"cometbft":"v\{0,1\}\([0-9.]*\).*/\1/p')"
  [ -n "$own" ] && [ "$(printf '%s\n' "$own" "$PINNED" | sort -V | head -n 1)" = "$PINNED" ]
}

on_path="$(command -v cometbft || true)"
if [ $# -eq 0 ] && [ -n "$on_path" ] && speaks "$on_path"; then
  printf '%s\n' "$on_path"
  exit
fi
if [ -x "$BIN/cometbft" ] && speaks "$BIN/cometbft"; then
  printf '%s\n' "$BIN/cometbft"
  exit
fi

if [ $# -eq 0 ] && [ -n "$on_path" ]; then
  say "cometbft on PATH is $("$on_path" version 2>/dev/null | head -n 1 || echo unknown) and does not speak what is needed: the project gets its own."
fi
find_go || die "CometBFT $VERSION is not on PATH, and there is no Go to build it with" \
  "Either install Go $GO_NEEDED or newer (https://go.dev/dl/) and run this again," \
  "or put the binary of CometBFT's release v$VERSION, checked against the release's SHA256SUMS, on PATH." \
  "This script downloads no archive: it holds no checksum to hold one against."

say "Building CometBFT $VERSION with $(go version | cut -d' ' -f3) into ${BIN#"$PROJECT"/}; this takes a minute or two."
mkdir -p "$BIN"
GOBIN="$BIN" go install "$MODULE" >&2 || die "go install $MODULE failed; Go's message stands above." \
  "It needs Go $GO_NEEDED or newer and a way to the Go module proxy."
speaks "$BIN/cometbft" || die "the CometBFT just built does not speak ABCI 2.0 and block protocol 11" \
  "Delete $BIN/cometbft and run this again."
say "CometBFT $VERSION is ready."
printf '%s\n' "$BIN/cometbft"
