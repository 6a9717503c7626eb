"""Datagrams to a path or an abstract name that do not get there: sendto, sendmsg, sendmmsg on AF_UNIX."""
import errno
import os

from actor import MS_BIND, SENDS
from addresses import abstract, unix
from holders import DGRAM, SEQPACKET, STREAM, check_bound, idle, leave, own_file, serve
from kinds import kind
from kinds.names import odd_name
from kinds.path_bind import causes_of, decoys, occupy, then
from kinds.path_connect import missing_component, then_made
from places import approach, choose, harmless
from world import mount

MSG_DONTWAIT = 0x40


def sender(w, place=None):
    v = w.actor()
    if place:
        approach(w, v, place)
    harmless(w, v)
    v.socket(0, 1, DGRAM)
    v.pause()
    return v


def send(w, v, address):
    """(slot, verb)"""
    verb = w.pick("call", SENDS)
    size = w.pick("bytes", [1, 0, 100, 1000])
    return v.send_to(verb, 0, address, size, w.pick("flags", [0, MSG_DONTWAIT])), verb


def another_server(address):
    """Steps of an actor that comes and receives there."""
    return (
        ("socket", 5, 1, int(DGRAM), 0),
        ("bind", 5, address.raw, address.length),
        ("sleep", 300000),
    )


@kind("send: the path is missing", weight=2)
def missing(w):
    place = choose(w, long=False)
    what = w.pick("what", ["name", "name", "folder", "file in between", "dangling link"])
    last = []
    if what == "name" and w.maybe("was there", 0.5):
        last = [leave(w, place.real(), DGRAM)]
        os.unlink(place.path)
    other = decoys(w, place) if what == "name" else []
    names = missing_component(w, place, what)
    v = w.actor()
    styles = ["absolute", "absolute", "relative", "procfd"] if what == "name" else ["absolute"]
    approach(w, v, place, styles)
    harmless(w, v)
    v.socket(0, 1, DGRAM)
    v.pause()
    call, verb = send(w, v, place.address())
    then_made(w, call, what, place)
    w.expect(
        call,
        verb,
        errno.ENOTDIR if what == "file in between" else errno.ENOENT,
        ["path_missing"],
        names=names + [place.called if what == "name" else names[0]],
        mentions=last + other,
        address=place.address(),
    )
    return v


@kind("send: stale socket file", weight=2)
def stale(w):
    """A service manager or a log daemon that has ended and left its socket."""
    place = choose(w)
    bound = leave(w, place.real(), DGRAM)
    other = decoys(w, place)
    os.chmod(place.path, 0o777)
    v = sender(w, place)
    call, verb = send(w, v, place.address())
    then(w, call, place)
    w.expect(
        call,
        verb,
        errno.ECONNREFUSED,
        causes_of(place, "stale_socket"),
        holders=[bound],
        optional_holder=True,
        others=other,
        address=place.address(),
    )
    return v


@kind("send: something else is there")
def occupied(w):
    place = choose(w)
    occupy(w, place, w.pick("what", ["file", "directory", "fifo"]))
    os.chmod(place.path, 0o777)
    v = sender(w, place)
    call, verb = send(w, v, place.address())
    then(w, call, place, ["nothing", "nothing", "unlinked", "stolen", "link", "covered"])
    w.expect(
        call,
        verb,
        errno.ECONNREFUSED,
        causes_of(place, "path_occupied"),
        names=[place.path, place.called],
        address=place.address(),
    )
    return v


@kind("send: nobody has the abstract name", needs=["net"], weight=2)
def nobody(w):
    name = odd_name(w)
    where = w.pick("where is it", ["nowhere", "another network namespace", "another type", "looks alike"])
    found, mentions, causes = [], [], ["nothing_listens"]
    if where == "another network namespace":
        found = serve(w, abstract(name), DGRAM, space="net", way="plain").holders
        causes = ["served_in_other_namespace", "nothing_listens"]
    elif where == "another type":
        found = serve(w, abstract(name), w.pick("type", [STREAM, SEQPACKET]), way="plain").holders
    elif where == "looks alike":
        idle(w, abstract(name + b"\0"), DGRAM)
    v = sender(w)
    call, verb = send(w, v, abstract(name))
    if where != "another type" and w.pick("then", ["nothing", "nothing", "a server comes"]) != "nothing":
        w.after(call, *another_server(abstract(name)), name="then")
    w.expect(
        call,
        verb,
        errno.ECONNREFUSED,
        causes,
        holders=found,
        mentions=mentions,
        holder_of=["served_in_other_namespace"],
        optional_holder=where != "another network namespace",
        address=abstract(name),
    )
    return v


