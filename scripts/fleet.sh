# shellcheck shell=bash
# Prometheus, Alertmanager, VictoriaMetrics and an OpenTelemetry collector of Debian sid, unpacked into the
# cache, never installed. Sourced after lib.sh and machines.sh by scripts/test-fleet, which sets `arch`.
# shellcheck disable=SC2154  # `options` is private_apt's
fleet=${SOCKWARD_CACHE:-/var/cache/sockward}/fleet
go=$fleet/otel/usr/lib/go-1.27

# unpack <folder> <packages…>: downloads them and unpacks them there, once.
unpack() {
  local folder=$fleet/$1 package
  shift
  [ ! -f "$folder/ready" ] || return 0
  rm -rf "$folder"
  mkdir -p "$folder/deb"
  private_apt "$fleet/apt" sid
  apt-get "${options[@]}" update >"$folder/apt.log" 2>&1
  # shellcheck disable=SC2046,SC2048,SC2086  # $* may be the name of a function that says which
  (cd "$folder/deb" && apt-get "${options[@]}" download $(names_of $*) >>"$folder/apt.log" 2>&1) ||
    { tail -n 5 "$folder/apt.log" >&2; return 1; }
  (cd "$folder/deb" && printf '%s\n' *.deb) >"$folder/packages"
  for package in "$folder"/deb/*.deb; do dpkg -x "$package" "$folder"; done
  rm -rf "$folder/deb"
  touch "$folder/ready"
}

# A Go library of Debian's is its source, and so are those it needs: only -dev packages of Go are wanted, not
# the C libraries that some of them name.
names_of() {
  local none=() what
  if [ "$1" != collector ]; then printf '%s\n' "$@"; return; fi
  for what in recommends suggests conflicts breaks replaces enhances; do none+=("--no-$what"); done
  apt-cache "${options[@]}" depends --recurse "${none[@]}" golang-opentelemetry-collector-dev |
    grep -oE '^golang-[a-z0-9.+-]+-dev$' | sort -u
  printf '%s\n' golang-1.27-go golang-1.27-src
}

# 4 minutes of CPU once.
make_collector() {
  local source=$fleet/go/src/collector
  unpack otel collector
  [ "$fleet/otel-collector" -nt "$root/tests/fleet/otelcol/main.go" ] && return
  mkdir -p "$source"
  cp "$root/tests/fleet/otelcol/main.go" "$source/"
  (
    cd "$source" &&
      GOROOT=$go GOPATH=$fleet/go:$fleet/otel/usr/share/gocode GOCACHE=$fleet/go-cache GOTOOLCHAIN=local \
        GO111MODULE=off CGO_ENABLED=0 nice "$go/bin/go" build -trimpath -ldflags '-s -w' \
        -o "$fleet/otel-collector.new" . &&
      mv "$fleet/otel-collector.new" "$fleet/otel-collector"
  )
}
