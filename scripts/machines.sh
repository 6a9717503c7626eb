# shellcheck shell=bash
# Shared by scripts/vm and scripts/test-arm64: kernels of Debian packages, booted in qemu. Sourced after
# lib.sh. The caller sets: arch (Debian's name), bin (programs to run), out (logs), emulator (an array),
# console, boot_seconds, and libraries_of (a function: paths of a program's libraries inside $libraries_root).
# Unless it sets others, the machines run tests/vm/init with the programs of the bpf tests (names in $bin, or
# paths).
# shellcheck disable=SC2154  # these are the caller's
kernels=${SOCKWARD_CACHE:-/var/cache/sockward}/kernels
most_boots=3
guest_init=$root/tests/vm/init
guest_programs=(bpf_tests loader_tests sockward provoke)
extra_files=() # copied to /etc
memory=1024
cpus=2
pack=(gzip -1)

mirror_of_debian() {
  # shellcheck disable=SC2016  # apt-get fills these in, not the shell
  apt-get indextargets --format '$(ORIGIN) $(SITE)' 2>/dev/null |
    awk '$1 == "Debian" && $2 !~ /security/ {print $2; exit}'
}

# private_apt <folder> <suite>: fills the array `options` for an apt of its own, which touches nothing of the
# machine.
private_apt() {
  local mirror
  mirror=$(mirror_of_debian)
  [ -n "$mirror" ] || { echo "no Debian mirror in apt's configuration" >&2; return 1; }
  mkdir -p "$1/lists/partial" "$1/archives/partial"
  : >"$1/status"
  echo "deb [arch=$arch] $mirror $2 main" >"$1/sources.list"
  options=(-q -o "APT::Architecture=$arch" -o "APT::Architectures::=$arch"
    -o "Dir::Etc::sourcelist=$1/sources.list" -o Dir::Etc::sourceparts=-
    -o "Dir::State::Lists=$1/lists" -o "Dir::State::status=$1/status"
    -o "Dir::Cache::archives=$1/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
    -o APT::Sandbox::User=root -o APT::Install-Recommends=false)
}

# A kernel is kept by its name without "-full…": the same one, booted with other options.
folder_of() {
  local name=${1%%-full*}
  [ "$arch" = amd64 ] || name=$arch-$name
  echo "$kernels/$name"
}

# fetch <name> <suite> <package>: unpacks the kernel once.
fetch() {
  local folder options image part
  folder=$(folder_of "$1")
  [ ! -f "$folder/ready" ] || return 0
  rm -rf "$folder"
  mkdir -p "$folder/deb"
  private_apt "$folder" "$2" || return 1
  apt-get "${options[@]}" update >"$folder/apt.log" 2>&1
  image=$(apt-cache "${options[@]}" depends "$3" | grep -oE 'linux-image-[0-9][^ ]*' | grep -v unsigned |
    sort -V | tail -n 1)
  [ -n "$image" ] || { echo "$2 has no $3" >&2; return 1; }
  for part in "$image" "${image/linux-image/linux-binary}"; do
    # Since 7.x the image itself is in a package of its own.
    [ -z "$(find "$folder/root" -name 'vmlinuz*' 2>/dev/null)" ] || break
    (
      cd "$folder/deb" && apt-get "${options[@]}" download "$part" >>"$folder/apt.log" 2>&1 &&
        dpkg -x "$part"_*.deb "$folder/root"
    ) || return 1
  done
  find "$folder/root" -name 'vmlinuz*' | grep -q . || return 1
  touch "$folder/ready"
}

# make_debian <name> <packages>: a root of Debian 12 with these packages, as an archive that is kept; sets
# `debian`.
make_debian() {
  local fresh
  debian=${SOCKWARD_CACHE:-/var/cache/sockward}/$1.tar
  [ ! -f "$debian" ] || return 0
  fresh=$(mktemp -d)
  debootstrap --variant=minbase --include="$2" bookworm "$fresh" "$(mirror_of_debian)" \
    >"$out/debootstrap.log" 2>&1 ||
    { tail -n 5 "$out/debootstrap.log"; rm -rf "$fresh"; return 1; }
  rm -rf "$fresh"/var/cache/apt/archives/*.deb "$fresh"/var/lib/apt/lists/* "$fresh"/usr/share/{locale,i18n}
  mkdir -p "$(dirname "$debian")"
  tar -C "$fresh" -cf "$debian.new" . && mv "$debian.new" "$debian"
  rm -rf "$fresh"
}

# make_initramfs <busybox>
make_initramfs() {
  local folder=$out/root program library
  rm -rf "$folder"
  mkdir -p "$folder"/{bin,proc,sys,tmp,dev,run,etc}
  cp "$1" "$folder/bin/busybox"
  cp "$guest_init" "$folder/init"
  for library in ${extra_files[@]+"${extra_files[@]}"}; do cp "$library" "$folder/etc/"; done
  for program in "${guest_programs[@]}"; do
    [[ $program == */* ]] || program=$bin/$program
    cp "$program" "$folder/bin/"
    libraries_of "$program" | while read -r library; do
      mkdir -p "$folder$(dirname "$library")"
      cp -L "${libraries_root:-}$library" "$folder$library"
    done
  done
  (cd "$folder" && find . | cpio -o -H newc 2>/dev/null | "${pack[@]}" >"$out/initramfs")
}

# run_machine <name> <boot options>: one boot; the serial log is what there is to judge.
run_machine() {
  timeout -k 10 "$boot_seconds" "${emulator[@]}" -m "$memory" -smp "$cpus" -nographic -no-reboot \
    -kernel "$(find "$(folder_of "$1")/root" -name 'vmlinuz*' | head -n 1)" -initrd "$out/initramfs" \
    -append "console=$console panic=-1 oops=panic quiet $2" </dev/null >"$out/serial-$1.raw" 2>&1 || true
  tr -d '\r' <"$out/serial-$1.raw" >"$out/serial-$1.log"
}

