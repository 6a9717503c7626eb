# shellcheck shell=bash
# Shared by scripts/test-arm64 and scripts/cost: machines of arm64 (scripts/machines.sh, sourced before). The
# packages are unpacked in /var/cache/sockward: nothing foreign is installed.
# shellcheck disable=SC2034,SC2154  # read by machines.sh and by the caller, and set by lib.sh
arm64_packages=${SOCKWARD_CACHE:-/var/cache/sockward}/arm64

# Unpacks the arm64 packages of the list and all that they depend on, once.
make_root() {
  local options package link
  local list=$root/scripts/packages-arm64-root.txt
  if [ -f "$arm64_packages/ready" ] && cmp -s "$arm64_packages/ready" "$list"; then return; fi
  rm -rf "$arm64_packages"
  mkdir -p "$libraries_root"
  private_apt "$arm64_packages" bookworm
  apt-get "${options[@]}" update >"$arm64_packages/apt.log" 2>&1
  # shellcheck disable=SC2046  # one word for each package
  apt-get "${options[@]}" -y -d install $(cat "$list") >>"$arm64_packages/apt.log" 2>&1 ||
    { tail -n 5 "$arm64_packages/apt.log"; exit 1; }
  for package in "$arm64_packages"/archives/*.deb; do dpkg -x "$package" "$libraries_root"; done
  find "$libraries_root" -type l -lname '/*' | while read -r link; do
    ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$libraries_root$(readlink "$link")")" "$link"
  done
  cp "$list" "$arm64_packages/ready"
}

# What a program needs, and what that needs in turn: paths below libraries_root.
arm64_libraries_of() {
  local queue=("$1") seen=' /lib/ld-linux-aarch64.so.1 ' name path
  echo /lib/ld-linux-aarch64.so.1
  while [ ${#queue[@]} -gt 0 ]; do
    for name in $(aarch64-linux-gnu-objdump -p "${queue[0]}" | awk '/NEEDED/ {print $2}'); do
      for path in /lib/aarch64-linux-gnu/$name /usr/lib/aarch64-linux-gnu/$name; do
        [ -e "$libraries_root$path" ] || continue
        [[ $seen == *" $path "* ]] || { queue+=("$libraries_root$path"); seen+="$path "; echo "$path"; }
        break
      done
    done
    queue=("${queue[@]:1}")
  done
}

# use_arm64 <arguments of build>: builds for arm64, and tells machines.sh where things are.
use_arm64() {
  arch=arm64
  bin=$root/build/arm64/bin
  console=ttyAMA0
  libraries_root=$arm64_packages/root
  install_packages packages-arm64.txt
  make_root
  say "build: cross, arm64"
  export SOCKWARD_ARM64_ROOT=$libraries_root
  build arm64 "$@"
  # shellcheck disable=SC2317  # machines.sh calls it
  libraries_of() { arm64_libraries_of "$1"; }
}
