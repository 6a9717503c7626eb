# shellcheck shell=bash
# For scripts/test-kubernetes: Kubernetes, and a node for it, from Debian's packages. Sourced after lib.sh and
# machines.sh. Nothing is installed: packages are unpacked in /var/cache/sockward, and kept.
# shellcheck disable=SC2154  # set by lib.sh and machines.sh
kubernetes=${SOCKWARD_CACHE:-/var/cache/sockward}/kubernetes
programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet)

# unpack_packages <folder> <suite> <package>…: into $kubernetes/<folder>/root
unpack_packages() {
  local folder=$kubernetes/$1 options suite=$2
  shift 2
  private_apt "$folder" "$suite"
  apt-get "${options[@]}" update >"$folder/apt.log" 2>&1
  (cd "$folder" && apt-get "${options[@]}" download "$@" >>"$folder/apt.log" 2>&1 &&
    for package in *.deb; do dpkg -x "$package" root; done && rm -f ./*.deb) ||
    { tail -n 5 "$folder/apt.log"; return 1; }
}

# Debian has no package of the API server, but its source: that of kubernetes-client, with all it needs.
unpack_source() {
  local folder=$kubernetes/source options
  private_apt "$folder" bookworm
  sed -i 's/^deb /deb-src /' "$folder/sources.list"
  apt-get "${options[@]}" update >"$folder/apt.log" 2>&1
  mkdir -p "$kubernetes/go/src/k8s.io"
  (cd "$folder" && apt-get "${options[@]}" source kubernetes >>"$folder/apt.log" 2>&1) ||
    { tail -n 5 "$folder/apt.log"; return 1; }
  rm -rf "$kubernetes/go/src/k8s.io/kubernetes"
  mv "$folder"/kubernetes-*/ "$kubernetes/go/src/k8s.io/kubernetes"
}

# with_go <command…>: in the source, with bullseye's compiler. (That of bookworm makes a server that crashes
# on custom resources.) A subshell, so that its environment stays its own.
# shellcheck disable=SC2030,SC2031
with_go() (
  export GOROOT=$kubernetes/bullseye/root/usr/lib/go-1.15 GO111MODULE=off CGO_ENABLED=0
  export GOPATH=$kubernetes/go GOCACHE=$kubernetes/gocache PATH=$GOROOT/bin:$PATH
  cd "$GOPATH/src/k8s.io/kubernetes" && "$@"
)

# The one generated file that Debian's source lacks: the server publishes the schemas of its types from it.
generate_openapi() {
  local folders
  folders=$({
    grep -rl --include='*.go' '+k8s:openapi-gen=' pkg cmd plugin
    cd staging/src && grep -rl --include='*.go' '+k8s:openapi-gen=' k8s.io |
      grep -vE 'k8s.io/(code-generator|sample-apiserver)/' | sed 's#^#vendor/#'
  } | xargs -n1 dirname | sort -u | sed 's#^#k8s.io/kubernetes/#' | paste -sd,)
  go build -o "$kubernetes/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen &&
    "$kubernetes/openapi-gen" --logtostderr -i "$folders" -p k8s.io/kubernetes/pkg/generated/openapi \
      -O zz_generated.openapi -h hack/boilerplate/boilerplate.generatego.txt \
      -r "$kubernetes/violations" --output-base "$kubernetes/go/src"
}

build_kubernetes() {
  local version=v1.20.2 package=k8s.io/kubernetes/vendor/k8s.io/component-base/version program
  [ -f pkg/generated/openapi/zz_generated.openapi.go ] || generate_openapi || return 1
  for program in "${programs[@]}"; do
    go build -p 2 -trimpath -o "$kubernetes/$program" \
      -ldflags "-s -w -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=20" \
      "./cmd/$program" || return 1
  done
}

# make_kubernetes: the programs, etcd and kubectl in $kubernetes, once. A second script waits for the first.
make_kubernetes() (
  mkdir -p "$kubernetes"
  exec 9>"$kubernetes/lock"
  flock 9
  [ ! -f "$kubernetes/ready" ] || return 0
  say "Kubernetes from Debian's source, once: $kubernetes"
  unpack_packages bullseye bullseye golang-1.15-go golang-1.15-src || return 1
  unpack_packages bookworm bookworm etcd-server || return 1
  unpack_packages sid sid kubectl || return 1
  unpack_source || return 1
  with_go build_kubernetes >"$kubernetes/build.log" 2>&1 || { tail -n 5 "$kubernetes/build.log"; return 1; }
  cp "$kubernetes"/bookworm/root/usr/bin/etcd "$kubernetes"/sid/root/usr/bin/kubectl "$kubernetes/"
  rm -rf "$kubernetes"/{go,gocache,source,bullseye,bookworm,sid,openapi-gen,violations}
  touch "$kubernetes/ready"
)

# make_node: what a node needs besides the kubelet, in $kubernetes/node/root, once.
make_node() (
  mkdir -p "$kubernetes"
  exec 9>"$kubernetes/node.lock"
  flock 9
  [ ! -f "$kubernetes/node/ready" ] || return 0
  rm -rf "$kubernetes/node"
  unpack_packages node bookworm containerd runc containernetworking-plugins busybox-static || return 1
  rm -rf "$kubernetes"/node/{lists,archives}
  touch "$kubernetes/node/ready"
)
