#!/usr/bin/env bash
# Gets a checkout ready: Node, the system packages, the npm packages and the build. Does nothing where nothing is to do.
# Sourced by ./scripts/test, run and demo; may be run by itself. Leaves ROOT set and the working directory there.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

say() { printf '%s\n' "$@" >&2; }
fail() {
  say "$@"
  exit 1
}

check_node() {
  command -v node >/dev/null 2>&1 ||
    fail 'claude-failover needs Node 20.19 or newer, and there is no node here: install it (https://nodejs.org), then try again.'
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "claude-failover needs Node 20.19 or newer; this is $(node --version). Install a newer one (https://nodejs.org), then try again."
  command -v npm >/dev/null 2>&1 || fail 'There is a node but no npm here: install npm, then try again.'
}

# tmux carries the agents; the others are what the tests use (ps, git, python3) and what better-sqlite3 needs where no
# ready-made build of it fits (make, g++, python3).
missing_packages() {
  local pair
  for pair in tmux:tmux git:git make:make g++:g++ python3:python3 ps:procps; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || printf '%s ' "${pair#*:}"
  done
}

install_packages() {
  local missing
  read -ra missing <<<"$(missing_packages)"
  ((${#missing[@]} > 0)) || return 0
  local by_hand="Install these packages, then try again: ${missing[*]}"
  command -v apt-get >/dev/null 2>&1 || fail "$by_hand"
  local as_root=()
  if ((EUID != 0)); then
    if ! sudo -n true 2>/dev/null; then
      fail "$by_hand" "  sudo apt-get update && sudo apt-get install -y ${missing[*]}"
    fi
    as_root=(sudo -n)
  fi
  say "Installing ${missing[*]} …"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
  if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } >&2 </dev/null; then
    fail "$by_hand"
  fi
}

# Installs what some tests need and are skipped without, where that takes no question.
try_packages() {
  local missing=() name as_root=()
  for name in "$@"; do command -v "$name" >/dev/null 2>&1 || missing+=("$name"); done
  if ((${#missing[@]} == 0)) || ! command -v apt-get >/dev/null 2>&1; then return 0; fi
  if ((EUID != 0)); then
    sudo -n true 2>/dev/null || return 0
    as_root=(sudo -n)
  fi
  say "Installing ${missing[*]} …"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
  { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } >&2 </dev/null ||
    say "Not installed: ${missing[*]}. The tests that need them are skipped."
}

# The stamp says for which lock file the packages were installed; an install by hand leaves none, but a newer hidden lock.
install_modules() {
  local stamp=node_modules/.claude-failover-lock hidden=node_modules/.package-lock.json sum
  sum=$(sha256sum <package-lock.json)
  [[ -f $stamp && $(<"$stamp") == "$sum" ]] && return 0
  if [[ -f $stamp || ! -f $hidden || package-lock.json -nt $hidden ]]; then
    say 'Installing npm packages …'
    # npm 11 refuses a lock file without the entries of foreign platforms, which not every registry has; install takes it.
    # Where no ready-made better-sqlite3 can be had it is compiled, against the headers of this node if they are here.
    local prefix
    prefix=$(cd "$(dirname "$(command -v node)")/.." && pwd)
    [[ -f $prefix/include/node/node.h ]] && export npm_config_nodedir=$prefix
    local quiet=(--no-audit --no-fund --loglevel=error)
    npm ci "${quiet[@]}" >/dev/null 2>&1 </dev/null ||
      npm install --no-save "${quiet[@]}" >&2 </dev/null ||
      fail 'The npm packages could not be installed: see above; is the npm registry reachable?'
  fi
  printf '%s\n' "$sum" >"$stamp"
}

build() {
  local entry=dist/main.js
  [[ -f src/main.ts ]] || return 0
  if [[ -f $entry ]] && [[ -z $(find src package.json tsconfig.json tsconfig.build.json -newer "$entry" -type f -print -quit) ]]; then
    return 0
  fi
  say 'Building …'
  npm run --silent build >&2 </dev/null || fail 'The build failed: see above.'
  touch "$entry"
}

check_node
install_packages
install_modules
build
