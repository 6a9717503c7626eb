"""bind of a path that is there already: a live server's, a stale one, or no socket at all."""
import os
import stat

from addresses import unix
from holders import STREAM, check_bound, idle, in_flight, leave, make, own_file, path_type, serve
from kinds import kind
from places import approach, choose, harmless

ENDINGS = (
    "nothing",
    "nothing",
    "nothing",
    "nothing",
    "unlinked",
    "file instead",
    "renamed",
    "chmod",
    "stolen",
    "link",
    "covered",
)
IN_USE = ("address_in_use",)


def causes_of(place, *causes):
    """A name of 108 bytes may be a longer one that was cut."""
    return [*causes, "path_truncated"] if len(place.called.encode()) == 108 else list(causes)


def then(w, call, place, endings=ENDINGS):
    """What somebody does with the path right after the call."""
    what = w.pick("then", endings)
    path = place.path
    if what == "unlinked":
        w.after(call, ("unlink", path), name="then")
    elif what == "file instead":
        w.after(call, ("unlink", path), ("mknod", path, stat.S_IFREG | 0o644), name="then")
    elif what == "renamed":
        w.after(call, ("rename", path, path[:-2] + "~"), name="then")
    elif what == "chmod":
        w.after(call, ("chmod", place.folder, 0o700), name="then")
    elif what == "stolen":
        after = w.after_bind = unix(path, place.nul)
        w.after(
            call,
            ("unlink", path),
            ("socket", 5, 1, 1, 0),
            ("bind", 5, after.raw, after.length),
            ("listen", 5, 8),
            ("sleep", 400000),
            name="then",
        )
    elif what == "link" and place.link:
        other = w.folder("v2")
        own_file(f"{other}/{place.base}")
        os.symlink(str(other), f"{w.dir}/next")
        w.after(call, ("rename", f"{w.dir}/next", place.link), name="then")
    elif what == "covered" and w.own_mounts:
        w.after(call, ("mount", "none", place.folder, "tmpfs", 0, ""), name="then")
    return what


def decoys(w, place):
    """The same name elsewhere, and neighbours in the folder."""
    mentions = []
    if w.maybe("same name elsewhere", 0.25):
        mentions += idle(w, unix(f"{w.folder('z')}/{place.base}"[:107].rstrip("/"))).holders
    if w.maybe("neighbour", 0.2):
        idle(w, unix(f"{place.folder}/n"))
    return mentions


def victim(w, place, kind=STREAM):
    v = w.actor()
    approach(w, v, place)
    harmless(w, v)
    v.socket(0, 1, kind)
    v.pause()
    return v


@kind("bind: path is served", weight=5)
def served(w):
    place, call = choose(w), w.slot()
    space = w.pick("holder's namespace", ["", "", "net", "pid", "mount", "user"])
    way = w.pick(
        "way",
        ["plain"]
        if space == "pid"
        else ["plain", "plain", "inherited", "both", "passed", "dropped", "child"],
    )
    holding = serve(
        w, place.real(), path_type(w), listen=w.pick("listens", [True, True, False]), way=way, space=space
    )
    other = decoys(w, place)
    v = victim(w, place, path_type(w))
    v.bind(0, place.address(), slot=call)
    then(w, call, place)
    w.expect_in_use(
        call,
        causes_of(place, *IN_USE),
        holders=holding.holders,
        mentions=holding.mentions,
        others=other,
        address=place.address(),
    )
    return v


@kind("bind: its server ends right after")
def ends_after(w):
    place, call = choose(w), w.slot()
    holding = serve(w, place.real(), way="plain", start=False, listen=w.pick("listens", [True, False]))
    holding.actor.do("wait")
    w.arm(holding.actor, call, "end")
    holding.actor.do("exit", 0)
    holding.actor.start()
    v = victim(w, place)
    v.bind(0, place.address(), slot=call)
    w.expect_in_use(call, causes_of(place, *IN_USE), holders=holding.holders, address=place.address())
    return v


@kind("bind: the socket is in flight")
def flying(w):
    place = choose(w)
    holding = in_flight(w, place.real(), space=w.pick("maker's namespace", ["", "net", "user"]))
    v = victim(w, place)
    call = v.bind(0, place.address())
    then(w, call, place, ["nothing", "nothing", "unlinked"])
    w.expect_in_use(call, causes_of(place, *IN_USE), mentions=holding.mentions, address=place.address())
    return v


@kind("bind: stale socket file", weight=3)
def stale(w):
    place = choose(w)
    bound = leave(w, place.real(), path_type(w), listen=w.pick("listened", [True, False]))
    other = decoys(w, place)
    if w.maybe("moved", 0.15):
        os.rename(place.path, place.path + "~")
        os.rename(place.path + "~", place.path)
    v = victim(w, place)
    call = v.bind(0, place.address())
    then(w, call, place)
    w.expect_in_use(
        call,
        causes_of(place, "stale_socket"),
        holders=[bound],
        optional_holder=True,
        others=other,
        address=place.address(),
    )
    return v