def receiver(w, address, folder=None):
    """Somebody who has the address and reads nothing: (actor, slot of the bind), to be started."""
    server = w.actor()
    server.socket(1, 1, DGRAM)
    bound = server.bind(1, address)
    if folder:
        server.do("chmod", folder, 0o777)
    server.ready()
    return server, bound


def short_queues(w):
    """Of the sockets that this network namespace makes from now on."""
    with open("/proc/sys/net/unix/max_dgram_qlen", "w", encoding="ascii") as file:
        file.write(str(w.pick("longest queue", [10, 0, 1, 30])))


@kind("send: the queue is full", needs=["net"], weight=3)
def queue_full(w):
    """A log daemon that does not read; or the sender's own datagrams fill its buffer before."""
    place = choose(w, long=False)
    address = w.pick("address", [place.real(), place.real(), abstract(w.token.encode())])
    path = place.path if address.kind == "path" else None
    w.ingredients["address"] = address.kind
    short_queues(w)
    full = w.pick("full", ["the queue", "the queue", "the queue", "the sender's buffer"])
    ending = w.pick("then", ["nothing", "nothing", "nothing", "receiver ends", "unlinked"])
    server, bound = receiver(w, address, path)
    call = w.slot()
    if ending == "receiver ends":
        server.do("wait")
        w.arm(server, call, "then")
        server.do("exit", 0)
    server.do("stay")
    server.start()
    check_bound(w, server, bound)
    if full == "the queue":
        crowd = w.actor()
        crowd.socket(1, 1, DGRAM)
        crowd.send_to("fill", 1, address)
        crowd.ready()
        if w.maybe("who filled it stays", 0.5):
            crowd.do("stay")
        crowd.do("exit", 0)
        crowd.start()
    connected = w.maybe("connected", 0.4)
    v = w.actor()
    if path and not connected:
        approach(w, v, place)
        address = place.address()
    harmless(w, v)
    v.socket(0, 1, DGRAM)
    if full != "the queue":
        v.option(0, 1, 7, 4096)
    if connected:
        v.connect(0, address)
    if full != "the queue":
        v.send_to("fill", 0, None if connected else address, 1000)
    v.pause()
    verb = w.pick("call", SENDS)
    limit = w.pick("by", ["flag", "flag", "non-blocking", "time limit"])
    if limit == "time limit":
        v.option(0, 1, 21, b"\0" * 8 + (20000).to_bytes(8, "little"))
    elif limit == "non-blocking":
        v.do("nonblock", 0)
    v.do(
        verb,
        0,
        *((b"", 0) if connected else (address.raw, address.length)),
        1000,
        MSG_DONTWAIT if limit == "flag" else 0,
        slot=call,
    )
    if ending == "unlinked" and path:
        w.after(call, ("unlink", path), name="then")
    w.expect(
        call,
        verb,
        errno.EAGAIN,
        ["accept_queue_full"],
        holders=[bound],
        optional_holder=ending != "nothing",
        address=address,
    )
    return v


@kind("send: its peer has gone")
def peer_gone(w):
    """syslog() connects once; then the daemon ends, or is started anew."""
    place = choose(w, long=False)
    address = w.pick("address", [place.real(), abstract(w.token.encode())])
    w.ingredients["address"] = address.kind
    server, bound = receiver(w, address, place.path if address.kind == "path" else None)
    server.do("wait")
    server.do("close", 1)
    if w.maybe("is back", 0.4):
        if address.kind == "path":
            server.do("unlink", place.path)
        server.socket(2, 1, DGRAM)
        server.bind(2, address)
    server.do("sleep", w.pick("moment", [40000, 0, 1000, 10000]))
    server.ready()
    if w.maybe("the process stays", 0.5):
        server.do("stay")
    server.do("exit", 0)
    server.start()
    check_bound(w, server, bound)
    w.befores.append(server)
    w.not_quiet()
    v = w.actor()
    harmless(w, v)
    v.socket(0, 1, DGRAM)
    v.connect(0, address)
    v.pause()
    call, verb = send(w, v, None)
    if w.maybe("once more", 0.4):
        v.send_to(w.pick("then", SENDS), 0)  # ENOTCONN
    w.expect(
        call,
        verb,
        errno.ECONNREFUSED,
        ["nothing_listens"],
        holders=[bound],
        optional_holder=True,
    )
    return v


