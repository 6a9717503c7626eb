"""One situation: its ingredients, its folder and namespaces, its actors, and how it is played.

A kind (kinds/*.py) builds it and says what is true of it; nothing here knows causes. Each ingredient is
drawn by its own name, so that leaving one out (--without) changes no other.
"""
import ctypes
import errno
import fcntl
import mmap
import os
import pathlib
import random
import signal
import socket
import struct
import time

from actor import MS_BIND, MS_PRIVATE, MS_REC, NEWIPC, NEWNET, NEWNS, NEWUTS, PATIENCE, WATCHED, Actor, Void
from addresses import Address

RESULT = struct.Struct("=qiiqqii")
SLOTS = 4096
SETTLE, HOLD = 0.16, 0.2  # seconds: before the call, and after it
LIBC = ctypes.CDLL(None, use_errno=True)
NAMES = ("app", "server", "worker", "api", "agent", "proxy", "redis", "node", "sh")


def mount(source, target, kind=None, flags=0, data=None):
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, data)]
    if LIBC.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]) != 0:
        raise Void(f"mount {target}: {os.strerror(ctypes.get_errno())}")


def loopback(up):
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 1 if up else 0))


def end_children():
    """Only our own. The orphans of a situation become children of the process that plays it."""
    children = pathlib.Path(f"/proc/self/task/{os.getpid()}/children")
    for _ in range(500):
        pids = children.read_text(encoding="ascii").split()
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.002)


