"""connect to a path: refused by what is there, or nothing there at all."""
import errno
import os
import stat

from actor import MS_BIND
from addresses import unix
from holders import DGRAM, SEQPACKET, STREAM, idle, leave, own_file, path_type, serve
from kinds import kind
from kinds.path_bind import causes_of, decoys, occupy, then, victim
from places import approach, become, choose, harmless
from world import mount


@kind("connect: stale socket file", weight=2)
def stale(w):
    place = choose(w)
    kind_of = path_type(w)
    bound = leave(w, place.real(), kind_of)
    other = decoys(w, place)
    v = victim_of_any_rights(w, place, kind_of)
    call = v.connect(0, place.address())
    then(w, call, place)
    w.expect_refused(
        call,
        causes_of(place, "stale_socket"),
        holders=[bound],
        optional_holder=True,
        others=other,
        address=place.address(),
    )
    return v


def victim_of_any_rights(w, place, kind_of=STREAM):
    """connect needs write permission on the object: with it, whoever calls."""
    os.chmod(place.path, 0o777)
    return victim(w, place, kind_of)


@kind("connect: bound, not listening")
def not_listening(w):
    place = choose(w)
    kind_of = w.pick("type", [STREAM, SEQPACKET])
    holding = serve(w, place.real(), kind_of, listen=False)
    v = victim_of_any_rights(w, place, kind_of)
    call = v.connect(0, place.address())
    then(w, call, place, ["nothing", "nothing", "unlinked", "chmod"])
    w.expect_refused(
        call,
        causes_of(place, "nothing_listens"),
        holders=holding.holders,
        mentions=holding.mentions,
        optional_holder=True,
        address=place.address(),
    )
    return v


@kind("connect: something else is there")
def occupied(w):
    place = choose(w)
    what = w.pick("what", ["file", "directory", "fifo"])
    occupy(w, place, what)
    v = victim_of_any_rights(w, place)
    call = v.connect(0, place.address())
    then(w, call, place, ["nothing", "nothing", "unlinked", "stolen", "link", "covered"])
    w.expect_refused(
        call, causes_of(place, "path_occupied"), names=[place.path, place.called], address=place.address()
    )
    return v


@kind("connect: another type of socket", weight=0.5)
def prototype(w):
    place = choose(w, long=False)
    holding = serve(w, place.real(), STREAM, way="plain")
    v = victim_of_any_rights(w, place, w.pick("type", [DGRAM, SEQPACKET]))
    call = v.connect(0, place.address())
    w.expect(
        call, "connect", errno.EPROTOTYPE, ["unknown"], mentions=holding.holders, address=place.address()
    )
    return v


@kind("connect: datagram peer talks with another", weight=0.5)
def may_not_send(w):
    place = choose(w, long=False)
    friend = idle(w, unix(f"{w.dir}/friend"), DGRAM)
    server = w.actor()
    server.socket(1, 1, DGRAM)
    bound = server.bind(1, place.real())
    server.connect(1, unix(f"{w.dir}/friend"))
    server.ready()
    server.do("stay")
    server.start()
    v = victim_of_any_rights(w, place, DGRAM)
    call = v.connect(0, place.address())
    w.expect(
        call, "connect", errno.EPERM, ["unknown"], mentions=[bound, *friend.holders], address=place.address()
    )
    return v


@kind("connect: accept queue is full", weight=2)
def queue_full(w):
    place = choose(w, long=False)
    backlog = w.pick("backlog", [0, 0, 1, 3])
    server = w.actor()
    server.socket(1, 1, w.pick("type", [STREAM, SEQPACKET]))
    bound = server.bind(1, place.real())
    server.do("listen", 1, backlog)
    server.ready()
    server.do("stay")
    server.start()
    os.chmod(place.path, 0o777)
    crowd = w.actor()
    for n in range(backlog + 1):
        crowd.socket(n + 1, 1, w.pick("type", [STREAM, SEQPACKET]))
        crowd.connect(n + 1, place.real())
    crowd.ready()
    crowd.do("stay")
    crowd.start()
    v = w.actor()
    approach(w, v, place)
    harmless(w, v)
    v.socket(0, 1, w.pick("type", [STREAM, SEQPACKET]))
    if w.pick("by", ["non-blocking", "time limit"]) == "time limit":
        v.option(0, 1, 21, b"\0" * 8 + (20000).to_bytes(8, "little"))
    else:
        v.do("nonblock", 0)
    v.pause()
    call = v.connect(0, place.address())
    if w.pick("then", ["nothing", "nothing", "server ends"]) == "server ends":
        w.after(call, ("unlink", place.path), name="then")
    w.expect(call, "connect", errno.EAGAIN, ["accept_queue_full"], holders=[bound], address=place.address())
    return v


