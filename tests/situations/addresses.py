"""Socket addresses as the kernel takes them, and as a record must show them."""
import socket
import struct

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16


class Address:
    """`raw` and `length` go to the kernel; `kind` and `shown` are what a record says of it."""

    def __init__(self, family, raw, kind, shown, length=None):
        self.family, self.raw, self.kind, self.shown = family, raw, kind, shown
        self.length = len(raw) if length is None else length


def unix(path, nul=True, length=None):
    path = path.encode() if isinstance(path, str) else path
    raw = struct.pack("=H", AF_UNIX) + path + (b"\0" if nul else b"")
    return Address(AF_UNIX, raw, "path", path.hex(), length)


def abstract(name):
    return Address(AF_UNIX, struct.pack("=H", AF_UNIX) + b"\0" + name, "abstract", name.hex())


def inet(ip, port):
    if ":" in ip:
        return inet6(ip, port)
    raw = struct.pack("!2sH4s8x", struct.pack("=H", AF_INET), port, socket.inet_aton(ip))
    return Address(AF_INET, raw, "inet", f"{ip}:{port}")


def inet6(ip, port, scope=0):
    raw = struct.pack(
        "!2sHI16s4s",
        struct.pack("=H", AF_INET6),
        port,
        0,
        socket.inet_pton(AF_INET6, ip),
        struct.pack("=I", scope),
    )
    return Address(AF_INET6, raw, "inet6", f"[{ip}]:{port}")


def netlink(port_id):
    return Address(AF_NETLINK, struct.pack("=HHII", AF_NETLINK, 0, port_id, 0), "other", "")
