"""bind of TCP, UDP and MPTCP addresses that somebody has, or a connection keeps."""
import errno

from addresses import inet
from holders import DGRAM, FLAGS, STREAM, check_bound, idle, in_flight, make, serve
from kinds import kind
from places import become, harmless

TCP, UDP, MPTCP = (STREAM, 6), (DGRAM, 17), (STREAM, 262)
# holder's and victim's address: pairs that are in each other's way
PAIRS = (
    ("127.0.0.1", "127.0.0.1"),
    ("127.0.0.1", "127.0.0.1"),
    ("0.0.0.0", "127.0.0.1"),
    ("127.0.0.1", "0.0.0.0"),
    ("0.0.0.0", "0.0.0.0"),
    ("::1", "::1"),
    ("::", "::1"),
    ("::", "0.0.0.0"),
    ("0.0.0.0", "::"),
    ("::", "127.0.0.1"),
    ("::ffff:127.0.0.1", "127.0.0.1"),
    ("127.0.0.1", "::ffff:127.0.0.1"),
    ("::ffff:0.0.0.0", "127.0.0.1"),
    ("127.0.0.5", "0.0.0.0"),
    ("::1", "::"),
)


def port_of(w):
    return w.number("port", 1024 + 19000, 32000)


def rehearse(w, ip, port, kind, flags=(), before=None):
    """The decoys alone are not in the way: the victim's own call works without the culprit."""
    trial = w.actor()
    if before:
        before(trial)
    trial.socket(0, inet(ip, port).family, *kind)
    for flag in flags:
        trial.option(0, *FLAGS[flag])
    bound = trial.bind(0, inet(ip, port))
    trial.do("close", 0)
    trial.ready()
    trial.do("exit", 0)
    trial.start()
    check_bound(w, trial, bound)


def inet_decoys(w, victim_ip, held_ip, port, kind):
    others = []
    if w.maybe("the port of the other protocol", 0.3):
        others += idle(w, inet("0.0.0.0", port), *(UDP if kind[0] == STREAM else TCP)).holders
    if w.maybe("the next port", 0.3):
        others += idle(w, inet("127.0.0.1", port + 1), *kind).holders
    if victim_ip == held_ip == "127.0.0.1" and w.maybe("the port on another address", 0.4):
        others += idle(w, inet("127.0.0.9", port), *kind).holders
    if w.maybe("the port in another network namespace", 0.2):
        others += idle(w, inet("0.0.0.0", port), *kind, space="net").holders
    return others


@kind("inet: address is taken", needs=["net"], weight=6)
def taken(w):
    kind_of = w.pick("protocol", [TCP, TCP, UDP, MPTCP])
    mine = w.pick("victim's protocol", [TCP, TCP, MPTCP]) if kind_of != UDP else UDP
    held, wanted = w.pick("addresses", PAIRS)
    port, call = port_of(w), w.slot()
    flags = w.pick("holder's options", [(), (), ("reuseaddr",), ("reuseport",)])
    wish = w.pick("victim's options", [(), (), ("reuseaddr",), ("reuseport",)])
    if kind_of == UDP and flags == wish == ("reuseaddr",) or flags == wish == ("reuseport",):
        wish = ()
    others = inet_decoys(w, wanted, held, port, kind_of) if not flags and not wish else []
    rehearse(w, wanted, port, mine, wish)
    listen = w.pick("listens", [True, True, True, False]) or (flags == wish)
    space = w.pick("holder's namespace", ["", "", "", "pid", "mount"])
    way = w.pick(
        "way",
        ["plain"]
        if space == "pid"
        else ["plain", "plain", "inherited", "both", "passed", "dropped", "child"],
    )
    ending = w.pick("then", ["nothing"] * 5 + ["holder ends", "another takes it"])
    if ending == "nothing":
        holding = serve(w, inet(held, port), *kind_of, flags=flags, listen=listen, way=way, space=space)
    else:
        holding = leaving(w, inet(held, port), kind_of, flags, listen, call)
    v = w.actor()
    harmless(w, v)
    v.socket(0, inet(wanted, port).family, *mine)
    for flag in wish:
        v.option(0, *FLAGS[flag])
    v.pause()
    v.bind(0, inet(wanted, port), slot=call)
    if ending == "another takes it":
        others += follow(w, call, inet(held, port), kind_of)
    w.expect_in_use(
        call,
        ["address_in_use"],
        holders=holding.holders,
        mentions=holding.mentions,
        others=others,
        address=inet(wanted, port),
    )
    return v


