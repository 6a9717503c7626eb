# shellcheck shell=bash
# For scripts/test-stories: programs of Debian's packages, unpacked into /var/cache/sockward/stories and kept.
# Nothing is installed. Sourced after lib.sh and machines.sh.
# shellcheck disable=SC2034,SC2154  # read and set by lib.sh, machines.sh and scripts/test-stories
stories=${SOCKWARD_CACHE:-/var/cache/sockward}/stories

# unpack_root <name> <suite> <package>…: these packages and their dependencies, as a root to chroot into.
unpack_root() {
  local folder=$stories/$1 suite=$2 options archive
  shift 2
  [ ! -f "$folder/ready" ] || return 0
  say "unpacking $* of $suite, once: $folder"
  rm -rf "$folder"
  private_apt "$folder" "$suite" || return 1
  {
    apt-get "${options[@]}" update && apt-get "${options[@]}" -y --download-only install "$@"
  } >"$folder/apt.log" 2>&1 || { tail -n 5 "$folder/apt.log"; return 1; }
  mkdir -p "$folder/root"
  for archive in "$folder"/archives/*.deb; do dpkg -x "$archive" "$folder/root"; done
  # What a root has besides packages: the links of the merged /usr, mount points, and a shell.
  for archive in bin sbin lib lib64; do
    [ -e "$folder/root/$archive" ] || ln -s "usr/$archive" "$folder/root/$archive"
  done
  mkdir -p "$folder"/root/{dev,mnt,proc,run,sys,tmp}
  cp /bin/busybox "$folder/root/bin/"
  rm -rf "$folder/archives" "$folder/lists"
  touch "$folder/ready"
}

# make_booted <depends>: a Debian 12 for a disk, with the programs of the stories; kept as a folder.
make_booted() {
  local folder=$stories/debian-12 status=0
  booted=$folder/root
  [ ! -f "$folder/ready" ] || return 0
  make_debian debian-12 "systemd,systemd-sysv,dbus,curl,procps,diffutils,$1" || return 1
  say "a Debian 12 with cloud-init, DHCP clients and CRIU, once: $folder"
  rm -rf "$folder"
  mkdir -p "$booted"
  tar -C "$booted" -xf "$debian"
  chmod 755 "$booted"
  printf '#!/bin/sh\nexit 101\n' >"$booted/usr/sbin/policy-rc.d"
  chmod +x "$booted/usr/sbin/policy-rc.d"
  cp /etc/resolv.conf "$booted/etc/resolv.conf"
  # A mount namespace of its own, so that nothing stays mounted.
  # shellcheck disable=SC2016  # for the shell inside
  unshare --mount sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" sh -c "
      apt-get update && DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends install \
        busybox-static cloud-init criu dnsmasq-base iproute2 isc-dhcp-client kmod udhcpc"' "$booted" \
    >"$folder/apt.log" 2>&1 || status=$?
  [ $status = 0 ] || { tail -n 5 "$folder/apt.log"; return 1; }
  rm -rf "$booted"/usr/sbin/policy-rc.d "$booted"/var/cache/apt/archives/*.deb "$booted"/var/lib/apt/lists/*
  touch "$folder/ready"
}

# begin_disk <root> <kernel> <host name> <program>: $out/disk, a copy of the root with this kernel's modules
# and a service that runs the program at the end of the boot.
begin_disk() {
  local tree=$out/disk modules
  rm -rf "$tree" "$out/disk.ext4"
  cp -a "$1" "$tree"
  modules=$(find "$(folder_of "$2")/root/lib/modules" -mindepth 1 -maxdepth 1)
  mkdir -p "$tree/lib/modules"
  cp -a "$modules" "$tree/lib/modules/"
  chroot "$tree" depmod "$(basename "$modules")"
  echo "$3" >"$tree/etc/hostname"
  printf '127.0.0.1 localhost %s\n' "$3" >"$tree/etc/hosts"
  ln -sf /dev/null "$tree/etc/systemd/system/serial-getty@ttyS0.service"
  ln -sf /dev/null "$tree/etc/systemd/system/systemd-logind.service"
  cat >"$tree/etc/systemd/system/story.service" <<U
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=$4
[Install]
WantedBy=multi-user.target
U
  ln -sf ../story.service "$tree/etc/systemd/system/multi-user.target.wants/story.service"
}

# end_disk <size>: the folder becomes $out/disk.ext4.
end_disk() {
  mke2fs -q -t ext4 -d "$out/disk" "$out/disk.ext4" "$1"
  rm -rf "$out/disk"
}

# make_disk <kernel>: that Debian as a disk, with the project's tests. cloud-init does nothing there at boot.
make_disk() {
  local tree=$out/disk
  begin_disk "$booted" "$1" story /root/project/tests/stories/guest
  mkdir -p "$tree"/root/project/{build/bin,docs,tests/integration}
  cp "$bin/sockward" "$bin/provoke" "$tree/root/project/build/bin/"
  cp "$root/docs/records.schema.json" "$tree/root/project/docs/"
  cp "$root/tests/integration/support.py" "$tree/root/project/tests/integration/"
  cp -r "$root/tests/stories" "$tree/root/project/tests/"
  cp -r "$SOCKWARD_PROGRAMS" "$tree/root/programs"
  touch "$tree/etc/cloud/cloud-init.disabled" "$tree/etc/sockward-story"
  echo 'network: {config: disabled}' >"$tree/etc/cloud/cloud.cfg.d/99-story.cfg"
  echo 'datasource_list: [NoCloud]' >>"$tree/etc/cloud/cloud.cfg.d/99-story.cfg"
  end_disk 3G
}

# boot_disk <kernel>: the serial log is $out/serial-<kernel>.log. What is written to the disk is dropped, so
# that another boot finds it as it was.
boot_disk() {
  mapfile -t extra_files < <(find "$(folder_of "$1")/root/lib/modules" -name 'virtio.ko' \
    -o -name 'virtio_ring.ko' -o -name 'virtio_pci*.ko' -o -name 'virtio_blk.ko')
  guest_init=$root/tests/stories/init
  guest_programs=()
  make_initramfs /bin/busybox
  # An AMD CPU with its own virtual machines: a guest has a real /dev/kvm, slow as it is.
  emulator=(qemu-system-x86_64 -accel "tcg,thread=single" -cpu "qemu64,-cx16,+rdrand,+svm,+npt"
    -drive "file=$out/disk.ext4,if=virtio,format=raw,cache=unsafe,snapshot=on")
  console=ttyS0 memory=${disk_memory:-2048}
  run_machine "$1" "random.trust_cpu=on systemd.journald.storage=volatile"
}
