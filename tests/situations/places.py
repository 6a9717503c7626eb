"""Paths and credentials: how a victim comes to a name, and as whom."""
import os

from addresses import unix

O_PATH_DIRECTORY = 0o10200000
STYLES = ("absolute", "absolute", "relative", "up", "link", "procfd", "dots", "chroot")
ORDINARY = 1234
ALL_CAPS = (1 << 41) - 1
CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_NET_BIND_SERVICE, CAP_SYS_ADMIN = (
    0,
    1,
    2,
    3,
    10,
    21,
)


class Place:
    """A name in a folder. `path` is where it is, `called` what the victim says of it."""

    def __init__(self, folder, base):
        self.folder, self.base, self.path = str(folder), base, f"{folder}/{base}"
        self.called, self.link, self.style, self.nul = self.path, None, "absolute", True

    def address(self):
        return unix(self.called, self.nul)

    def real(self):
        return unix(self.path, self.nul)


def choose(w, long=True):
    """A folder one to three deep, and a name in it; sometimes so long that it barely fits."""
    depth = w.number("depth", 1, 3)
    names = [f"d{n}" for n in range(depth)]
    size = w.pick("long", [0, 0, 0, 100, 106, 107, 108]) if long else 0
    base = w.pick("base", ["app.sock", "app.sock", "x", "a b.sock", "s\xe9.sock", ".hidden"])
    if size:
        left = size - len(str(w.dir)) - 1 - len("/".join(names)) - 1
        base = "l" * max(left, 1)
    place = Place(w.folder(*names), base)
    place.nul = len(place.path.encode()) != 108
    return place


def approach(w, victim, place, styles=STYLES):
    """The victim's way to the place."""
    plain = len(place.path.encode()) >= 95 or not place.path.isascii()
    place.style = style = w.pick("style", ["absolute"] if plain else styles)
    if style == "relative":
        victim.do("chdir", place.folder)
        place.called = place.base
    elif style == "up":
        other = w.folder("elsewhere")
        victim.do("chdir", str(other))
        place.called = f"..{place.path[len(str(w.dir)):]}"
    elif style == "link":
        place.link = f"{w.dir}/current"
        os.symlink(place.folder, place.link)
        place.called = f"{place.link}/{place.base}"
    elif style == "procfd":
        victim.do("open", 90, place.folder, O_PATH_DIRECTORY, 77)
        place.called = f"/proc/self/fd/77/{place.base}"
    elif style == "dots":
        last = place.folder.rsplit("/", 1)[1]
        place.called = f"{place.folder}/../{last}//./{place.base}"
    elif style == "chroot":
        victim.do("chroot", str(w.dir))
        victim.do("chdir", "/")
        place.called = place.path[len(str(w.dir)) :]
    return place


def harmless(w, victim):
    """Credentials that make no difference where everybody may do it."""
    who = w.pick("as", ["root", "root", "ordinary", "grouped", "fsuid", "no capabilities", "user namespace"])
    if who == "user namespace" and any(" chroot " in line for line in victim.lines):
        who = "no capabilities"  # a process in a chroot may not make one
    become(victim, who)


def become(victim, who, groups=()):
    if who in ("ordinary", "grouped"):
        listed = tuple(groups) or ((555, 556) if who == "grouped" else ())
        victim.do("groups", *(listed or (-1,)))
        victim.do("gid", ORDINARY, ORDINARY, ORDINARY)
        victim.do("uid", ORDINARY, ORDINARY, ORDINARY)
    elif who == "effective":  # may become root again
        victim.do("groups", *(tuple(groups) or (-1,)))
        victim.do("gid", ORDINARY, ORDINARY, 0)
        victim.do("uid", ORDINARY, ORDINARY, 0)
    elif who == "fsuid":
        victim.do("groups", *(tuple(groups) or (-1,)))
        victim.do("fsgid", ORDINARY)
        victim.do("fsuid", ORDINARY)
    elif who == "no capabilities":
        victim.do("caps", 0)
    elif who == "user namespace":
        victim.do("unshare", 0x10000000)