def leaving(w, address, kind_of, flags, listen, call):
    holding = serve(w, address, *kind_of, flags=flags, listen=listen, way="plain", start=False)
    holding.actor.do("wait")
    w.arm(holding.actor, call, "end")
    w.released = holding.actor.do("close", 1)
    holding.actor.do("exit", 0)
    holding.actor.start()
    return holding


def follow(w, call, address, kind_of):
    """Another server that takes the address as soon as it is free."""
    heir = w.actor()
    heir.pause()
    heir.do("at", w.released)
    heir.socket(1, address.family, *kind_of)
    bound = heir.bind(1, address)
    heir.do("listen", 1, 8)
    heir.do("sleep", 400000)
    heir.start()
    w.armed.append(heir)
    return [bound]


@kind("inet: who made the shared socket", needs=["net"], weight=2)
def dropped(w):
    """SO_REUSEPORT asks who made the socket, not who has it now."""
    port = port_of(w)
    ports = ("reuseport",)
    shares = serve(w, inet("127.0.0.1", port), flags=ports, way="dropped").holders
    rehearse(w, "0.0.0.0", port, TCP, ports)
    culprit = serve(
        w,
        inet("127.0.0.2", port),
        way=w.pick("way", ["plain", "dropped", "passed"]),
        flags=w.pick("culprit's options", [(), ("reuseaddr",)]),
    )
    v = w.actor()
    v.socket(0, 2, *TCP)
    v.option(0, *FLAGS["reuseport"])
    v.pause()
    call = v.bind(0, inet("0.0.0.0", port))
    w.expect_in_use(
        call,
        ["address_in_use"],
        holders=culprit.holders,
        mentions=culprit.mentions,
        others=shares,
        address=inet("0.0.0.0", port),
    )
    return v


@kind("inet: shared with another user's socket", needs=["net"])
def other_user(w):
    """Both have SO_REUSEPORT, but different users made the sockets."""
    port = port_of(w)
    culprit = serve(w, inet("127.0.0.1", port), flags=("reuseport",), uid=1001, way="plain")
    v = w.actor()
    who = w.pick("as", ["root", "ordinary"])
    become(v, who)
    v.socket(0, 2, *TCP)
    v.option(0, *FLAGS["reuseport"])
    v.pause()
    call = v.bind(0, inet("127.0.0.1", port))
    w.expect_in_use(call, ["address_in_use"], holders=culprit.holders, address=inet("127.0.0.1", port))
    return v


@kind("inet: the socket is in flight", needs=["net"])
def flying(w):
    port, kind_of = port_of(w), w.pick("protocol", [TCP, UDP])
    holding = in_flight(w, inet("127.0.0.1", port), *kind_of)
    v = w.actor()
    harmless(w, v)
    v.socket(0, 2, *kind_of)
    v.pause()
    call = v.bind(0, inet("127.0.0.1", port))
    w.expect_in_use(call, ["address_in_use"], mentions=holding.mentions, address=inet("127.0.0.1", port))
    return v


def connection(w, port):
    """A server on `port` with one client; (server, slots: bind, accept; client, slot of its connect)."""
    server = w.actor()
    server.socket(1, 2)
    server.option(1, *FLAGS["reuseaddr"])
    bound = server.bind(1, inet("127.0.0.1", port))
    server.do("listen", 1, 8)
    server.pause()
    server.do("accept", 1, 2)
    server.do("close", 1)
    return server, bound


