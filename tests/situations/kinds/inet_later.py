"""connect over TCP whose end comes later: nobody answers, and the program or the kernel gives up; the
neighbour is not there; or it does get through, of which there must be no record."""
import errno
import os
import struct

from actor import NEWNET, Void
from addresses import inet
from holders import check_bound, idle
from kinds import kind
from kinds.inet_bind import port_of
from kinds.inet_connect import HOW, MPTCP, TCP, attempt, client
from netlink import Interfaces
from places import harmless
from world import LIBC

HERE, THERE, HERE6, THERE6 = "10.9.9.1", "10.9.9.9", "fd00:9::1", "fd00:9::9"
# The listener's and the client's address.
PAIRS = (
    ("127.0.0.1", "127.0.0.1"),
    ("::1", "::1"),
    ("0.0.0.0", "127.0.0.1"),
    ("::", "127.0.0.1"),
    ("127.0.0.1", "::ffff:127.0.0.1"),
)
LONG = (1_150_000, 1_300_000, 1_700_000)  # microseconds: beyond probes.given_up_after, 1 s
SOON = (0, 300, 100_000, 600_000)
GIVES_UP = ("closes", "closes", "shuts down", "ends", "passed", "forked", "time limit")
SYNCNT, SNDTIMEO = (6, 7), (1, 21)  # level and name


class Waiting:
    """A connect that nobody answers: its slot, what is expected of it (world.expect), and the slot of its
    end, after which somebody may change something; None: the process is gone then."""

    def __init__(self, call, error, more, last):
        self.call, self.error, self.more, self.last = call, error, more, last

    def expect(self, w, causes, **about):
        if self.error is None:
            return w.expect_silence(self.call, **self.more)
        return w.expect(self.call, "connect", self.error, causes, **self.more, **about)


def limit(microseconds):
    return struct.pack("=qq", *divmod(microseconds, 1_000_000))


def unanswered(w, ip, port, kind_of=TCP):
    """(victim, Waiting): it gives up after a while, or too soon to be recorded; or the kernel does."""
    how = w.pick("how", [*GIVES_UP, "closes soon", "ends soon", "timed out", "timed out later"])
    if how.startswith("timed out"):
        return timed_out(w, ip, port, how)
    soon = how.endswith("soon")
    pause = w.pick("after", SOON if soon else LONG)
    v = w.actor()
    harmless(w, v)
    v.socket(0, inet(ip, port).family, *kind_of)
    if how == "passed":
        v.do("pair", 2, 3)
    if how == "time limit":
        v.option(0, *SNDTIMEO, limit(pause))
    else:
        v.do("nonblock", 0)
    v.pause()
    call = v.connect(0, inet(ip, port))
    if how == "time limit":
        end = v.do("close", 0)
    elif how in ("passed", "forked"):
        end = by_child(v, how, pause)
    else:
        v.do("sleep", pause)
        verb = "exit" if how.startswith("ends") else "shutdown" if how == "shuts down" else "close"
        end = v.do(verb, *([2] if verb == "exit" else [0, 2] if verb == "shutdown" else [0]))
    more = {"returns": errno.EINPROGRESS, "ends": end, "exits": how.startswith("ends")}
    last = None if more["exits"] else end
    return v, Waiting(call, None if soon else "given_up", more, last)


def by_child(v, how, pause):
    """A child closes the socket, the last one that has it."""
    v.do("fork")
    if how == "passed":
        v.do("close", 0)
        v.do("close", 2)
        v.do("recv", 3, 0)
    v.do("sleep", pause)
    end = v.do("close", 0)
    v.do("end")
    if how == "passed":
        v.do("close", 3)
        v.do("send", 2, 0)
    v.do("close", 0)
    return end


def timed_out(w, ip, port, how):
    """One SYN is repeated, and the kernel gives up after two or three seconds."""
    v = w.actor()
    harmless(w, v)
    v.socket(0, inet(ip, port).family)
    v.option(0, *SYNCNT, 1)
    if how == "timed out":
        v.pause()
        call = v.connect(0, inet(ip, port))
        return v, Waiting(call, errno.ETIMEDOUT, {}, call)
    v.do("nonblock", 0)
    v.pause()
    call = v.connect(0, inet(ip, port))
    end = v.do("ended", 0, 5000)
    more = {"returns": errno.EINPROGRESS, "ends": end}
    return v, Waiting(call, errno.ETIMEDOUT, more, end)


