"""connect over TCP and UDP: refused, unreachable, or not even tried."""
import errno

from addresses import inet
from holders import DGRAM, FLAGS, STREAM, check_bound, idle, serve
from kinds import kind
from kinds.inet_bind import inet_decoys, port_of
from netlink import Interfaces
from places import harmless

TCP, UDP, MPTCP = (STREAM, 6), (DGRAM, 17), (STREAM, 262)


# How a connect is made, and who learns how it ended. Only "waits" and "Fast Open" wait for it.
HOW = ("waits", "waits", "waits", "polls", "asks again", "ends", "closes", "passed", "forked", "Fast Open")


def client(w, ip, port, kind_of=TCP, ways=HOW):
    """A victim that has paused before its call; `attempt` makes it."""
    v = w.actor()
    harmless(w, v)
    v.socket(0, inet(ip, port).family, *kind_of)
    how = w.pick("how", ways) if kind_of[0] == STREAM else "waits"
    v.how = how = "waits" if how == "Fast Open" and kind_of == MPTCP else how
    if how == "passed":
        v.do("pair", 2, 3)
    if how not in ("waits", "Fast Open"):
        v.do("nonblock", 0)
    v.pause()
    return v


def attempt(v, address, wait=2000):
    """(slot, more): the call, and what is expected of it beside its end (World.expect). With "returns" and
    without "ends" nobody has waited for the end."""
    if v.how == "Fast Open":
        return v.do("fastopen", 0, address.raw, address.length), {}
    call = v.connect(0, address)
    if v.how == "waits":
        return call, {}
    more = {"returns": errno.EINPROGRESS}
    if v.how == "polls":
        more["ends"] = v.do("ended", 0, wait)
    elif v.how == "asks again":
        v.do("poll", 0, wait)
        more["ends"] = v.ask_again(0, address)
    elif v.how == "ends":
        v.do("exit", 0)
    elif v.how == "closes":
        v.do("close", 0)
    else:
        more["ends"] = by_child(v, wait)
    return call, more


def by_child(v, wait):
    """A child, which has the socket too or is sent it, learns how it went."""
    v.do("fork")
    if v.how == "passed":
        v.do("close", 0)
        v.do("close", 2)
        v.do("recv", 3, 0)
    end = v.do("ended", 0, wait)
    v.do("end")
    if v.how == "passed":
        v.do("close", 3)
        v.do("send", 2, 0)
    v.do("close", 0)
    return end


@kind("refused: nobody listens", needs=["net"], weight=3)
def nothing_listens(w):
    ip, port = w.pick("address", ["127.0.0.1", "::1", "127.0.0.3", "::ffff:127.0.0.1", "0.0.0.0"]), port_of(w)
    before = w.pick("before", ["nobody", "nobody", "was served", "bound only"])
    found, mentions = [], []
    if before == "was served":
        old = w.actor()
        old.socket(1, inet(ip, port).family)
        mentions = [old.bind(1, inet(ip, port))]
        old.do("listen", 1, 8)
        old.ready()
        old.do("exit", 0)
        old.start()
        check_bound(w, old, mentions[0])
    elif before == "bound only":
        found = serve(w, inet(ip, port), listen=False, way="plain").holders
    if w.maybe("the port of UDP", 0.3):
        idle(w, inet("0.0.0.0", port), *UDP)
    if w.maybe("the next port", 0.3):
        idle(w, inet("127.0.0.1", port + 1))
    v = client(w, ip, port, w.pick("protocol", [TCP, TCP, MPTCP]))
    call, more = attempt(v, inet(ip, port))
    if before != "bound only" and w.pick("then", ["nothing", "nothing", "a server comes"]) != "nothing":
        server = inet(ip, port)
        w.after(
            call,
            ("socket", 5, server.family, 1, 0),
            ("bind", 5, server.raw, server.length),
            ("listen", 5, 8),
            ("sleep", 300000),
            name="then",
        )
    # What ends later is told with the address of the socket, where nothing but loopback is 0.0.0.0.
    shown = "127.0.0.1" if ip == "0.0.0.0" and v.how != "waits" else ip
    w.expect_refused(
        call,
        ["nothing_listens"],
        holders=found,
        mentions=mentions + found,
        optional_holder=True,
        address=inet(shown, port),
        **more,
    )
    return v