@kind("inet: a connection keeps the port", needs=["net"], weight=2)
def kept(w):
    port = port_of(w)
    whose = w.pick("whose", ["server's child", "client"])
    server, bound = connection(w, port)
    server.ready()
    server.do("stay")
    server.start()
    server.go()
    client = w.actor()
    client.socket(1, 2)
    own = port + 7
    if whose == "client":
        client.bind(1, inet("127.0.0.1", own))
    made = client.connect(1, inet("127.0.0.1", port))
    client.ready()
    client.do("stay")
    client.start()
    server.await_said()
    v = w.actor()
    harmless(w, v)
    v.socket(0, 2)
    v.pause()
    wanted = inet(w.pick("wanted", ["127.0.0.1", "0.0.0.0"]), own if whose == "client" else port)
    call = v.bind(0, wanted)
    w.expect_in_use(
        call,
        ["connection_still_open"],
        address=wanted,
        holders=[made] if whose == "client" else [bound],
        mentions=[made, bound],
    )
    return v


@kind("inet: TIME_WAIT", needs=["net"], weight=2)
def time_wait(w):
    port = port_of(w)
    server, bound = connection(w, port)
    closed = server.do("close", 2)  # closes first
    server.ready()
    if w.maybe("server stays", 0.4):
        server.do("stay")
    server.do("exit", 0)
    server.start()
    server.go()
    client = w.actor()
    client.socket(1, 2)
    client.connect(1, inet("127.0.0.1", port))
    client.do("at", closed)
    client.do("sleep", 5000)
    client.do("close", 1)
    client.ready()
    client.do("exit", 0)
    client.start(wait=False)
    server.await_said()
    client.await_said()
    v = w.actor()
    harmless(w, v)
    v.socket(0, 2)
    v.pause()
    wanted = inet(w.pick("wanted", ["127.0.0.1", "0.0.0.0"]), port)
    call = v.bind(0, wanted)
    w.expect_in_use(
        call,
        ["address_in_time_wait"],
        address=wanted,
        mentions=[bound],
        holders=[bound],
        optional_holder=True,
    )
    return v


@kind("inet: taken by the caller itself", needs=["net"])
def itself(w):
    """The program binds twice, or forgot to close: the holder is the caller."""
    port, kind_of = port_of(w), w.pick("protocol", [TCP, UDP])
    v = w.actor()
    harmless(w, v)
    v.socket(1, 2, *kind_of)
    first = v.bind(1, inet("127.0.0.1", port))
    if kind_of == TCP and w.maybe("listens", 0.5):
        v.do("listen", 1, 8)
    v.socket(0, 2, *kind_of)
    v.pause()
    wanted = inet(w.pick("wanted", ["127.0.0.1", "0.0.0.0"]), port)
    call = v.bind(0, wanted)
    w.expect(call, "bind", errno.EADDRINUSE, ["address_in_use"], holders=[first], address=wanted)
    return v


@kind("listen: another one listens already", needs=["net"])
def second_listener(w):
    """Both could bind (SO_REUSEADDR), one of them listens: the other's listen is refused."""
    port, flags = port_of(w), ("reuseaddr",)
    v = w.actor()
    v.socket(0, 2, *TCP)
    v.option(0, *FLAGS["reuseaddr"])
    v.bind(0, inet("127.0.0.1", port))
    v.pause()
    server = w.actor()
    bound = make(server, 1, inet("127.0.0.1", port), *TCP, flags, listen=False)
    server.pause()
    server.do("listen", 1, 8)
    server.do("sleep", w.pick("moment", [300000, 0, 2000]))
    server.ready()
    server.do("stay")
    server.start()
    w.befores.append(server)
    if w.ingredients["moment"]:
        w.not_quiet()
    call = v.do("listen", 0, 8)
    w.expect(call, "listen", errno.EADDRINUSE, ["address_in_use"], holders=[bound])
    return v
