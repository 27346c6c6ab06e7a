#!/usr/bin/env bash
# Prints the path of the pinned CometBFT: the one on PATH, else the project's own in .tools/bin,
# which it builds with Go where there is none yet.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/common.sh"

VERSION=0.38.26
MODULE="github.com/cometbft/cometbft/cmd/cometbft@v$VERSION"
GO_NEEDED=1.22.11

# A build from a checkout prints its commit after the version.
is_pinned() {
  local found
  found="$("$1" version 2>/dev/null | head -n 1)" || return 1
  case "${found#v}" in "$VERSION" | "$VERSION"+*) ;; *) return 1 ;; esac
}

on_path="$(command -v cometbft || true)"
if [ -n "$on_path" ] && is_pinned "$on_path"; then
  printf '%s\n' "$on_path"
  exit
fi
if [ -x "$TOOLS/bin/cometbft" ] && is_pinned "$TOOLS/bin/cometbft"; then
  printf '%s\n' "$TOOLS/bin/cometbft"
  exit
fi

if [ -n "$on_path" ]; then
  say "cometbft on PATH is $("$on_path" version 2>/dev/null | head -n 1 || echo unknown), not $VERSION: the project gets its own."
fi
# Go's installer puts it where no PATH points until the shell's profile names it.
if ! command -v go >/dev/null && [ -x /usr/local/go/bin/go ]; then PATH="/usr/local/go/bin:$PATH"; fi
command -v go >/dev/null || die "CometBFT $VERSION is not on PATH, and there is no Go to build it with" \
  "Either install Go $GO_NEEDED or newer (https://go.dev/dl/) and run this again," \
  "or put the binary of CometBFT's release v$VERSION, checked against the release's SHA256SUMS, on PATH." \
  "This script downloads no archive: it holds no checksum to hold one against."

say "Building CometBFT $VERSION with $(go version | cut -d' ' -f3) into .tools/bin; this takes a minute or two."
mkdir -p "$TOOLS/bin"
GOBIN="$TOOLS/bin" go install "$MODULE" >&2 || die "go install $MODULE failed; Go's message stands above." \
  "It needs Go $GO_NEEDED or newer and a way to the Go module proxy."
is_pinned "$TOOLS/bin/cometbft" || die "the CometBFT just built does not say it is $VERSION" \
  "Delete .tools/bin/cometbft and run this again."
say "CometBFT $VERSION is ready."
printf '%s\n' "$TOOLS/bin/cometbft"
