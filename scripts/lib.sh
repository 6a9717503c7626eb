# shellcheck shell=bash
# Shared by the scripts: installing packages, and building as the person who called. Sourced, not run.
set -euo pipefail
# As sudo sets it, and plain `su` does not: Debian's programs, whatever the caller's shell puts before them.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# --help tells what stands at the head of the script.
case ${1:-} in -h | --help)
  awk 'NR > 1 && !/^#/ {exit} NR > 1 {sub(/^# ?/, ""); print}' "$0"
  exit 0
  ;;
esac

say() { printf '\n== %s\n' "$*"; }

need_root() {
  if [ "$(id -u)" != 0 ]; then
    echo "$0: needs root (BPF programs, namespaces, packages)" >&2
    if command -v sudo >/dev/null; then
      echo "  next: sudo $0 $*" >&2
    else
      echo "  next: become root (su -), then: $0 $*" >&2
    fi
    exit 1
  fi
}

no_arguments() { # no_arguments "$@"
  [ $# = 0 ] && return
  echo "$0: takes no arguments, got '$*'" >&2
  echo "  next: $0 --help" >&2
  exit 2
}

whole_number() { # whole_number <what> <value>: 1 to 99999
  [[ $2 =~ ^[1-9][0-9]{0,4}$ ]] && return
  echo "$0: $1 must be a whole number, 1 to 99999, got '$2'" >&2
  echo "  next: $0 --help" >&2
  exit 2
}

# Installs what is missing from the named lists. No service of the machine is started, stopped or touched.
install_packages() {
  local wanted missing=() list policy=/usr/sbin/policy-rc.d made=0 log=${TMPDIR:-/tmp}/sockward-apt.log
  for list in "$@"; do
    while read -r wanted; do
      [ -n "$wanted" ] || continue
      dpkg-query -W -f='${db:Status-Status}' "$wanted" 2>/dev/null | grep -qx installed ||
        missing+=("$wanted")
    done <"$root/scripts/$list"
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing: ${missing[*]}"
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
    made=1
  fi
  local status=0
  {
    apt-get -q update &&
      DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends "${missing[@]}"
  } >"$log" 2>&1 || status=$?
  [ $made = 0 ] || rm -f $policy
  if [ $status != 0 ]; then
    tail -n 20 "$log" >&2
    echo "cannot install packages; next: check the network and /etc/apt/sources.list" >&2
    exit 1
  fi
}

# Runs a command as the person who called sudo (in a root shell: as root), so that nothing in the checkout
# ends up owned by root.
as_caller() {
  if [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ] && runuser -u "$SUDO_USER" -- test -w "$root"; then
    runuser -u "$SUDO_USER" -- "$@"
  else
    "$@"
  fi
}

# build <preset> [cmake flags…] -- [targets…]
build() {
  local preset=$1 flags=() targets=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do flags+=("$1") && shift; done
  [ $# -eq 0 ] || shift
  [ $# -eq 0 ] || targets=(--target "$@")
  (
    cd "$root" && as_caller cmake --preset "$preset" "${flags[@]}" >/dev/null &&
      as_caller cmake --build --preset "$preset" "${targets[@]}" |
      awk '/error:|warning:|undefined reference/ {shown = NR + 5} NR <= shown; {last = $0}
        END {if (NR > shown) print last}'
  )
}
