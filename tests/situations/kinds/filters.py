"""A seccomp filter answers instead of the kernel: the errno says nothing about the address."""
import errno
import os

from actor import SENDS
from addresses import abstract, inet, unix
from holders import DGRAM, own_file
from kinds import kind

NUMBERS = {
    "bind": 49,
    "connect": 42,
    "listen": 50,
    "unlink": 87,
    "unlinkat": 263,
    "sethostname": 170,
    "setdomainname": 171,
    "openat2": 437,
    "sendto": 44,
    "sendmsg": 46,
    "sendmmsg": 307,
}
ERRORS = (
    "EPERM",
    "EACCES",
    "EADDRINUSE",
    "EROFS",
    "ENAMETOOLONG",
    "EADDRNOTAVAIL",
    "ELOOP",
    "ECONNREFUSED",
    "EAGAIN",
    "ENETUNREACH",
    "EINVAL",
    "EPROTOTYPE",
    "ENOENT",
    "ENOTDIR",
    "EBUSY",
)
CALLS = {
    "bind": ERRORS[:13],
    "connect": ERRORS[:13],
    "listen": ("EPERM", "EACCES", "EADDRINUSE", "EROFS", "EADDRNOTAVAIL"),
    "unlink": ("EPERM", "EACCES", "EROFS", "ELOOP", "EBUSY", "ENAMETOOLONG"),
    "unlinkat": ("EPERM", "EACCES", "EROFS"),
    "sethostname": ("EPERM", "EACCES", "EINVAL", "ENAMETOOLONG"),
    "setdomainname": ("EPERM", "EINVAL", "EACCES"),
    "openat2": ("ELOOP",),
    **{verb: ("EPERM", "EACCES", "ECONNREFUSED", "EAGAIN", "ENOENT") for verb in SENDS},
}


@kind("errno of a filter", needs=["net", "uts"], weight=4)
def filtered(w):
    verb = w.pick("call", list(CALLS))
    error = getattr(errno, w.pick("errno", CALLS[verb]))
    path = f"{w.folder('a')}/file"
    v, more = w.actor(), {}
    if w.maybe("ordinary", 0.3) and verb not in ("sethostname", "setdomainname"):
        os.chmod(w.dir / "a", 0o777)
        v.do("uid", 1234, 1234, 1234)
    if verb in SENDS:
        address = w.pick("address of a send", [unix(path), abstract(w.token.encode())])
        w.ingredients["address of a send"] = address.kind
        v.socket(0, 1, DGRAM)
    elif verb in ("bind", "connect", "listen"):
        address = w.pick(
            "address",
            [
                unix(path),
                inet("127.0.0.1", w.number("port", 20000, 40000)),
                abstract(w.token.encode()),
                inet("::1", w.number("port", 20000, 40000)),
            ],
        )
        w.ingredients["address"] = address.kind
        v.socket(0, address.family)
        if verb == "listen":
            v.bind(0, address)
    else:
        own_file(path)
        os.chmod(path, 0o666)
    v.do("seccomp", NUMBERS[verb], error)
    v.pause()
    if verb in SENDS:
        call, more = v.send_to(verb, 0, address), {"address": address}
    elif verb in ("bind", "connect"):
        call, more = getattr(v, verb)(0, address), {"address": address}
    elif verb == "listen":
        call = v.do("listen", 0, 8)
    elif verb in ("unlink", "unlinkat"):
        call, more = v.do(*((verb, path) if verb == "unlink" else (verb, -1, path, 0))), {"path": path}
    elif verb == "openat2":
        call = v.do("openat2", path, 0, 4)
    else:
        call = v.do("hostname" if verb == "sethostname" else "domainname", "name-" + w.token, 12)
    natural = []  # what the kernel would have said too
    if verb in ("connect", *SENDS):
        natural = ["path_missing"] if address.kind == "path" else ["nothing_listens"]
        natural = natural if error == (errno.ENOENT if address.kind == "path" else errno.ECONNREFUSED) else []
    elif verb in ("sethostname", "setdomainname") and error == errno.EPERM:
        natural = ["hostname_denied"]
    w.expect(call, verb, error, ["policy_denied", *natural], policy=["seccomp"], filtered=True, **more)
    return v
