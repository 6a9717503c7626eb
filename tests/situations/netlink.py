"""What ip(8) does, of which each situation needs little: a veth pair, addresses, routes (rtnetlink)."""
import os
import socket
import struct

REQUEST, ACK, CREATE, EXCLUSIVE = 1, 4, 0x400, 0x200


def attribute(kind, data):
    return struct.pack("=HH", len(data) + 4, kind) + data + b"\0" * (-len(data) % 4)


def packed(ip):
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    return family, socket.inet_pton(family, ip)


class Interfaces:
    """Of the caller's own network namespace."""

    def ask(self, kind, flags, body):
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as route:
            route.send(struct.pack("=IHHII", 16 + len(body), kind, REQUEST | ACK | flags, 1, 0) + body)
            code = struct.unpack_from("=i", route.recv(8192), 16)[0]
        if code:
            raise OSError(-code, os.strerror(-code))

    def veth(self, name, peer):
        link = struct.pack("=BBHiII", 0, 0, 0, 0, 0, 0)
        other = attribute(1, link + attribute(3, peer.encode() + b"\0"))
        info = attribute(1, b"veth\0") + attribute(2, other)
        self.ask(16, CREATE | EXCLUSIVE, link + attribute(3, name.encode() + b"\0") + attribute(18, info))

    def up(self, name, up=True):
        self.ask(16, 0, struct.pack("=BBHiII", 0, 0, 0, socket.if_nametoindex(name), int(up), 1))

    def give(self, name, pid):
        """Moves an interface into the network namespace of a process."""
        link = struct.pack("=BBHiII", 0, 0, 0, socket.if_nametoindex(name), 0, 0)
        self.ask(16, 0, link + attribute(19, struct.pack("=I", pid)))

    def neighbour(self, name, ip):
        """A permanent entry with the address of a card that nobody has: what is sent there gets lost."""
        family, data = packed(ip)
        body = struct.pack("=BBHiHBB", family, 0, 0, socket.if_nametoindex(name), 0x80, 0, 0)
        self.ask(28, CREATE | EXCLUSIVE, body + attribute(1, data) + attribute(2, b"\2\0\0\0\0\7"))

    def address(self, name, ip, nodad=False, remove=False):
        family, data = packed(ip)
        body = struct.pack(
            "=BBBBI",
            family,
            64 if family == socket.AF_INET6 else 24,
            0x02 if nodad else 0,
            0,
            socket.if_nametoindex(name),
        )
        self.ask(
            21 if remove else 20,
            0 if remove else CREATE | EXCLUSIVE,
            body + attribute(2, data) + attribute(1, data),
        )

    def remove_address(self, name, ip):
        self.address(name, ip, remove=True)

    def route(self, ip, kind):
        """A route of this type (7: unreachable, 8: prohibit) to one host."""
        family, data = packed(ip)
        body = struct.pack("=BBBBBBBBI", family, len(data) * 8, 0, 0, 254, 4, 0, kind, 0)
        extra = (
            attribute(4, struct.pack("=I", socket.if_nametoindex("lo"))) if family == socket.AF_INET6 else b""
        )
        self.ask(24, CREATE | EXCLUSIVE, body + attribute(1, data) + extra)
