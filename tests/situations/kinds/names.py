"""Names that do not fit, symbolic links, abstract names, netlink port ids, file systems without sockets."""
import errno
import os

from addresses import Address, abstract, netlink, unix
from holders import SEQPACKET, STREAM, idle, in_flight, serve
from kinds import kind
from places import approach, choose, harmless
from world import mount

NO_MAGICLINKS, NO_SYMLINKS, BENEATH = 2, 4, 8


def fill(w, size, end=""):
    """A path of so many bytes in a folder that exists."""
    folder = w.folder("n" * 20)
    return f"{folder}/" + ("p" * size)[: size - len(str(folder)) - 1 - len(end)] + end


@kind("name does not fit", weight=2)
def too_long(w):
    size = w.pick("bytes", [109, 108, 110, 111, 115, 120, 126, 140])
    verb = w.pick("call", ["bind", "connect"])
    if w.pick("form", ["path", "path", "abstract"]) == "abstract":
        address = abstract((w.token + "a" * 200).encode()[: max(size, 109)])
    else:
        address = unix(fill(w, size))
    if len(address.raw) > 128:  # not read at all
        address = Address(1, address.raw, "unreadable", None)
    v = w.actor()
    harmless(w, v)
    v.socket(0, 1, w.pick("type", [STREAM, SEQPACKET]))
    v.pause()
    call = (v.bind if verb == "bind" else v.connect)(0, address)
    w.expect(call, verb, errno.EINVAL, ["path_too_long"], address=address)
    return v


@kind("name was cut", weight=2)
def cut(w):
    """The program was given a longer name and uses what fits: 108 bytes, or 107 and a NUL."""
    whole = fill(w, w.pick("bytes", [121, 112, 150]), ".sock")
    size = w.pick("cut to", [108, 107])
    part = whole[:size]
    verb = w.pick("call", ["bind", "connect"])
    how = w.pick("given as", ["argument", "option=", "nowhere"])
    arguments = {"argument": [whole], "option=": ["--path=" + whole], "nowhere": []}[how]
    address = unix(part, nul=size == 107)
    v = w.actor(*arguments)
    v.socket(0, 1)
    if verb == "bind":
        serve(w, address, way="plain")
    v.pause()
    call = (v.bind if verb == "bind" else v.connect)(0, address)
    natural = ["address_in_use"] if verb == "bind" else ["path_missing"]
    causes = natural if how == "nowhere" and size == 107 else ["path_truncated", *natural]
    w.expect(call, verb, errno.EADDRINUSE if verb == "bind" else errno.ENOENT, causes, address=address)
    return v


@kind("link loop", weight=2)
def loop(w):
    folder = w.folder("a")
    length = w.number("links", 1, 4)
    for n in range(length):
        os.symlink(f"l{(n + 1) % length}", f"{folder}/l{n}")
    path = f"{folder}/l0/s"
    verb = w.pick("call", ["bind", "connect", "unlink", "unlinkat", "openat2"])
    v = w.actor()
    harmless(w, v)
    v.socket(0, 1)
    v.pause()
    if verb in ("bind", "connect"):
        call, more = getattr(v, verb)(0, unix(path)), {"address": unix(path)}
    elif verb == "openat2":
        call, more = v.do("openat2", path, 0, 0), {"path": path}
    else:
        call, more = v.do(*((verb, path) if verb == "unlink" else (verb, -1, path, 0))), {"path": path}
    if w.pick("then", ["nothing", "nothing", "mended"]) == "mended":
        w.after(call, ("unlink", f"{folder}/l0"), ("mkdir", f"{folder}/l0", 0o755), name="then")
    w.expect(
        call, verb, errno.ELOOP, ["symlink_loop"], names=[f"{folder}/l{n}" for n in range(length)], **more
    )
    return v


