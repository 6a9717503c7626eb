#!/usr/bin/env python3
"""diagnosis.py [AGENT…]: CPU time of the agent for one failing
call, from its record to the JSON line, by cause.

Each agent given (default: the release build) is started in turn, three times, so that a
slow phase of the machine hits all; the least of the three counts. Run as root.
"""
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALLS, PAUSE, ROUNDS = 200, 0.005, 3
NOBODY = 65534


def as_nobody(call):
    def run():
        os.seteuid(NOBODY)
        try:
            call()
        finally:
            os.seteuid(0)
    return run


def unix(method, name):
    def call():
        with socket.socket(socket.AF_UNIX) as one:
            getattr(one, method)(name)
    return call


def bind_port(port):
    def call():
        with socket.socket() as one:
            one.bind(("127.0.0.1", port))
    return call


def failures(folder, kept):
    """{what fails: the call}; `kept` takes what has to stay open."""
    def server(name):
        kept.append(socket.socket(socket.AF_UNIX))
        kept[-1].bind(name)
        kept[-1].listen(1)
        return name
    port = socket.socket()
    kept.append(port)
    port.bind(("127.0.0.1", 0))
    port.listen(1)
    served = server(f"{folder}/served.sock")
    os.chmod(served, 0o600)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(f"{folder}/stale.sock")
    abstract = server(f"\0bench-{os.getpid()}")
    return {
        "bind of a port that is taken": bind_port(port.getsockname()[1]),
        "bind of an abstract name that is taken": unix("bind", abstract),
        "bind of a socket file that is served": unix("bind", served),
        "bind of a stale socket file": unix("bind", f"{folder}/stale.sock"),
        "bind in a directory of root's": as_nobody(unix("bind", f"{folder}/new.sock")),
        "connect to a socket of root's": as_nobody(unix("connect", served)),
        "connect to a stale socket file": unix("connect", f"{folder}/stale.sock"),
    }


def cpu_of(pid):
    return time.clock_gettime(~pid << 3 | 2)  # CPUCLOCK_SCHED of the process, as clock_getcpuclockid() has it


def records_of(path):
    with open(path, "rb") as lines:
        found = [json.loads(line) for line in lines if line.endswith(b"\n")]
    return [r["attributes"] for r in found if r["attributes"].get("process.pid") == os.getpid()]


def measure(agent, folder):
    """{what fails: (microseconds a call, cause)}"""
    output, kept, taken = f"{folder}/records", [], {}
    with open(output, "wb") as to:
        program = subprocess.Popen([agent, "trace", "--json"], stdout=to, stderr=subprocess.PIPE)
    try:
        while b"attached" not in program.stderr.readline():
            if program.poll() is not None:
                sys.exit(f"{agent} did not start")
        time.sleep(1)
        for what, call in failures(folder, kept).items():
            before, began = len(records_of(output)), cpu_of(program.pid)
            for _ in range(CALLS):
                with contextlib.suppress(OSError):
                    call()
                time.sleep(PAUSE)
            end = time.monotonic() + 10
            while len(records_of(output)) < before + CALLS and time.monotonic() < end:
                time.sleep(0.2)
            found = records_of(output)[before:]
            if len(found) != CALLS:
                sys.exit(f"{agent}: {len(found)} of {CALLS} records of: {what}")
            taken[what] = (1e6 * (cpu_of(program.pid) - began) / CALLS, found[-1]["sockward.cause"])
    finally:
        program.terminate()
        program.wait()
        for one in kept:
            one.close()
    return taken


def main():
    agents = sys.argv[1:] or [str(ROOT / "build/release/bin/sockward")]
    least = {}
    for _ in range(ROUNDS):
        for agent in agents:
            with tempfile.TemporaryDirectory(prefix="sockward-bench-", dir="/var/tmp") as folder:
                os.chmod(folder, 0o755)
                for what, (taken, cause) in measure(agent, folder).items():
                    least[what, agent] = min(least.get((what, agent), (1e9, cause)), (taken, cause))
    for what in dict.fromkeys(what for what, _ in least):
        print("diagnosis, us of CPU: " + f"{what:<40}"
              + "  ".join(f"{least[what, a][0]:8.0f} {least[what, a][1]}" for a in agents))


if __name__ == "__main__":
    main()