@kind("bind: its server ended a moment ago")
def ended_before(w):
    place = choose(w)
    server = w.actor()
    bound = make(server, 1, place.real())
    server.pause()
    server.do("close", 1)
    server.do("sleep", w.pick("moment", [40000, 0, 100, 1000, 10000]))
    server.ready()
    if w.maybe("the process stays", 0.5):
        server.do("stay")
    server.do("exit", 0)
    server.start()
    check_bound(w, server, bound)
    w.befores.append(server)
    w.not_quiet()
    v = victim(w, place)
    call = v.bind(0, place.address())
    w.expect_in_use(
        call, causes_of(place, "stale_socket"), holders=[bound], optional_holder=True, address=place.address()
    )
    return v


@kind("bind: socket file that nobody bound", weight=2)
def copied(w):
    """cp -a, tar and rsync make such files by mknod; the inode may be one that a bound socket had."""
    place = choose(w)
    maker, original = w.actor(), unix(f"{w.dir}/original")
    how = w.pick("how", ["mknod", "reused", "copy of a live one", "copy of a stale one"])
    others = []
    if how == "reused":
        slot = make(maker, 1, original)
        maker.do("close", 1)
        maker.do("unlink", f"{w.dir}/original")
        others = [slot]
    elif how == "copy of a live one":
        others = idle(w, original).holders
    elif how == "copy of a stale one":
        others = [leave(w, original)]
    maker.do("mknod", place.path, stat.S_IFSOCK | 0o777)
    maker.ready()
    if w.maybe("maker stays", 0.5):
        maker.do("stay")
    maker.start()
    v = victim(w, place)
    call = v.bind(0, place.address())
    then(w, call, place, ["nothing", "nothing", "unlinked", "stolen"])
    w.expect_in_use(
        call,
        causes_of(place, "stale_socket"),
        holders=[],
        optional_holder=True,
        others=others,
        address=place.address(),
    )
    return v


@kind("bind: another name of a socket file")
def linked(w):
    """A hard link, or the new name after a rename: the socket is the same."""
    place = choose(w, long=False)
    live = w.pick("live", [True, False])
    first = unix(f"{w.dir}/first")
    holding = serve(w, first, way="plain") if live else None
    bound = holding.holders[0] if live else leave(w, first)
    if w.pick("by", ["link", "rename"]) == "link":
        os.link(f"{w.dir}/first", place.path)
    else:
        os.rename(f"{w.dir}/first", place.path)
    v = victim(w, place)
    call = v.bind(0, place.address())
    then(w, call, place, ["nothing", "nothing", "unlinked"])
    w.expect_in_use(
        call,
        ["address_in_use" if live else "stale_socket"],
        holders=[bound],
        optional_holder=not live,
        address=place.address(),
    )
    return v


def occupy(w, place, what):
    if what == "file":
        own_file(place.path, b"x")
    elif what == "directory":
        os.mkdir(place.path)
    elif what == "fifo":
        os.mkfifo(place.path)
    elif what == "dangling link":
        os.symlink("nowhere", place.path)
    elif what == "link to a served socket":
        return idle(w, unix(f"{w.folder('t')}/s")).holders
    elif what == "link to a stale socket":
        return [leave(w, unix(f"{w.folder('t')}/s"))]
    elif what == "looping link":
        os.symlink(place.base, place.path)
    return []


@kind("bind: something else is there", weight=2)
def occupied(w):
    place = choose(w)
    what = w.pick(
        "what",
        [
            "file",
            "directory",
            "fifo",
            "dangling link",
            "link to a served socket",
            "link to a stale socket",
            "looping link",
        ],
    )
    others = occupy(w, place, what)
    if "served" in what or "stale" in what:
        os.symlink(f"{w.dir}/t/s", place.path)
    v = victim(w, place)
    call = v.bind(0, place.address())
    if w.maybe("came a moment ago", 0.1):
        w.before(("rename", place.path, place.path[:-1] + "~"), ("rename", place.path[:-1] + "~", place.path))
    then(w, call, place, ["nothing", "nothing", "nothing", "unlinked", "stolen", "covered", "link"])
    w.expect_in_use(
        call,
        causes_of(place, "path_occupied"),
        names=[place.path, place.called],
        mentions=others,
        address=place.address(),
    )
    return v


@kind("bind: link switched a moment ago")
def switched(w):
    """A deployment's link leads to the new release since a moment: what the old one had does not matter."""
    old, new = w.folder("v1"), w.folder("v2")
    live = w.pick("new release", ["served", "stale"]) == "served"
    before = idle(w, unix(f"{old}/s")).holders if not live else [leave(w, unix(f"{old}/s"))]
    found = serve(w, unix(f"{new}/s"), way="plain").holders if live else [leave(w, unix(f"{new}/s"))]
    os.symlink("v1", f"{w.dir}/current")
    os.symlink("v2", f"{w.dir}/next")
    v = w.actor()
    harmless(w, v)
    v.socket(0, 1)
    v.pause()
    address = unix(f"{w.dir}/current/s")
    call = v.bind(0, address)
    w.before(("rename", f"{w.dir}/next", f"{w.dir}/current"))
    w.expect_in_use(
        call,
        ["address_in_use" if live else "stale_socket"],
        holders=found,
        optional_holder=not live,
        others=before,
        address=address,
    )
    return v
