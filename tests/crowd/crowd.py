#!/usr/bin/env python3
"""crowd.py SOCKETS LISTENERS SECONDS: so many sockets of many kinds, so
many of them listeners, in a network namespace of their own; then binds
that fail because a listener has the name: one that came after the agent,
or one that was there before it. Prints how many holders were named, how
sure the agent was, and what that cost. Part of scripts/crowd."""
import ctypes
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import signal
import socket
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from support import Agent, Folder, fork, run, wait_until  # noqa: E402

CLONE_NEWNET = 0x40000000
KINDS = ("tcp", "abstract", "file")
RATES = (1, 10)
# Of a hundred sockets. The rest has no name: pairs of AF_UNIX.
CONNECTED, UDP, BOUND_ONLY = 30, 14, 15


def listener(kind, owner, number, folder):
    """The name of a listener of this owner: the argument of bind."""
    if kind == "tcp":
        return (f"127.{owner // 250 + 1}.{owner % 250}.1", 2000 + number)
    # Names that resemble each other fall into the same of the kernel's few buckets, which is slow.
    name = hashlib.sha256(f"{owner} {number}".encode()).hexdigest()[:24]
    return b"\0" + name.encode() if kind == "abstract" else f"{folder}/{owner}-{name}"


def text_of(name):
    """The address as records have it."""
    if isinstance(name, tuple):
        return f"{name[0]}:{name[1]}"
    return "unix:" + (name if isinstance(name, str) else name.decode().replace("\0", "@"))


def family(kind):
    return socket.AF_INET if kind == "tcp" else socket.AF_UNIX


def listen(kind, owner, number, folder):
    made = socket.socket(family(kind))
    made.bind(listener(kind, owner, number, folder))
    made.listen(16)
    return made


def connected(home, pairs):
    server = socket.create_server((home, 1999), backlog=16)
    held = [server]
    for _ in range(pairs):
        client = socket.create_connection((home, 1999))
        held += [client, server.accept()[0]]
    return held