@kind("openat2 takes no link", weight=2)
def no_links(w):
    real, holder = w.folder("real", "deep"), w.folder("a")
    at = w.pick("where", ["middle", "first", "last"])
    if at == "middle":
        os.symlink(str(real), f"{holder}/ln")
        path, link = f"{holder}/ln/x", f"{holder}/ln"
        w.folder("real", "deep", "x")
    elif at == "first":
        os.symlink("real", f"{w.dir}/ln")
        path, link = f"{w.dir}/ln/deep", f"{w.dir}/ln"
    else:
        os.symlink(str(real), f"{holder}/ln")
        path = link = f"{holder}/ln"
    if w.maybe("another link later", 0.3) and at == "middle":
        os.rmdir(real / "x")
        os.symlink("/", real / "x")
    v = w.actor()
    harmless(w, v)
    v.pause()
    call = v.do("openat2", path, 0o10000000, NO_SYMLINKS | w.pick("more", [0, NO_MAGICLINKS]))
    then = w.pick("then", ["nothing", "nothing", "removed", "becomes a folder"])
    if then == "removed":
        w.after(call, ("unlink", link), name="then")
    elif then != "nothing":
        w.after(call, ("unlink", link), ("mkdir", link, 0o755), name="then")
    w.expect(call, "openat2", errno.ELOOP, ["symlink_refused"], names=[link], path=path)
    return v


def odd_name(w):
    name = w.token.encode()
    return (
        w.pick("name", [b"%s", b"%s", b"%s\0", b"\0%s", b"/%s/a.sock@", b"%s\xff\xfe\n", b"@%s ", b"%s\0\0x"])
        % name
    )


@kind("abstract name is taken", needs=["net"], weight=3)
def taken(w):
    name = odd_name(w)
    space = w.pick("holder's namespace", ["", "", "pid", "mount", "user"])
    way = w.pick(
        "way", ["plain"] if space == "pid" else ["plain", "inherited", "passed", "both", "dropped", "child"]
    )
    others = []
    if w.maybe("the same name in another network namespace", 0.3):
        others += idle(w, abstract(name), space="net").holders
    if w.maybe("a name that looks alike", 0.3):
        others += idle(w, abstract(name + b"\0")).holders
    kind_of = w.pick("type", [STREAM, SEQPACKET])  # each type has its own names
    holding = serve(w, abstract(name), kind_of, way=way, space=space, listen=w.pick("listens", [True, False]))
    v = w.actor()
    apart = w.maybe("victim in a pid namespace", 0.15)
    if apart:
        v.enter("pid")
    harmless(w, v)
    v.socket(0, 1, kind_of)
    v.pause()
    call = v.bind(0, abstract(name))
    same_space = space != "pid" and not apart
    then = w.pick("then", ["nothing", "nothing", "another takes it"])
    if then != "nothing":  # an autobound or other name: the agent's table fills while it looks
        w.after(
            call,
            ("socket", 5, 1, 1, 0),
            ("bind", 5, abstract(name + b"2").raw, len(abstract(name + b"2").raw)),
            ("sleep", 300000),
            name="then",
        )
    w.expect_in_use(
        call,
        ["address_in_use"] if same_space else ["abstract_name_collision", "address_in_use"],
        holders=holding.holders,
        mentions=holding.mentions,
        others=others,
        address=abstract(name),
    )
    return v


@kind("abstract name is in flight", needs=["net"])
def abstract_flight(w):
    name = odd_name(w)
    holding = in_flight(w, abstract(name))
    v = w.actor()
    harmless(w, v)
    v.socket(0, 1)
    v.pause()
    call = v.bind(0, abstract(name))
    w.expect_in_use(
        call, ["address_in_use", "abstract_name_collision"], mentions=holding.mentions, address=abstract(name)
    )
    return v