def full_listener(w, has, port):
    """(actor, slot of its bind, backlog): a listener that accepts nothing, to be started; then `fill`."""
    backlog = w.pick("backlog", [0, 0, 1, 3])
    server = w.actor()
    server.socket(1, inet(has, port).family)
    bound = server.bind(1, inet(has, port))
    server.do("listen", 1, backlog)
    server.ready()
    return server, bound, backlog


def fill(w, ip, port, backlog):
    crowd = w.actor()
    for n in range(backlog + 1):
        crowd.socket(n + 1, inet(ip, port).family)
        made = crowd.connect(n + 1, inet(ip, port))
    crowd.ready()
    crowd.do("stay")
    crowd.start()
    check_bound(w, crowd, made)


@kind("no answer: the accept queue is full", needs=["net"], weight=2)
def full(w):
    has, ip = w.pick("addresses", PAIRS)
    port = port_of(w)
    server, bound, backlog = full_listener(w, has, port)
    then = w.pick("then", ["nothing", "nothing", "nothing", "server ends", "server accepts"])
    v, waiting = unanswered(w, ip, port, w.pick("protocol", [TCP, TCP, MPTCP]))
    then = then if waiting.last else "nothing"
    if then != "nothing":
        server.do("wait")
        w.arm(server, waiting.last, "then")
        if then == "server ends":
            server.do("exit", 0)
        server.do("accept", 1, 2)
    server.do("stay")
    server.start()
    check_bound(w, server, bound)
    fill(w, ip, port, backlog)
    others = idle(w, inet("127.0.0.1", port + 1)).holders if w.maybe("the next port", 0.3) else []
    waiting.expect(
        w,
        ["no_answer"],
        holders=[bound],
        optional_holder=then != "nothing",
        others=others,
        address=inet(ip, port),
    )
    return v


@kind("no answer: the host is silent", needs=["net"], weight=2)
def silent_host(w):
    ip, port = lost_packets(w), port_of(w)
    others = []
    if w.maybe("the port is served here", 0.5):
        others = idle(w, inet("::" if ":" in ip else "0.0.0.0", port)).holders
    v, waiting = unanswered(w, ip, port, w.pick("protocol", [TCP, TCP, MPTCP]))
    waiting.expect(w, ["no_answer"], holders=[], others=others, address=inet(ip, port))
    return v


def link(ip):
    net = Interfaces()
    net.veth("v0", "v1")
    net.up("v1")
    net.up("v0")
    net.address("v0", HERE6 if ":" in ip else HERE, nodad=":" in ip)
    return net


def lost_packets(w):
    """An address on a link, of which the card is known, and nobody has it."""
    ip = w.pick("address", [THERE, THERE6])
    link(ip).neighbour("v0", ip)
    return ip


@kind("unreachable: no neighbour", needs=["net"], weight=2)
def no_neighbour(w):
    ip, port = w.pick("address", [THERE, THERE6]), port_of(w)
    link(ip)
    version = "ipv6" if ":" in ip else "ipv4"
    with open(f"/proc/sys/net/{version}/neigh/v0/retrans_time_ms", "w", encoding="ascii") as file:
        file.write(str(w.pick("milliseconds", [60, 100, 200])))
    others = []
    if w.maybe("the port is served here", 0.4):
        others = idle(w, inet("::" if ":" in ip else "0.0.0.0", port)).holders
    v = client(w, ip, port, w.pick("protocol", [TCP, TCP, MPTCP]))
    call, more = attempt(v, inet(ip, port), wait=4000)
    if more and "ends" not in more:  # closed long before
        w.expect_silence(call, **more)
    else:
        w.expect(
            call,
            "connect",
            errno.EHOSTUNREACH,
            ["unreachable"],
            holders=[],
            others=others,
            blames="a router or a packet filter",
            says="does not answer",
            address=inet(ip, port),
            **more,
        )
    return v


def other_host(w, ip, listens):
    """Another host at the end of a link: a network namespace with an address of its own. Its actor has
    paused there."""
    host = w.actor()
    host.do("unshare", NEWNET)
    host.do("lo", 1)
    host.pause()
    bound = listens(host)
    host.ready()
    host.do("stay")
    host.start()
    net = Interfaces()
    net.veth("v0", "v1")
    net.give("v1", host.pid)
    within(host.pid, lambda: (net.up("v1"), net.address("v1", ip, nodad=":" in ip)))
    net.up("v0")
    net.address("v0", HERE6 if ":" in ip else HERE, nodad=":" in ip)
    host.go()
    host.await_said()
    if bound is not None:
        check_bound(w, host, bound)
    return bound