# Did the machine end without a result, by a crash that has nothing to do with us? The emulator lost a race of
# the kernel's self-patching now and then, while it ran both CPUs in threads. A failed test, or a crash whose
# trace names bpf, is a result.
crashed_by_itself() {
  ! grep -q '^DONE$' "$1" && ! grep -q '^\[  FAILED' "$1" && ! grep -qE '^RESULT [a-z]+ [1-9]' "$1" &&
    ! sed -n '/Call Trace/,/end trace/p' "$1" | grep -qi 'bpf'
}

# tell_end <log>: what a machine that failed said, for readers who get the output and not build/vm.
tell_end() {
  echo "the machine said, of failures and crashes:"
  grep -nE -A 12 '^\[  FAILED|^FAILED|^RESULT [a-z]+ [1-9]|Failure$|WRONG$|crashed \(SIG' "$1" |
    head -n 60 | cut -c1-300 || true
  sed -n '/\(BUG\|Oops\|Kernel panic\|Call Trace\|stall\)/,+30p' "$1" | head -n 90 | cut -c1-300
  echo "… and last:"
  tail -n 25 "$1" | cut -c1-300
}

# boot <name> <boot options>: prints the result line; fails unless every backend passed and counted exactly.
boot() {
  local name=$1 options=$2 log=$out/serial-$1.log passed failed skipped ok=0 boots=1
  local backend backends=(fexit tracepoint) wanted=(DONE 'RESULT hybrid 0' 'RESULT v1 0')
  [[ $options != *backends=tracepoint* ]] || backends=(tracepoint)
  for backend in "${backends[@]}"; do
    wanted+=("RESULT $backend 0" "EXACT $backend .* ok")
    [ "$backend" = tracepoint ] || wanted+=('RESULT denied 0')
    [[ $backend = tracepoint || $options == *loader=no* ]] || wanted+=('RESULT loader 0')
  done
  if [[ $options == *exact=only* ]]; then wanted=(DONE 'EXACT fexit .* ok' 'EXACT tracepoint .* ok'); fi
  run_machine "$name" "$options"
  while [ $boots -lt $most_boots ] && crashed_by_itself "$log"; do
    echo "the machine of $name ended without a result; its last words:"
    tail -n 3 "$log"
    cp "$log" "$log.crash$boots"
    boots=$((boots + 1))
    run_machine "$name" "$options"
  done
  passed=$(awk '/^\[  PASSED  \]/ {n += $4} END {print n + 0}' "$log")
  failed=$(grep -cE '^\[  FAILED  \].*ms\)$|^[a-z_]+ crashed \(SIG' "$log" || true)
  skipped=$(awk '/^\[  SKIPPED \] [0-9]+ test/ {n += $4} END {print n + 0}' "$log")
  grep -E '^(KERNEL|EXACT|GETPPID)' "$log" || true
  for line in "${wanted[@]}"; do
    grep -qE "^$line\$" "$log" || { echo "missing: $line (see $log)"; ok=1; }
  done
  if [ $ok != 0 ]; then
    [ "$failed" != 0 ] || failed=1
    tell_end "$log"
  fi
  passed=$((passed + (${#backends[@]} - $(grep -cE '^EXACT .* WRONG$' "$log" || true)) * (1 - ok)))
  echo "VM $name $passed $failed $skipped"
  return $ok
}

# every_test_ran_somewhere: of a whole matrix. A test that each of its kernels skips would prove nothing.
every_test_ran_somewhere() {
  if "$root/tests/vm/skipped.py" "$out"; then echo "VM skipped 1 0 0"; else
    echo "VM skipped 0 1 0"
    return 1
  fi
}

names_of() { awk '!/^#/ && NF {sub(/^~/, "", $1); print $1}' "$1"; }

# boot_all <list> [name…]: every kernel of the list without ~, or those that are named; as many at a time as
# machines_at_once says. What each says is printed when it has ended, in the order of the list.
boot_all() {
  local list=$1 status=0 name suite package options wanted booted=()
  shift
  for wanted in "$@"; do
    names_of "$list" | grep -qxF -- "$wanted" && continue
    echo "no kernel is called '$wanted'; next: one of $(names_of "$list" | paste -sd ' ') (see $list)"
    return 2
  done
  while read -r name suite package options; do
    case $name in '' | \#*) continue ;; esac
    if [ "${name#\~}" != "$name" ] && [ $# = 0 ]; then
      echo "${name#\~} is left out: see $list"
      continue
    fi
    name=${name#\~}
    if [ $# -gt 0 ] && ! printf '%s\n' "$@" | grep -qx -- "$name"; then continue; fi
    if ! fetch "$name" "$suite" "$package"; then
      echo "cannot fetch the kernel of $suite (see $(folder_of "$name")/apt.log)"
      echo "VM $name 0 1 0"
      status=1
      continue
    fi
    while [ "$(jobs -pr | wc -l)" -ge "${machines_at_once:-1}" ]; do wait -n || true; done
    rm -f "$out/passed-$name"
    { boot "$name" "${options:-}" && touch "$out/passed-$name"; } >"$out/said-$name" 2>&1 &
    booted+=("$name")
  done <"$list"
  wait
  for name in ${booted[@]+"${booted[@]}"}; do
    cat "$out/said-$name"
    [ -e "$out/passed-$name" ] || status=1
  done
  return $status
}