@kind("send: another type of socket", weight=0.5)
def prototype(w):
    place = choose(w, long=False)
    holding = serve(w, place.real(), w.pick("type", [STREAM, SEQPACKET]), way="plain")
    os.chmod(place.path, 0o777)
    v = sender(w, place)
    call, verb = send(w, v, place.address())
    w.expect(call, verb, errno.EPROTOTYPE, ["unknown"], mentions=holding.holders, address=place.address())
    return v


@kind("send: the receiver talks with another", weight=0.5)
def may_not_send(w):
    place = choose(w, long=False)
    friend = idle(w, unix(f"{w.dir}/friend"), DGRAM)
    server, bound = receiver(w, place.real(), place.path)
    server.connect(1, unix(f"{w.dir}/friend"))
    server.ready()
    server.do("stay")
    server.start()
    server.await_said()
    v = sender(w, place)
    call, verb = send(w, v, place.address())
    w.expect(
        call, verb, errno.EPERM, ["unknown"], mentions=[bound, *friend.holders], address=place.address()
    )
    return v


@kind("send: served in another mount namespace")
def elsewhere(w):
    """PrivateTmp: the receiver's folder is covered for it, or for the sender."""
    place = choose(w, long=False)
    who = w.pick("covered for", ["receiver", "sender"])
    server = w.actor()
    if who == "receiver":
        server.enter("mount")
        server.do("mount", "none", place.folder, "tmpfs", 0, "mode=755")
    server.socket(1, 1, DGRAM)
    bound = server.bind(1, place.real())
    server.do("chmod", place.path, 0o777)
    server.ready()
    server.do("stay")
    server.start()
    v = w.actor()
    if who == "sender":
        v.enter("mount")
        v.do("mount", "none", place.folder, "tmpfs", 0, "mode=755")
    approach(w, v, place, ["absolute", "relative", "link"])
    harmless(w, v)
    v.socket(0, 1, DGRAM)
    v.pause()
    call, verb = send(w, v, place.address())
    w.expect(
        call,
        verb,
        errno.ENOENT,
        ["served_in_other_namespace", "path_missing"],
        holders=[bound],
        holder_of=["served_in_other_namespace"],
        address=place.address(),
    )
    return v


@kind("send: mount of a removed socket file", needs=["mounts"])
def mounted(w):
    """docker -v /run/systemd/journal/dev-log:/dev/log: the daemon makes a new file, the mount has the old."""
    place = choose(w, long=False)
    source = unix(f"{w.folder('run')}/s")
    old = leave(w, source, DGRAM)
    own_file(place.path)
    os.chmod(f"{w.dir}/run/s", 0o777)
    mount(f"{w.dir}/run/s", place.path, None, MS_BIND)
    os.unlink(f"{w.dir}/run/s")
    new = serve(w, source, DGRAM, way="plain").holders if w.maybe("server is back", 0.8) else []
    v = w.actor()
    approach(w, v, place, ["absolute", "relative", "link"])
    harmless(w, v)
    v.socket(0, 1, DGRAM)
    v.pause()
    call, verb = send(w, v, place.address())
    w.expect(
        call,
        verb,
        errno.ECONNREFUSED,
        ["mounted_socket_gone"] + ([] if new else ["stale_socket"]),
        holders=new + [old],
        optional_holder=True,
        mentions=[old, *new],
        address=place.address(),
    )
    return v


@kind("send: it arrives")
def arrives(w):
    """… of which there is no record, with an address or without one."""
    place = choose(w, long=False)
    address = w.pick("address", [place.real(), abstract(w.token.encode())])
    w.ingredients["address"] = address.kind
    server, bound = receiver(w, address, place.path if address.kind == "path" else None)
    server.do("stay")
    server.start()
    check_bound(w, server, bound)
    connected = w.maybe("connected", 0.4)
    v = w.actor()
    harmless(w, v)
    v.socket(0, 1, DGRAM)
    if connected:
        v.connect(0, address)
    v.pause()
    call, verb = send(w, v, None if connected else address)
    w.expect_silence(call, returns=0, call=verb)
    return v
