"""EACCES, EPERM and EROFS of paths: which component refused, and for whom."""
import errno
import fcntl
import os
import struct

from actor import MS_BIND, MS_RDONLY, MS_REMOUNT, SENDS, Void
from addresses import unix
from holders import DGRAM, STREAM, leave, own_file, serve
from kinds import kind
from places import ALL_CAPS, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, ORDINARY, become
from world import mount

GROUP = 555
UNPRIVILEGED = ALL_CAPS & ~(1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH)
WHO = ("ordinary", "ordinary", "grouped", "fsuid", "effective", "no override", "user namespace")


def lower(w, v):
    """An identity that owns nothing here; the groups it has are `GROUP` or none that matter."""
    who = w.pick("as", WHO)
    groups = (GROUP,) if who == "grouped" else ()
    if who == "no override":
        v.do("caps", UNPRIVILEGED)
    elif who == "user namespace":  # root of its own namespace only
        become(v, "ordinary")
        v.do("unshare", 0x10000000)
    else:
        become(v, who, groups)
    return who


def deny(w, who, mode, owner=4000):
    """A mode that denies `mode`'s bits to `who`, and grants some to others: (mode, uid, gid)."""
    if who == "no override":
        return mode, owner, owner  # root is nobody special then
    style = w.pick("denies by", ["owner", "group"])
    if style == "group" and who == "grouped":
        return mode & ~0o070, 0, GROUP  # the caller's own group is denied, others are not asked
    return mode & ~0o007, 0, 0


def changes(w, call, v, who, steps):
    """The permission comes a moment after the call, or the caller becomes another."""
    then = w.pick("then", ["nothing", "nothing", "nothing", "opened", "opened", "becomes another", "covered"])
    if then == "opened":
        w.after(call, *steps, name="then")
    elif then == "becomes another" and who == "effective":
        v.do("uid", 0, 0, 0)
        v.do("groups", 1, 2)
        w.not_quiet()
    elif then == "becomes another" and who == "fsuid":
        v.do("fsuid", 0)
        v.do("groups", -1)
        w.not_quiet()
    elif then == "covered" and w.own_mounts:
        w.after(call, ("mount", "none", str(w.dir / "a"), "tmpfs", 0, "mode=755"), name="then")


def closed_a_moment_ago(w, path, mode):
    if w.maybe("closed a moment ago", 0.12):
        os.chmod(path, 0o777)
        w.before(("chmod", str(path), mode))


@kind("directory may not be searched", weight=4)
def search(w):
    names = ["a", "b", "c"]
    at = w.number("which", 0, 2)
    folder = w.folder(*names)
    v = w.actor()
    verb = w.pick("call", ["connect", "bind", "unlink", "unlinkat", w.pick("send", SENDS)])
    type_of = DGRAM if verb in SENDS else STREAM
    if verb in ("connect", *SENDS):
        serve(w, unix(f"{folder}/s"), type_of, way="plain")
        os.chmod(f"{folder}/s", w.pick("socket's mode", [0o777, 0o600]))
    v.socket(0, 1, type_of)
    who = lower(w, v)
    mode, uid, gid = deny(w, who, w.pick("mode", [0o700, 0o740, 0o766, 0o770]))
    mode &= ~0o001 if who != "grouped" or gid != GROUP else 0o7777
    if who == "no override":
        mode &= ~0o111
    denying = w.folder(*names[: at + 1], mode=mode, uid=uid, gid=gid)
    if at < 2 and w.maybe("a later one would deny too", 0.4):
        os.chmod(folder, 0o700)
    closed_a_moment_ago(w, denying, mode)
    v.pause()
    call = act(v, verb, f"{folder}/s")
    changes(w, call, v, who, [("chmod", str(denying), 0o777)])
    w.expect(
        call,
        verb,
        errno.EACCES,
        ["directory_not_searchable"],
        names=[str(denying)],
        **target(verb, f"{folder}/s"),
    )
    return v