class World:
    def __init__(self, name, kind, folder, program, without=()):
        self.name, self.kind, self.program, self.without = name, kind, program, set(without)
        self.base, self.actors, self.ingredients, self.truths = pathlib.Path(folder), [], {}, []
        self.quiet, self.armed, self.befores, self.cleanups, self.victims = True, [], [], [], []
        self.slots, self.begin = 1, 0
        self.token = f"{self.rng('token').randrange(1 << 32):08x}"
        self.shared = os.memfd_create("results", os.MFD_CLOEXEC)
        os.ftruncate(self.shared, SLOTS * RESULT.size)
        self.memory = mmap.mmap(self.shared, SLOTS * RESULT.size)
        self.dir, self.own_mounts = self.base, False

    # ingredients

    def rng(self, name):
        return random.Random(f"{self.name}/{name}")

    def maybe(self, name, chance=0.5):
        self.ingredients[name] = self.rng(name).random() < chance and name not in self.without
        return self.ingredients[name]

    def pick(self, name, options):
        """The first option is the plain one, which is left when the ingredient is taken away."""
        options = list(options)
        value = options[0] if name in self.without else self.rng(name).choice(options)
        self.ingredients[name] = False if value == options[0] else str(value)
        return value

    def number(self, name, low, high):
        return self.rng(name).randint(low, high)

    def not_quiet(self):
        self.quiet = False

    # the place

    def set_up(self, needs):
        where = self.pick(
            "mounts", ["own", "tmpfs"] if "mounts" in needs else ["host", "host", "own", "tmpfs"]
        )
        self.own_mounts = own = where != "host"
        flags = (NEWNS if own else 0) | (NEWNET if "net" in needs else 0) | (NEWUTS if "uts" in needs else 0)
        if LIBC.unshare(flags | (NEWIPC if own else 0)) != 0:
            raise Void("unshare: " + os.strerror(ctypes.get_errno()))
        if "net" in needs:
            loopback(True)
        folder = self.base / self.token
        if own:
            mount("none", "/", None, MS_REC | MS_PRIVATE)
            mount(
                *(
                    ("none", "/srv", "tmpfs", 0, "mode=755")
                    if where == "tmpfs"
                    else (self.base, "/srv", None, MS_BIND)
                )
            )
            folder = pathlib.Path("/srv") / self.token
        folder.mkdir()
        folder.chmod(0o755)
        self.dir = folder

    def folder(self, *names, mode=0o755, uid=0, gid=0):
        path = self.dir
        for name in names:
            path = path / name
            if not path.exists():
                path.mkdir()
                path.chmod(0o755)
        path.chmod(mode)
        os.chown(path, uid, gid)
        return path

    # the actors

    def slot(self):
        self.slots += 1
        return self.slots

    def actor(self, *arguments):
        made = Actor(self, arguments)
        made.do("comm", self.rng(f"comm{self.slots}").choice(NAMES))
        return made

    def result(self, slot):
        returned, error, pid, began, ended, done, _ = RESULT.unpack_from(self.memory, slot * RESULT.size)
        return {
            "returned": returned,
            "errno": error if returned < 0 else 0,
            "pid": pid,
            "began": began,
            "ended": ended,
            "done": bool(done),
        }

    def pid_of(self, slot):
        return self.result(slot)["pid"]

    def failed_operations(self, actor):
        failed = []
        for line in actor.lines:
            slot, op, *rest = line.split()
            result = self.result(int(slot))
            if result["done"] and result["returned"] < 0:
                failed.append(f"{op} {' '.join(rest)[:60]}: {errno.errorcode.get(result['errno'])}")
        return failed

    def after(self, call, *steps, name="after"):
        """Somebody else does this right after the call."""
        changer = self.actor()
        changer.pause()
        self.arm(changer, call, name)
        for step in steps:
            changer.do(*step)
        changer.start()

    def arm(self, actor, call, name):
        """From here on the actor's plan, which has paused, waits for the call to return and a moment."""
        actor.do("at", call)
        delay = self.pick(name + " delay", [0, 0, 30, 200, 1000, 5000])
        if delay:
            actor.do("spin", delay)
        self.armed.append(actor)
        self.not_quiet()

    def before(self, *steps, name="before"):
        """Somebody else does this a moment before the call."""
        changer = self.actor()
        changer.pause()
        for step in steps:
            changer.do(*step)
        changer.do("sleep", self.pick(name + " delay", [50000, 0, 300, 3000, 20000]))
        changer.ready()
        changer.start()
        self.befores.append(changer)
        self.not_quiet()

    def finish(self, victim):
        """How the victim ends: at once, or a while later."""
        if self.maybe("leaves", 0.2):
            self.not_quiet()
            victim.do("exit", 0)
        else:
            victim.do("sleep", 400000)
            victim.do("exit", 0)

    def expect(self, slot, call, error, causes, **more):
        """What is true of the call in this slot; holders, mentions, others: slots of processes."""
        self.truths.append({"slot": slot, "call": call, "errno": error, "causes": list(causes), **more})

    def expect_end(self, slot, error, causes, ends=None, returns=errno.EINPROGRESS, **more):
        """Of a connect that ends after it has returned (with `returns`): in the operation of slot `ends`,
        which fetches the error, or with which the program gives up (`exits`: by ending itself); None: at
        once. `error`: an errno, or "given_up"."""
        self.expect(slot, "connect", error, causes, ends=ends, returns=returns, **more)

    def expect_silence(self, slot, returns=errno.EINPROGRESS, call="connect", **more):
        """Of a call of which there must be no record."""
        self.not_quiet()
        self.expect(slot, call, returns, [], returns=returns, silent=True, **more)

    def expect_in_use(self, slot, causes, **more):
        self.expect(slot, "bind", errno.EADDRINUSE, causes, **more)

    def expect_refused(self, slot, causes, **more):
        self.expect(slot, "connect", errno.ECONNREFUSED, causes, **more)

    def surroundings(self, victim):
        """Noise that has nothing to do with it."""
        crowd = []
        if self.maybe("noise", 0.12):
            noise = self.actor()
            noise.pause()
            noise.do("socket", 0, 1, 1, 0)
            for n in range(self.number("noise calls", 5, 60)):
                noise.do("unlink", f"{self.dir}/noise-{n}")
                noise.do("connect", 0, struct.pack("=H", 1) + f"{self.dir}/noise-{n}".encode(), 90)
                noise.do("spin", self.number(f"noise {n}", 10, 400))
            crowd.append(noise)
        if self.maybe("load", 0.06):
            load = self.actor()
            load.pause()
            load.do("spin", 150000)
            crowd.append(load)
        if self.maybe("crowd", 0.1):
            for _ in range(3):
                same = self.actor()
                same.ready()
                same.do("stay")
                same.start()
        for one in crowd:
            one.start()
        return crowd

    # playing it

    def play(self, victim):
        """The victim's plan has paused before the call."""
        self.finish(victim)
        victim.start()
        if failed := self.failed_operations(victim):
            raise Void(f"the victim did not become ready: {failed}")
        crowd = self.surroundings(victim)
        time.sleep(SETTLE)
        self.begin = time.time_ns()
        for one in crowd:
            one.go()
        for one in self.befores:
            one.go()
            one.await_said()
        for one in self.armed:
            one.go()
        victim.go()
        end = time.monotonic() + PATIENCE
        while not all(self.has_ended(truth) for truth in self.truths):
            if time.monotonic() > end:
                raise Void(f"the call did not return: {self.failed_operations(victim)}")
            time.sleep(0.003)
        time.sleep(HOLD)

    def has_ended(self, truth):
        end = self.result(truth.get("ends") or truth["slot"])
        left = truth.get("exits") and end["began"]  # such an operation is never done
        return self.result(truth["slot"])["done"] and bool(end["done"] or left)

    def end_of(self, truth):
        """When, and a word where that did not come about as it should."""
        slot, error = truth.pop("ends", None), truth["errno"]
        if slot is None:
            return self.result(truth["slot"])["ended"], ""
        end = self.result(slot)
        want = error if isinstance(error, int) and not truth.get("silent") else 0
        if not truth.pop("exits", False) and end["errno"] != want:
            return 0, f"it ended with {errno.errorcode.get(end['errno'])}, not {errno.errorcode.get(want)}"
        return end["ended"] or end["began"], ""

    def failing_calls(self):
        found, later = [], {t["slot"]: t for t in self.truths if "returns" in t}
        for actor in self.actors:
            for slot, op in actor.calls:
                result = self.result(slot)
                truth = later.get(slot)
                if truth:
                    found += [] if truth.get("silent") else [[result["pid"], "connect", truth["errno"]]]
                elif result["done"] and result["errno"] == errno.EINPROGRESS:
                    found.append([result["pid"], "connect", None])  # a bystander's: it may end in any way
                elif op == "fill" and result["done"]:
                    found.append([result["pid"], "sendto", errno.EAGAIN])
                elif result["done"] and result["returned"] < 0:
                    found.append([result["pid"], WATCHED[op], result["errno"]])
                elif result["began"] and not result["done"]:  # ended in the middle of it: it may have failed
                    found.append([result["pid"], WATCHED[op], None])
        return found

    def judge_inputs(self):
        """What the judge needs to know; raises when a call did not end as it should."""
        end = time.time_ns()  # a bystander may go on: what comes later counts neither as made nor as recorded
        calls = self.failing_calls()
        for truth in self.truths:
            result = self.result(truth["slot"])
            if not result["done"]:
                raise Void("the call was not made")
            if isinstance(truth.get("address"), Address):
                truth["shown"], truth["kind"] = truth["address"].shown, truth["address"].kind
                del truth["address"]
            returns = truth.pop("returns", truth["errno"])
            if result["errno"] != returns:
                want, got = (errno.errorcode.get(n, n) for n in (returns, result["errno"]))
                raise Void(f"{truth['call']} gave {got}, not {want}")
            truth["pid"] = result["pid"]
            truth["time"], fault = self.end_of(truth)
            if fault:
                raise Void(fault)
            for key in ("holders", "mentions", "others"):
                if truth.get(key) is not None:
                    truth[key] = [self.pid_of(slot) for slot in truth[key]]
        results = [result for slot in range(self.slots + 1) if (result := self.result(slot))["done"]]
        return {
            "truths": self.truths,
            "calls": calls,
            "pids": sorted({result["pid"] for result in results}),
            "begin": self.begin - 5_000_000_000,
            "end": end,
        }

    def end(self):
        end_children()
        for clean in self.cleanups:
            clean()
