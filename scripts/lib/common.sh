# Shared by the scripts a person types: where things live, and how we speak.
# shellcheck shell=bash
set -euo pipefail

BLYAN_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
BLYAN_CACHE="${BLYAN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blyan}"
# Outside the checkout, so that a fresh clone on the same machine builds warm.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$BLYAN_CACHE/target}"
export BLYAN_ROOT BLYAN_CACHE
export PATH="$HOME/.cargo/bin:$BLYAN_CACHE/tools/bin:$PATH"
BLYAN_BIN="$CARGO_TARGET_DIR/debug"
mkdir -p "$BLYAN_CACHE"

if [ -t 1 ]; then BOLD=$'\e[1m'; DIM=$'\e[2m'; RED=$'\e[31m'; GREEN=$'\e[32m'; OFF=$'\e[0m'
else BOLD=; DIM=; RED=; GREEN=; OFF=; fi

say()  { printf '%s==>%s %s\n' "$BOLD" "$OFF" "$*"; }
note() { printf '    %s%s%s\n' "$DIM" "$*" "$OFF"; }
good() { printf '%s ok%s %s\n' "$GREEN" "$OFF" "$*"; }
die()  { printf '%serror:%s %s\n' "$RED" "$OFF" "$*" >&2; exit 1; }

# The profile is the same for what is run and what is tested, so nothing is built twice.
cargo_build_workspace() {
  say "building the workspace (into $CARGO_TARGET_DIR; the first build takes a while)"
  (cd "$BLYAN_ROOT" && cargo build --locked --workspace --bins "$@")
}
