"""A process of a situation, and the operations of its plan."""
import os
import select
import socket
import struct

WATCHED = {
    "bind": "bind",
    "connect": "connect",
    "listen": "listen",
    "unlink": "unlink",
    "unlinkat": "unlinkat",
    "hostname": "sethostname",
    "domainname": "setdomainname",
    "openat2": "openat2",
    "sendto": "sendto",
    "sendmsg": "sendmsg",
    "sendmmsg": "sendmmsg",
    "fastopen": "connect",
}
SENDS = ("sendto", "sendmsg", "sendmmsg")
NEWNS, NEWUTS, NEWIPC = 0x20000, 0x4000000, 0x8000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
PATIENCE = 6.0  # seconds, for whatever should happen


class Void(Exception):
    """The situation did not come about."""


class Actor:
    """A process that carries out a plan (victim.c)."""

    def __init__(self, world, arguments=()):
        self.world, self.arguments, self.lines, self.calls, self.open_forks = world, arguments, [], [], 0
        self.said, self.tell, self.pid = None, None, None

    def do(self, op, *arguments, slot=None):
        slot = self.world.slot() if slot is None else slot
        words = [
            w if op == "comm" else os.fsencode(w).hex() or "-" if isinstance(w, (str, bytes)) else str(w)
            for w in arguments
        ]
        self.lines.append(" ".join([str(slot), op, *words]))
        self.open_forks += {"fork": 1, "end": -1}.get(op, 0)
        if op in WATCHED or op == "fill":
            self.calls.append((slot, op))
        return slot

    def bind(self, number, address, slot=None):
        return self.do("bind", number, address.raw, address.length, slot=slot)

    def connect(self, number, address, slot=None):
        return self.do("connect", number, address.raw, address.length, slot=slot)

    def send_to(self, verb, number, address=None, bytes_=1, flags=0):
        """`verb`: one of SENDS, or "fill"; without an address: to the peer."""
        raw, length = (address.raw, address.length) if address else (b"", 0)
        return self.do(verb, number, raw, length, bytes_, flags)

    def ask_again(self, number, address):
        """A connect that only fetches the error of an earlier one: no failure of its own."""
        slot = self.connect(number, address)
        self.calls.pop()
        return slot

    def socket(self, number, family, kind=socket.SOCK_STREAM, protocol=0):
        return self.do("socket", number, family, kind, protocol)

    def option(self, number, level, name, value=1):
        return self.do(
            "opt", number, level, name, value if isinstance(value, bytes) else struct.pack("=i", value)
        )

    def enter(self, space):
        """A namespace of its own; behind "pid" the rest of the plan is a child's."""
        if space == "pid":
            self.do("unshare", NEWPID)
            self.do("fork")
        elif space == "mount":
            self.do("unshare", NEWNS)
            self.do("mount", "none", "/", "none", MS_REC | MS_PRIVATE, "")
        elif space:
            self.do("unshare", {"net": NEWNET, "user": NEWUSER, "uts": NEWUTS}[space])
        if space == "net":
            self.do("lo", 1)

    def ready(self):
        self.do("say")

    def pause(self):
        self.do("say")
        self.do("wait")

    def start(self, wait=True):
        ends = ["0 end", f"{self.world.slot()} stay"] * self.open_forks
        plan = os.memfd_create("plan", os.MFD_CLOEXEC)
        os.write(plan, "\n".join([*self.lines, *ends, ""]).encode())
        os.lseek(plan, 0, 0)
        self.said, say = os.pipe()
        wait_for, self.tell = os.pipe()
        moves = [
            (plan, 63),
            (self.world.shared, 64),
            (say, 65),
            (wait_for, 66),
        ]  # clear of what they are dup'ed from
        actions = [(os.POSIX_SPAWN_DUP2, old, new) for old, new in moves]
        actions += [(os.POSIX_SPAWN_DUP2, 63 + n, 3 + n) for n in range(4)]
        actions += [(os.POSIX_SPAWN_CLOSE, 63 + n) for n in range(4)]
        self.pid = os.posix_spawn(self.world.program, ["victim", *self.arguments], {}, file_actions=actions)
        for number in (plan, say, wait_for):
            os.close(number)
        self.world.actors.append(self)
        if wait:
            self.await_said()
        return self

    def await_said(self):
        if not select.select([self.said], [], [], PATIENCE)[0] or not os.read(self.said, 1):
            failed = self.world.failed_operations(self)
            raise Void(f"an actor did not become ready: {failed}")

    def go(self):
        os.write(self.tell, b"x")