def within(pid, work):
    """Does it in the network namespace of a process, and comes back."""
    mine = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    other = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if LIBC.setns(other, NEWNET) != 0:
            raise Void("setns")
        work()
    finally:
        if LIBC.setns(mine, NEWNET) != 0:
            raise Void("setns: the way back")
        os.close(mine)
        os.close(other)


@kind("refused: by another host", needs=["net"], weight=2)
def by_peer(w):
    ip, port = w.pick("address", [THERE, THERE6]), port_of(w)
    served = w.maybe("it serves the next port", 0.4)

    def listens(host):
        if not served:
            return None
        host.socket(1, inet(ip, port).family)
        made = host.bind(1, inet("::" if ":" in ip else "0.0.0.0", port + 1))
        host.do("listen", 1, 8)
        return made

    other_host(w, ip, listens)
    others = []
    if w.maybe("the port is served here", 0.5):
        others = idle(w, inet("::" if ":" in ip else "0.0.0.0", port)).holders
    # Where it is closed at once nobody knows whether the answer was there before.
    ways = [how for how in HOW if how not in ("ends", "closes")]
    v = client(w, ip, port, w.pick("protocol", [TCP, TCP, MPTCP]), ways)
    call, more = attempt(v, inet(ip, port))
    w.expect_refused(call, ["refused_by_peer"], holders=[], others=others, address=inet(ip, port), **more)
    return v


@kind("no answer: the accept queue of another host is full", needs=["net"])
def full_there(w):
    ip, port = w.pick("address", [THERE, THERE6]), port_of(w)

    def listens(host):
        host.socket(1, inet(ip, port).family)
        made = host.bind(1, inet(ip, port))
        host.do("listen", 1, 0)
        return made

    bound = other_host(w, ip, listens)
    fill(w, ip, port, 0)
    others = []
    if w.maybe("the port is served here", 0.5):
        others = idle(w, inet("127.0.0.1", port)).holders
    v, waiting = unanswered(w, ip, port)
    waiting.expect(
        w, ["no_answer"], holders=[bound], optional_holder=True, others=others, address=inet(ip, port)
    )
    return v


@kind("answered: a connect that gets through", needs=["net"], weight=2)
def answered(w):
    """… of which there is no record, however it was made, and whatever becomes of the socket."""
    has, ip = w.pick("addresses", PAIRS)
    port = port_of(w)
    idle(w, inet(has, port), *w.pick("listener", [TCP, TCP, MPTCP]))
    v = client(w, ip, port, w.pick("protocol", [TCP, TCP, MPTCP]))
    call, more = attempt(v, inet(ip, port))
    w.expect_silence(call, **{"returns": 0, **more})
    return v


@kind("answered: after a while", needs=["net"])
def answered_late(w):
    """The queue was full, and the server accepts before the SYN is repeated."""
    has, ip = w.pick("addresses", PAIRS)
    port = port_of(w)
    server, bound, backlog = full_listener(w, has, port)
    server.do("wait")
    server.do("sleep", w.pick("accepts after", [200_000, 500_000]))
    w.armed.append(server)
    for n in range(backlog + 1):
        server.do("accept", 1, 2 + n)
    server.do("stay")
    server.start()
    check_bound(w, server, bound)
    fill(w, ip, port, backlog)
    v = w.actor()
    harmless(w, v)
    v.socket(0, inet(ip, port).family)
    waits = w.maybe("waits", 0.4)
    if not waits:
        v.do("nonblock", 0)
    v.pause()
    call = v.connect(0, inet(ip, port))
    if waits:
        w.expect_silence(call, returns=0)
    else:
        w.expect_silence(call, ends=v.do("ended", 0, 4000))
    return v


@kind("answered: the other attempt", needs=["net"])
def lost_the_race(w):
    """IPv6 and IPv4 side by side: one gets through, the other one is closed, whenever that is."""
    port = port_of(w)
    lost = lost_packets(w)
    won = w.pick("gets through", ["127.0.0.1", "::1"])
    idle(w, inet(won, port))
    v = w.actor()
    harmless(w, v)
    v.socket(0, inet(lost, port).family)
    v.socket(1, inet(won, port).family)
    v.do("nonblock", 0)
    v.pause()
    call = v.connect(0, inet(lost, port))
    v.do("sleep", w.pick("the next one after", [0, 250_000]))
    v.connect(1, inet(won, port))
    v.do("sleep", w.pick("after", [*LONG, *SOON]))
    w.expect_silence(call, ends=v.do("close", 0))
    return v
