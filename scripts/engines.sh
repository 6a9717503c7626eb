# shellcheck shell=bash
# For scripts/test-engines: roots of Debian with container engines, kept in /var/cache/sockward/engines.
# Nothing is installed on the machine. Sourced after lib.sh and machines.sh.
# shellcheck disable=SC2154  # set by lib.sh and machines.sh
engines=${SOCKWARD_CACHE:-/var/cache/sockward}/engines

# The root that an engine runs in: suite, further suite, packages.
declare -A recipes=(
  [docker]="sid - docker.io docker-cli iptables"
  [incus]="trixie trixie-backports incus"
  [debian-12]="bookworm - containerd runc lxc lxd ovmf podman slirp4netns swtpm swtpm-tools systemd-container
    qemu-system-x86 qemu-utils kmod systemd-sysv dbus uidmap"
  [docker-booted]="bookworm - systemd systemd-sysv dbus curl kmod docker.io iptables apparmor"
)

# make_root <name>: $engines/<name>/root, once. A second script waits for the first.
make_root() (
  local folder=$engines/$1 suite more packages policy mirror target=() status=0
  mkdir -p "$folder"
  exec 9>"$folder/lock"
  flock 9
  [ ! -f "$folder/ready" ] || return 0
  # shellcheck disable=SC2086  # words
  set -- ${recipes[$1]}
  suite=$1 more=$2 packages="${*:3}" mirror=$(mirror_of_debian)
  say "a root of $suite with $packages, once: $folder"
  rm -rf "$folder/root"
  debootstrap --variant=minbase "$suite" "$folder/root" "$mirror" >"$folder/log" 2>&1 ||
    { tail -n 5 "$folder/log"; return 1; }
  policy=$folder/root/usr/sbin/policy-rc.d
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  cp /etc/resolv.conf "$folder/root/etc/"
  if [ "$more" != - ]; then
    echo "deb $mirror $more main" >>"$folder/root/etc/apt/sources.list"
    target=(-t "$more")
  fi
  # A mount namespace of its own, so that nothing stays mounted. A mirror may be an old snapshot.
  # shellcheck disable=SC2016,SC2086  # for the shell inside; words
  unshare --mount sh -c 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" &&
      chroot "$0" apt-get -o Acquire::Check-Valid-Until=false update &&
      DEBIAN_FRONTEND=noninteractive exec chroot "$0" apt-get -qy \
        -o APT::Sandbox::User=root --no-install-recommends install "$@"' \
    "$folder/root" "${target[@]}" busybox-static iproute2 procps util-linux $packages \
    >>"$folder/log" 2>&1 </dev/null || status=$?
  [ $status = 0 ] || { tail -n 5 "$folder/log"; return 1; }
  rm -rf "$folder"/root/var/cache/apt/archives/*.deb "$folder"/root/var/lib/apt/lists/* "$policy" \
    "$folder"/root/usr/share/{doc,locale,i18n,man}
  touch "$folder/ready"
)

# version_in <root> <package>
version_in() { dpkg-query --admindir="$engines/$1/root/var/lib/dpkg" -W -f='${Version}' "$2"; }