def missing_component(w, place, what):
    """Takes something off the way; the components that may be named."""
    if what == "name":
        return [place.path, place.called]
    if what == "folder":
        names = place.folder[len(str(w.dir)) + 1 :].split("/")
        gone = w.number("which", 0, len(names) - 1)
        cut = f"{w.dir}/" + "/".join(names[: gone + 1])
        for n in range(len(names), gone, -1):
            os.rmdir(f"{w.dir}/" + "/".join(names[:n]))
        return [cut]
    if what == "file in between":
        os.rmdir(place.folder)
        own_file(place.folder)
        return [place.folder]
    os.rmdir(place.folder)
    os.symlink(f"{w.dir}/gone", place.folder)
    return [place.folder, f"{w.dir}/gone"]


@kind("path is missing", weight=4)
def missing(w):
    place = choose(w, long=False)
    verb = w.pick("call", ["connect", "bind"])
    what = w.pick(
        "what", ["folder", "folder", "file in between", "dangling link"] + ["name"] * (verb == "connect") * 3
    )
    last = []
    if what == "name" and w.maybe("was there", 0.5):
        last = [leave(w, place.real())]
        os.unlink(place.path)
    other = decoys(w, place) if what == "name" else []
    names = missing_component(w, place, what)
    v = w.actor()
    approach(
        w,
        v,
        place,
        ["absolute", "absolute", "relative", "procfd", "chroot"]
        if what == "name"
        else ["absolute", "chroot"],
    )
    harmless(w, v)
    v.socket(0, 1)
    v.pause()
    call = (v.bind if verb == "bind" else v.connect)(0, place.address())
    then_made(w, call, what, place)
    inside = [
        name[len(str(w.dir)) :] for name in names if place.style == "chroot" and name.startswith(str(w.dir))
    ]
    w.expect(
        call,
        verb,
        errno.ENOTDIR if what == "file in between" else errno.ENOENT,
        ["path_missing"],
        names=names + inside + [place.called if what == "name" else names[0]],
        mentions=last + other,
        address=place.address(),
    )
    return v


def then_made(w, call, what, place):
    if w.pick("then", ["nothing", "nothing", "nothing", "made"]) != "made":
        return
    if what == "name":
        w.after(call, ("mknod", place.path, stat.S_IFSOCK | 0o777), name="then")
    elif what == "folder":
        names = place.folder[len(str(w.dir)) + 1 :].split("/")
        w.after(
            call,
            *[("mkdir", f"{w.dir}/" + "/".join(names[: n + 1]), 0o755) for n in range(len(names))],
            name="then",
        )
    else:
        w.after(call, ("unlink", place.folder), ("mkdir", place.folder, 0o755), name="then")


@kind("path is served in another mount namespace", weight=2)
def elsewhere(w):
    """PrivateTmp, a container's tmpfs: the server's folder is covered for it, or for the victim."""
    place = choose(w, long=False)
    who = w.pick("covered for", ["server", "victim"])
    server = w.actor()
    if who == "server":
        server.enter("mount")
        server.do("mount", "none", place.folder, "tmpfs", 0, "mode=755")
    server.socket(1, 1)
    bound = server.bind(1, place.real())
    server.do("chmod", place.path, 0o777)
    server.do("listen", 1, 8)
    server.ready()
    server.do("stay")
    server.start()
    v = w.actor()
    if who == "victim":
        v.enter("mount")
        v.do("mount", "none", place.folder, "tmpfs", 0, "mode=755")
    approach(w, v, place, ["absolute", "relative", "link"])
    harmless(w, v)
    v.socket(0, 1)
    v.pause()
    call = v.connect(0, place.address())
    w.expect(
        call,
        "connect",
        errno.ENOENT,
        ["served_in_other_namespace", "path_missing"],
        holders=[bound],
        holder_of=["served_in_other_namespace"],
        address=place.address(),
    )
    return v


@kind("mount of a removed socket file", needs=["mounts"], weight=2)
def mounted(w):
    """docker -v /run/app.sock: the server makes a new file, the mount shows the old one."""
    place = choose(w, long=False)
    source = unix(f"{w.folder('run')}/s")
    old = leave(w, source)
    own_file(place.path)
    os.chmod(f"{w.dir}/run/s", 0o777)
    mount(f"{w.dir}/run/s", place.path, None, MS_BIND)
    os.unlink(f"{w.dir}/run/s")
    new = serve(w, source, way="plain").holders if w.maybe("server is back", 0.8) else []
    v = w.actor()
    approach(w, v, place, ["absolute", "relative", "link"])
    become(v, w.pick("as", ["root", "ordinary"]))
    v.socket(0, 1)
    v.pause()
    verb = w.pick("call", ["connect", "connect", "connect", "bind"])
    call = (v.bind if verb == "bind" else v.connect)(0, place.address())
    best = ["mounted_socket_gone"] + (["stale_socket"] if not new or verb == "bind" else [])
    w.expect(
        call,
        verb,
        errno.EADDRINUSE if verb == "bind" else errno.ECONNREFUSED,
        best,
        holders=new + [old],
        optional_holder=True,
        mentions=[old, *new],
        address=place.address(),
    )
    return v
