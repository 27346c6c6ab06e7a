# Shared by the scripts of this folder: where the project is, how progress and failures are said,
# and what must be installed. Sourced, never run.

# shellcheck shell=bash
# shellcheck disable=SC2034  # what is set here is used by those who source it
# An exported CDPATH sends `cd` elsewhere, and makes it print.
unset CDPATH
PROJECT="$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." && pwd)"
TOOLS="$PROJECT/.tools"
AIT="${CARGO_TARGET_DIR:-$PROJECT/target}/release/ait"

# CometBFT takes its home and its settings from these too: those of somebody's validator are not for the nodes
# of scripts.
for name in $(compgen -e); do
  case "$name" in CMTHOME | TMHOME | CMT_* | TM_*) unset "$name" ;; esac
done

# Progress goes to standard error: standard output is for answers (a path, a figure).
say() { printf '%s\n' "$*" >&2; }

# die WHAT [WHAT TO DO]...: each argument is a line.
die() {
  printf 'error: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '       %s\n' "$line" >&2; done
  exit 1
}

need_cargo() {
  # A fresh rustup install is on PATH only in new shells.
  if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
    PATH="$HOME/.cargo/bin:$PATH"
  fi
  command -v cargo >/dev/null || die "cargo (Rust) is not installed" \
    "Install it from https://rustup.rs, open a new shell, and run this again."
  command -v cc >/dev/null || die "there is no C compiler and linker (cc)" \
    "Debian and Ubuntu: apt-get install build-essential. macOS: xcode-select --install."
}

# Go's installer puts it where no PATH points until the shell's profile names it. Fails where there is none.
find_go() {
  if ! command -v go >/dev/null && [ -x /usr/local/go/bin/go ]; then PATH="/usr/local/go/bin:$PATH"; fi
  command -v go >/dev/null
}

build_ait() {
  need_cargo
  # --workspace: the same features as in the tests' build, so that neither builds again what the other built.
  say "Building ait (release); the first build takes some minutes."
  (cd "$PROJECT" && cargo build --release --locked --workspace --bin ait) ||
    die "ait does not build; the compiler's message stands above."
}

# install_package NAME: one of Debian's, where this is root; fails elsewhere.
install_package() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
  say "Installing $1 with apt-get; this takes a minute or two."
  apt-get update -qq >&2 &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >&2
}

# need_python_package NAME VERSION: from Python's registry, into .tools/python.
need_python_package() {
  local python="$TOOLS/python/bin/python3"
  [ "$("$python" -m pip show "$1" 2>/dev/null | sed -n 's/^Version: //p')" = "$2" ] && return
  command -v python3 >/dev/null || die "Python 3 is not installed" \
    "$1 is a tool that Python's package registry has: https://www.python.org"
  if [ ! -x "$python" ]; then
    python3 -m venv "$TOOLS/python" >/dev/null ||
      { install_package python3-venv && python3 -m venv --clear "$TOOLS/python" >/dev/null; } ||
      die "python3 makes no virtual environment" "Debian and Ubuntu: apt-get install python3-venv."
  fi
  say "Installing $1 $2 into .tools/python."
  "$python" -m pip install --quiet --disable-pip-version-check "$1==$2" >&2 ||
    die "$1 $2 can't be installed; pip's message stands above."
}

# Names a Chromium or Chrome in CHROMIUM; fails where there is none.
find_chromium() {
  local candidate
  for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome-stable google-chrome \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
    if [ -n "$candidate" ] && CHROMIUM="$(command -v "$candidate")"; then
      export CHROMIUM
      return
    fi
  done
  return 1
}
