# shellcheck shell=bash
# What every incident can use. Runs in network, UTS and mount namespaces of its own; $DIR is its folder.
# shellcheck disable=SC2034  # $held and $mine are for the incident, and for run.py
set -m
act=$HERE/act
held=
holds=0
mine= # a word that marks records of cgroups that a program makes elsewhere

# await <command…>: until it succeeds, five seconds at most.
await() {
  for _ in $(seq 250); do
    "$@" 2>/dev/null && return 0
    sleep 0.02
  done
  echo "never came: $*" >&2
  exit 99
}
# hold <kind> <address> […]: somebody binds it and stays; $held is its pid (as this pid namespace numbers it).
hold() {
  holds=$((holds + 1))
  "$act" hold "$@" >"$DIR/ready.$holds" &
  held=$!
  await grep -q ready "$DIR/ready.$holds"
}
act() { "$act" "$@"; }
# leave <path>: a socket file whose server has gone a while ago.
leave() {
  "$act" hold unix "$1" --for 0 >/dev/null
  sleep 0.5
}
# port <number>: does somebody listen there? Asked without a connect, which would be recorded.
port() { ss -Hltn "sport = :$1" | grep -q .; }
# peer <our address> <its address>: another host on a link, v0 here and v1 there; $peer is a process in it.
peer() {
  ip link add v0 type veth peer name v1
  unshare --net sleep 50 & peer=$!
  await sh -c "test \$(readlink /proc/$peer/ns/net) != \$(readlink /proc/self/ns/net)"
  ip link set v1 netns $peer
  nsenter -t $peer -n ip link set v1 up
  nsenter -t $peer -n ip addr add "$2/24" dev v1
  ip addr add "$1/24" dev v0
  ip link set v0 up
}
# backlog <path>: a server that accepts nothing, its queue full with one connection; $held is its pid.
backlog() {
  python3 - "$1" >"$DIR/ready.backlog" <<'P' &
import socket, sys, time
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen(0)
first = socket.socket(socket.AF_UNIX)
first.connect(sys.argv[1])
print("ready", flush=True)
time.sleep(30)
P
  held=$!
  await grep -q ready "$DIR/ready.backlog"
}
# What sends one datagram to sys.argv[1]; "full", "connected": as many as there is room for.
send='
import socket, sys
name = sys.argv[1]
client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
client.setblocking(False)
if "connected" in sys.argv:
    client.connect(name)
try:
    for _ in range(1 if len(sys.argv) == 2 else 100000):
        if "connected" in sys.argv:
            client.send(b"x")
        else:
            client.sendto(b"x", name.replace("@", chr(0), 1))
except OSError:
    pass
'
# datagram <path or @name> [full|connected]
datagram() { python3 -c "$send" "$@"; }
# long <folder> <bytes>: a path of that many bytes below the folder; its directory exists.
long() {
  local fill=$(($2 - ${#1} - 12))
  local directory
  directory=$1/$(head -c $fill /dev/zero | tr '\0' l)
  mkdir -p "$directory"
  echo "$directory/x-ctl.sock"
}
# openat2 <path> <resolve>: as liblxc opens its rootfs.
openat2() {
  python3 - "$1" "$2" <<'P'
import ctypes, os, struct, sys, time
how = ctypes.create_string_buffer(struct.pack("QQQ", 0o12400000, 0, int(sys.argv[2])))
path = ctypes.create_string_buffer(os.fsencode(sys.argv[1]))
ctypes.CDLL(None).syscall(437, -100, path, how, 24)
time.sleep(0.4)
P
}
# container <folder> <name>: the smallest lxc container, in <folder>/lxc/<name>.
container() {
  mkdir -p "$1/rootfs"/{bin,proc,sys,dev,tmp} "$1/lxc/$2"
  cp /bin/busybox "$1/rootfs/bin/busybox"
  cat >"$1/lxc/$2/config" <<C
lxc.rootfs.path = dir:$1/rootfs
lxc.uts.name = $2
lxc.net.0.type = empty
lxc.apparmor.profile = unchanged
lxc.init.cmd = /bin/busybox touch /started
C
}