def fill(owner, share, listeners, folder):
    """Makes `share` sockets. The listeners come last: a pass over all files meets them after the others."""
    parts = share // 100
    home = listener("tcp", owner, 0, folder)[0]
    held = connected(home, parts * CONNECTED // 2)
    for number in range(parts * UDP):
        held.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        held[-1].bind((home, 2000 + number))
    for _ in range(parts * BOUND_ONLY):
        held.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        held[-1].bind(b"\0-" + os.urandom(12).hex().encode())
    for number in range(listeners):
        held += [listen(kind, owner, number, folder) for kind in KINDS]
    while len(held) < share:
        held += socket.socketpair()
    return held


def member(owner, share, listeners, folder, came):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    held = fill(owner, share, listeners, folder)
    os.write(came, len(held).to_bytes(4, "little"))
    os.close(came)
    signal.pause()


class Crowd:
    """Processes full of sockets, in the network namespace of the caller, while the body of a `with` runs."""

    def __init__(self, sockets, listeners):
        self.folder = Folder()
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100
        count = -(-sockets // most)
        self.share = sockets // count
        self.each = -(-listeners // (count * len(KINDS)))  # of a kind, in a process
        self.members, self.sockets = [], 0
        self.count = count

    def __enter__(self):
        coming, came = os.pipe()
        for owner in range(self.count):
            self.members.append(fork(lambda owner=owner: member(owner, self.share, self.each,
                                                                self.folder.path, came)))
        os.close(came)
        for _ in self.members:
            made = os.read(coming, 4)
            if not made:
                self.__exit__()
                raise SystemExit("crowd: a process could not make its sockets\n"
                                 "  next: ask for fewer, or free memory (a million take some 4 GiB)")
            self.sockets += int.from_bytes(made, "little")
        os.close(coming)
        return self

    def __exit__(self, *error):
        for one in self.members:
            os.kill(one, signal.SIGKILL)
        for one in self.members:
            os.waitpid(one, 0)

    def targets(self, count):
        """Names of listeners that differ, with their holders: (kind, name, pid)."""
        chosen = random.Random(1)
        every = [(owner, number) for owner in range(self.count) for number in range(self.each)]
        picked = chosen.sample(every, min(count, len(every)))
        return [(KINDS[i % 3], listener(KINDS[i % 3], *which, self.folder.path), self.members[which[0]])
                for i, which in enumerate(picked)]


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return sum(map(int, stat.read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


def forget_peak(pid):
    """From now on peak_mib() is that of what follows (proc_pid_clear_refs(5))."""
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def fail_at(targets, rate, seconds):
    """Binds that fail, so many a second. Returns the targets that were tried."""
    began, tried = time.monotonic(), []
    while time.monotonic() - began < seconds:
        kind, name, _ = tried_now = targets[len(tried) % len(targets)]
        with socket.socket(family(kind)) as attempt:
            try:
                attempt.bind(name)
                raise AssertionError(f"{name} was free")
            except OSError:
                tried.append(tried_now)
        time.sleep(max(0.0, began + len(tried) / rate - time.monotonic()))
    return tried


def judge(agent, tried, seen):
    """What the records say of the binds: holders that were named, and how sure."""
    wait_until(lambda: len(mine(agent)) - seen >= len(tried), 15, "a record of each bind")
    found = mine(agent)[seen:]
    pids = {text_of(name): pid for _, name, pid in tried}
    named = [one for one in found if one.get("sockward.holder.pid") == pids.get(one["sockward.address"])]
    wrong = [one for one in found if one not in named and one["sockward.confidence"] == "certain"]
    return {"asked": len(tried), "named": len(named), "wrong": len(wrong),
            "certain": sum(one["sockward.confidence"] == "certain" for one in named),
            "records": found}


def mine(agent):
    return [record["attributes"] for record in agent.records()
            if record["attributes"].get("process.pid") == os.getpid()
            and record["attributes"].get("sockward.syscall.name") == "bind"]


def measure(agent, targets, rate, seconds):
    seen, before = len(mine(agent)), cpu_seconds(agent.pid)
    began = time.monotonic()
    tried = fail_at(targets, rate, seconds)
    used = (cpu_seconds(agent.pid) - before) / (time.monotonic() - began)
    return {"rate": rate, "cpu": used, "peak": peak_mib(agent.pid), **judge(agent, tried, seen)}


def in_own_network(body):
    """Runs `body` in a child with a network namespace of its own. Returns what it returns, by way of JSON."""
    def child():
        ctypes.CDLL(None).unshare(CLONE_NEWNET)
        run("ip", "link", "set", "lo", "up")
        result = json.dumps(body()).encode()
        while result:
            result = result[os.write(answer, result):]
        os._exit(0)

    reading, answer = os.pipe()
    pid = fork(child)
    os.close(answer)
    with os.fdopen(reading) as text:
        result = text.read()
    os.waitpid(pid, 0)
    return json.loads(result)


def later_listeners(count):
    """Listeners of this very process, which the name table has from their bind."""
    folder, owner = Folder(), 20_000
    held = [listen(KINDS[i % 3], owner, i, folder.path) for i in range(count)]
    return held, [(KINDS[i % 3], listener(KINDS[i % 3], owner, i, folder.path), os.getpid())
                  for i in range(count)]


def run_crowd(sockets, listeners, seconds, rates=RATES):
    began = time.monotonic()
    with Crowd(sockets, listeners) as crowd:
        result = {"sockets": crowd.sockets, "processes": crowd.count, "made": time.monotonic() - began,
                  "listeners": crowd.count * crowd.each * len(KINDS), "rows": []}
        began = time.monotonic()
        with Agent("--log.level=debug", output="json", config="records: {fold: 0}\n") as agent:
            result.update(start=time.monotonic() - began, start_peak=peak_mib(agent.pid),
                          start_cpu=cpu_seconds(agent.pid))
            forget_peak(agent.pid)
            _held, later = later_listeners(max(rates) * seconds)
            time.sleep(1)
            idle = cpu_seconds(agent.pid)
            time.sleep(5)
            result["idle"] = (cpu_seconds(agent.pid) - idle) / 5
            for what, targets in (("bound later", later), ("there before", crowd.targets(len(later)))):
                for rate in rates:
                    result["rows"].append({"listener": what, **measure(agent, targets, rate, seconds)})
            result["log"] = agent.said()
    return result


def main():
    sockets, listeners, seconds = map(int, sys.argv[1:4])
    result = in_own_network(lambda: run_crowd(sockets, listeners, seconds))
    print(f"{result['sockets']:,} sockets, {result['listeners']:,} of them listeners, in "
          f"{result['processes']} processes, made in {result['made']:.0f} s; "
          f"kernel {os.uname().release}, {os.cpu_count()} CPUs")
    print(f"start to ready {result['start']:.2f} s, {result['start_cpu']:.2f} s of CPU, "
          f"{result['start_peak']:.1f} MiB at most; idle {result['idle']:.1%} of a core")
    scans = re.findall(r"scan of (all|some) sockets: ([\d.]+) ms, (\d+) found, (\d+) left out",
                       result["log"])
    for which, ms, found, left_out in scans[:1] + sorted(scans[1:])[:1]:
        print(f"a scan of {which} took {float(ms):.0f} ms: {int(found):,} found, {int(left_out):,} left out")
    print(f"{len(scans)} scans")
    print("| listener | failures/s | holder named | certain | CPU | peak MiB, after the start |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for row in result["rows"]:
        print(f"| {row['listener']} | {row['rate']} | {row['named']} of {row['asked']} | {row['certain']} | "
              f"{row['cpu']:.1%} | {row['peak']:.1f} |")
    for row in result["rows"]:
        for what, wrong in (("a wrong holder was named as certain", row["wrong"]),
                            ("a holder was not named", row["named"] < row["asked"]),
                            ("more than 10 % of a core", row["cpu"] > 0.1),
                            ("more than 32 MiB", row["peak"] > 32)):
            if wrong:
                print(f"MISSED: {row['listener']}, {row['rate']} a second: {what}")
                result["missed"] = True
    return 1 if result.get("missed") else 0


if __name__ == "__main__":
    sys.exit(main())