def act(v, verb, path):
    if verb == "bind":
        return v.bind(0, unix(path))
    if verb == "connect":
        return v.connect(0, unix(path))
    if verb in SENDS:
        return v.send_to(verb, 0, unix(path))
    return v.do("unlink", path) if verb == "unlink" else v.do("unlinkat", -1, path, 0)


def target(verb, path):
    return {"address": unix(path)} if verb in ("bind", "connect", *SENDS) else {"path": path}


@kind("directory may not be written", weight=4)
def write(w):
    folder = w.folder("a", "b")
    verb = w.pick("call", ["bind", "bind", "unlink", "unlinkat"])
    path = f"{folder}/s"
    if verb != "bind" and w.maybe("a socket", 0.7):
        leave(w, unix(path))
    elif verb != "bind":
        own_file(path)
    v = w.actor()
    v.socket(0, 1)
    who = lower(w, v)
    if who == "grouped" and w.maybe("needs the group to get there", 0.6):
        os.chown(w.dir / "a", 0, GROUP)
        os.chmod(w.dir / "a", 0o710)
    mode, uid, gid = deny(w, who, w.pick("mode", [0o755, 0o775, 0o711]))
    if who == "grouped" and gid == GROUP:
        mode = 0o757
    if who == "no override":
        mode = 0o555
    else:
        mode |= 0o001 if gid != GROUP else 0o010
    os.chown(folder, uid, gid)
    os.chmod(folder, mode)
    closed_a_moment_ago(w, folder, mode)
    v.pause()
    call = act(v, verb, path)
    changes(w, call, v, who, [("chmod", str(folder), 0o777)])
    w.expect(call, verb, errno.EACCES, ["directory_not_writable"], names=[str(folder)], **target(verb, path))
    return v


@kind("socket may not be written", weight=3)
def socket_mode(w):
    folder = w.folder("a", "b")
    path = f"{folder}/s"
    verb = w.pick("call", ["connect", "connect", w.pick("send", SENDS)])
    type_of = DGRAM if verb in SENDS else STREAM
    serve(w, unix(path), type_of)
    v = w.actor()
    v.socket(0, 1, type_of)
    who = lower(w, v)
    mode, uid, gid = deny(w, who, w.pick("mode", [0o600, 0o755, 0o660, 0o775]))
    if who == "grouped" and gid == GROUP:
        mode = 0o607
    if who == "no override":
        mode = 0o444
    os.chown(path, uid, gid)
    os.chmod(path, mode)
    closed_a_moment_ago(w, path, mode)
    v.pause()
    call = act(v, verb, path)
    changes(w, call, v, who, [("chmod", path, 0o777)])
    w.expect(call, verb, errno.EACCES, ["socket_permission"], names=[path], address=unix(path))
    return v


@kind("groups dropped right after", weight=2)
def groups(w):
    """The caller leaves the group that let it through: by what it has then, another directory denies."""
    folder = w.folder("a", "b")
    os.chown(w.dir / "a", 0, GROUP)
    os.chmod(w.dir / "a", 0o710)
    path, verb = f"{folder}/s", w.pick("call", ["bind", "connect"])
    if verb == "connect":
        serve(w, unix(path), way="plain")
        os.chmod(path, 0o600)
    v = w.actor()
    v.socket(0, 1)
    become(v, "effective", (GROUP,))
    v.pause()
    call = act(v, verb, path)
    v.do("spin", w.pick("delay", [1, 1, 30, 300, 2000]))
    v.do("uid", 0, 0, 0)
    v.do("groups", -1)
    last = w.pick("becomes", [ORDINARY, 0, 33])
    v.do("uid", last, last, last)
    w.not_quiet()
    w.expect(
        call,
        verb,
        errno.EACCES,
        groups=[GROUP],
        causes=["socket_permission" if verb == "connect" else "directory_not_writable"],
        names=[path if verb == "connect" else str(folder)],
        address=unix(path),
    )
    return v