@kind("refused: it listens on another address", needs=["net"], weight=3)
def other_address(w):
    has, wanted = w.pick(
        "addresses",
        [("127.0.0.1", "127.0.0.2"), ("127.0.0.1", "::1"), ("::1", "127.0.0.1"), ("127.0.0.9", "127.0.0.1")],
    )
    port = port_of(w)
    kind_of = w.pick("protocol", [TCP, TCP, MPTCP])
    holding = serve(
        w, inet(has, port), *kind_of, way=w.pick("way", ["plain", "plain", "passed", "inherited"])
    )
    others = inet_decoys(w, "", "", port, TCP)
    v = client(w, wanted, port)
    call, more = attempt(v, inet(wanted, port))
    w.expect_refused(
        call,
        ["listens_on_other_address", "nothing_listens"],
        holders=holding.holders,
        holder_of=["listens_on_other_address"],
        mentions=holding.mentions,
        others=others,
        address=inet(wanted, port),
        **more,
    )
    return v


@kind("refused: served in another network namespace", needs=["net"], weight=2)
def other_namespace(w):
    ip, port = w.pick("address", ["127.0.0.1", "::1"]), port_of(w)
    holding = serve(
        w, inet(w.pick("it has", [ip, "0.0.0.0" if "." in ip else "::"]), port), space="net", way="plain"
    )
    v = client(w, ip, port)
    call, more = attempt(v, inet(ip, port))
    w.expect_refused(
        call,
        ["served_in_other_namespace", "nothing_listens"],
        holders=holding.holders,
        holder_of=["served_in_other_namespace"],
        address=inet(ip, port),
        **more,
    )
    return v


@kind("unreachable: no route", needs=["net"], weight=2)
def no_route(w):
    ip, port = w.pick("address", ["192.0.2.9", "2001:db8::9", "198.51.100.1"]), port_of(w)
    kind_of = w.pick("protocol", [TCP, TCP, UDP])
    net = Interfaces()
    route = w.pick("route", ["none", "none", "unreachable", "prohibit", "interface is down"])
    error = errno.ENETUNREACH
    if route == "interface is down":
        ip = "fd00:9::9" if ":" in ip else "10.9.9.9"
        net.veth("v0", "v1")
        net.address("v0", "fd00:9::1" if ":" in ip else "10.9.9.1", nodad=":" in ip)
    elif route != "none":
        net.route(ip, {"unreachable": 7, "prohibit": 8}[route])
        error = errno.EHOSTUNREACH if route == "unreachable" else errno.EACCES
    v = client(w, ip, port, kind_of)
    call = v.connect(0, inet(ip, port))  # fails at once, blocking or not
    causes = ["unreachable"] if route != "prohibit" else ["policy_denied", "unreachable"]
    w.expect(
        call,
        "connect",
        error,
        causes,
        policy=["route"] if route == "prohibit" else None,
        names=["v0"] if route == "interface is down" else None,
        address=inet(ip, port),
    )
    return v


@kind("connect: broadcast without leave", needs=["net"])
def broadcast(w):
    ip, port = w.pick("address", ["127.255.255.255", "255.255.255.255"]), port_of(w)
    v = w.actor()
    harmless(w, v)
    v.socket(0, 2, *UDP)
    if ip == "255.255.255.255":
        v.bind(0, inet("127.0.0.1", 0))
    v.pause()
    call = v.connect(0, inet(ip, port))
    w.expect(call, "connect", errno.EACCES, ["broadcast_denied"], address=inet(ip, port))
    return v


@kind("connect: the connection exists", needs=["net"], weight=2)
def exists(w):
    """Two sockets bound to one port (SO_REUSEADDR), to one peer: the four numbers are taken."""
    port, own = port_of(w), port_of(w) + 50
    server = idle(w, inet("127.0.0.1", port)).holders
    first = w.actor()
    first.socket(1, 2)
    first.option(1, *FLAGS["reuseaddr"])
    first.bind(1, inet("127.0.0.1", own))
    made = first.connect(1, inet("127.0.0.1", port))
    first.ready()
    first.do("stay")
    first.start()
    check_bound(w, first, made)
    v = w.actor()
    harmless(w, v)
    v.socket(0, 2)
    v.option(0, *FLAGS["reuseaddr"])
    v.bind(0, inet("127.0.0.1", own))
    v.pause()
    call = v.connect(0, inet("127.0.0.1", port))
    w.expect(
        call,
        "connect",
        errno.EADDRNOTAVAIL,
        ["connection_exists"],
        holders=[made],
        mentions=server,
        address=inet("127.0.0.1", port),
    )
    return v