@kind("nobody has the abstract name", needs=["net"], weight=2)
def nobody(w):
    name = odd_name(w)
    where = w.pick("where is it", ["nowhere", "another network namespace", "bound only", "looks alike"])
    found, causes = [], ["nothing_listens"]
    if where == "another network namespace":
        found = serve(w, abstract(name), space="net", way="plain").holders
        causes = ["served_in_other_namespace", "nothing_listens"]
    elif where == "bound only":
        found = serve(w, abstract(name), listen=False, way="plain").holders
    elif where == "looks alike":
        idle(w, abstract(name + b"\0"))
    v = w.actor()
    harmless(w, v)
    v.socket(0, 1)
    v.pause()
    call = v.connect(0, abstract(name))
    if w.pick("then", ["nothing", "nothing", "a server comes"]) != "nothing" and where != "bound only":
        w.after(
            call,
            ("socket", 5, 1, 1, 0),
            ("bind", 5, abstract(name).raw, len(abstract(name).raw)),
            ("listen", 5, 8),
            ("sleep", 300000),
            name="then",
        )
    w.expect_refused(
        call,
        causes,
        holders=found,
        holder_of=["served_in_other_namespace"],
        optional_holder=where != "another network namespace",
        address=abstract(name),
    )
    return v


@kind("netlink port id is taken", needs=["net"])
def netlink_port(w):
    number = w.number("port id", 100000, 200000)
    protocol = w.pick("protocol", [0, 15, 4])  # route, uevent, sock_diag
    server = w.actor()
    if w.maybe("the same id in another protocol", 0.4):
        other = w.actor()
        other.socket(1, 16, 3, 16)  # generic
        other.bind(1, netlink(number))
        other.ready()
        other.do("stay")
        other.start()
    server.socket(1, 16, 3, protocol)
    bound = server.bind(1, netlink(number))
    server.ready()
    server.do("stay")
    server.start()
    v = w.actor()
    harmless(w, v)
    v.socket(0, 16, 3, protocol)
    v.pause()
    call = v.bind(0, netlink(number))
    w.expect(call, "bind", errno.EADDRINUSE, ["address_in_use"], holders=[bound])
    return v


@kind("file system without sockets", needs=["mounts"])
def no_sockets(w):
    what = w.pick("what", ["mqueue", "sysfs"])
    folder = w.folder("q")
    if what == "mqueue":
        mount("none", folder, "mqueue")
        path = f"{folder}/s"
    else:
        path = "/sys/kernel/sockward-situation.sock"
    v = w.actor()
    w.pick("style", ["absolute"])
    v.socket(0, 1)
    v.pause()
    call = v.bind(0, unix(path))
    w.expect(
        call,
        "bind",
        errno.EPERM,
        ["no_sockets_on_filesystem"] + ["unknown"] * (what == "sysfs"),
        address=unix(path),
    )
    return v


@kind("name near the limit")
def near(w):
    """bind succeeds: a word of warning."""
    size = w.pick("bytes", [104, 100, 107, 108])
    path = fill(w, size)
    v = w.actor(*([path + "-and-more"] if size == 108 and w.maybe("longer argument", 0.5) else []))
    v.socket(0, 1)
    v.pause()
    address = unix(path, nul=size < 108)
    call = v.bind(0, address)
    w.expect(
        call,
        "bind",
        0,
        ["path_truncated", "path_near_limit"] if size == 108 else ["path_near_limit"],
        address=address,
    )
    return v


@kind("name is stolen from a server")
def stolen(w):
    place = choose(w, long=False)
    robbed = serve(w, place.real(), way="plain")
    v = w.actor()
    approach(w, v, place)
    v.socket(0, 1)
    v.do("unlink", place.called)
    v.pause()
    call = v.bind(0, place.address())
    w.expect(call, "bind", 0, ["name_stolen"], holders=robbed.holders, address=place.address())
    return v


@kind("unlink: component is too long", weight=0.5)
def long_component(w):
    path = f"{w.dir}/" + "c" * w.pick("bytes", [256, 300, 1000])
    verb = w.pick("call", ["unlink", "unlinkat"])
    v = w.actor()
    harmless(w, v)
    v.pause()
    call = v.do("unlink", path) if verb == "unlink" else v.do("unlinkat", -1, path, 0)
    w.expect(call, verb, errno.ENAMETOOLONG, ["path_too_long"])
    return v