@kind("sticky directory", weight=2)
def sticky(w):
    folder = w.folder("a", mode=0o1777)
    path = f"{folder}/s"
    live = w.maybe("live", 0.4)
    bound = serve(w, unix(path), way="plain").holders[0] if live else leave(w, unix(path))
    v = w.actor()
    v.socket(0, 1)
    become(v, "ordinary")
    v.pause()
    verb = w.pick("call", ["unlink", "unlinkat"])
    call = act(v, verb, path)
    w.expect(call, verb, errno.EPERM, ["directory_not_writable"], names=[str(folder)], path=path)
    again = v.bind(0, unix(path))
    if w.pick("then", ["nothing", "nothing", "opened"]) == "opened":
        w.after(again, ("chmod", str(folder), 0o777), ("unlink", path), name="then")
    w.expect_in_use(
        again,
        ["address_in_use" if live else "stale_socket_unremovable"],
        holders=[bound],
        optional_holder=not live,
        address=unix(path),
    )
    return v


@kind("stale and not removable", weight=2)
def unremovable(w):
    why = w.pick("why", ["not writable", "read-only"])
    folder = w.folder("a", mode=0o755)
    path = f"{folder}/s"
    bound = leave(w, unix(path))
    if why == "read-only" and not w.own_mounts:
        why = "not writable"
    if why == "read-only":
        read_only(folder)
    v = w.actor()
    v.socket(0, 1)
    become(v, "ordinary")
    v.pause()
    call = v.do("unlink", path)
    if why == "read-only":
        w.expect(call, "unlink", errno.EROFS, ["read_only_filesystem"], path=path)
    else:
        w.expect(call, "unlink", errno.EACCES, ["directory_not_writable"], names=[str(folder)], path=path)
    again = v.bind(0, unix(path))
    w.expect_in_use(
        again, ["stale_socket_unremovable"], holders=[bound], optional_holder=True, address=unix(path)
    )
    return v


def read_only(folder):
    mount(folder, folder, None, MS_BIND)
    mount("none", folder, None, MS_BIND | MS_REMOUNT | MS_RDONLY)


@kind("read-only mount", needs=["mounts"], weight=2)
def mounted_read_only(w):
    folder = w.folder("a", "b")
    verb = w.pick("call", ["bind", "unlink", "unlinkat"])
    path = f"{folder}/s"
    if verb != "bind":
        own_file(path)
    read_only(w.dir / "a" if w.maybe("higher up", 0.5) else folder)
    v = w.actor()
    v.socket(0, 1)
    if w.maybe("ordinary", 0.4):
        become(v, "ordinary")
    v.pause()
    call = act(v, verb, path)
    if w.pick("then", ["nothing", "nothing", "writable"]) == "writable":
        top = str(folder) if os.path.ismount(folder) else str(w.dir / "a")
        w.after(call, ("mount", "none", top, "none", MS_BIND | MS_REMOUNT, ""), name="then")
    w.expect(call, verb, errno.EROFS, ["read_only_filesystem"], **target(verb, path))
    return v


def set_flag(path, flag, on):
    file = os.open(path, os.O_RDONLY)
    try:
        have = struct.unpack("=q", fcntl.ioctl(file, 0x80086601, b"\0" * 8))[0]
        fcntl.ioctl(file, 0x40086602, struct.pack("=q", have | flag if on else have & ~flag))
    finally:
        os.close(file)


@kind("immutable directory")
def immutable(w):
    folder = w.folder("a", "b")
    verb = w.pick("call", ["bind", "unlink"])
    path = f"{folder}/s"
    if verb == "unlink":
        own_file(path)
    flag = w.pick("flag", [0x10, 0x20] if verb == "unlink" else [0x10])  # i, a
    try:
        set_flag(folder, flag, True)
    except OSError as error:
        raise Void("no such attribute on this file system") from error
    w.cleanups.append(lambda: set_flag(folder, 0x30, False))
    v = w.actor()
    v.socket(0, 1)
    v.pause()
    call = act(v, verb, path)
    w.expect(call, verb, errno.EPERM, ["directory_not_writable"], names=[str(folder)], **target(verb, path))
    return v
