#!/usr/bin/env python3
"""agent.py: how long a failing call takes to become a JSON line, and how
long a scrape of 10,000 series takes. Part of scripts/bench."""
import calendar
import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from support import SOCKWARD, Agent, Folder, Program, free_port, pids_root, wait_until  # noqa: E402

CONTAINERS = 2500


def seconds_of(timestamp):
    whole, fraction = timestamp[:-1].split(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + fraction)


def latency(calls):
    """Milliseconds from the end of a failing call, by its record,
    until its line could be read from standard output."""
    port, settings = free_port(), pathlib.Path(Folder() / "sockward.yml")
    settings.write_text("records: {fold: 0}\n")
    agent = Program(SOCKWARD, "run", f"--web.listen-address=127.0.0.1:{port}",
                    f"--restart.pin-path=/sys/fs/bpf/sockward-bench-{port}",
                    "--records.output=json", f"--config.file={settings}", stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE, text=True)
    while "attached" not in agent.process.stderr.readline():
        pass
    arrived = []

    def read():
        for line in agent.process.stdout:
            arrived.append((time.time(), json.loads(line)))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    held.listen(1)
    for _ in range(calls):
        with socket.socket() as other:  # another socket, process or address each time would be the same
            try:
                other.bind(("127.0.0.1", held.getsockname()[1]))
            except OSError:
                pass
        time.sleep(0.12)  # below limits.address_rate
    agent.stop()
    reader.join(5)
    mine = [(when, record) for when, record in arrived
            if record["attributes"].get("process.pid") == os.getpid()]
    first = [1000 * (when - seconds_of(record["timestamp"])) for when, record in mine
             if "sockward.repeats" not in record["attributes"]]
    return sorted(first)


def starts(count):
    """Milliseconds from exec to "attached", and from there to the
    record of the first call, by the agent's own lines."""
    attached, first = [], []
    for _ in range(count):
        port = free_port()
        began = time.perf_counter()
        agent = Program(SOCKWARD, "run", f"--web.listen-address=127.0.0.1:{port}", "--restart.pin-path=off",
                        "--records.output=json", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while "attached" not in agent.process.stderr.readline():
            pass
        attached.append(1000 * (time.perf_counter() - began))
        began = time.perf_counter()
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            try:
                other.bind(one.getsockname())
            except OSError:
                pass
        agent.process.stdout.readline()
        first.append(1000 * (time.perf_counter() - began))
        agent.stop()
    return sorted(attached), sorted(first)


def fail_in(container):
    os.makedirs(container, exist_ok=True)
    child = os.fork()
    if child == 0:
        with open(f"{container}/cgroup.procs", "w", encoding="ascii") as procs:
            procs.write("0")
        with socket.socket(socket.AF_UNIX) as one:
            for call in (lambda: one.bind("/sockward-none/x"), lambda: one.bind("/tmp"),
                         lambda: one.connect("/sockward-none/x"), lambda: os.unlink("/sockward-none/x")):
                try:
                    call()
                except OSError:
                    pass
        os._exit(0)
    os.waitpid(child, 0)


def scrape():
    """(series, milliseconds of a scrape, bytes, resident MiB)"""
    config = ("metrics: {container_name_cap: 10000}\n"
              "limits: {source_entries: 32768}\n"
              "probes: {errno: [EMFILE]}\n")
    root = f"{pids_root()}/docker"
    with Agent(config=config) as agent:
        containers = [f"{root}/{number:012x}{'0' * 52}" for number in range(CONTAINERS)]
        for container in containers:
            fail_in(container)
        wait_until(lambda: len(agent.metrics()) >= 4 * CONTAINERS, 30, "all series")
        times = []
        for _ in range(20):
            began = time.perf_counter()
            text = agent.get("/metrics").read()
            times.append(1000 * (time.perf_counter() - began))
        for folder in [*containers, root]:
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        series = sum(1 for line in text.splitlines() if line and not line.startswith(b"#"))
        with open(f"/proc/{agent.pid}/status", encoding="ascii") as status:
            resident = [int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS")][0]
        return series, statistics.median(times), len(text), resident


def main():
    attached, first = starts(15)
    print(f"start to attached, ms: median {statistics.median(attached):.0f}, least {attached[0]:.0f}, most "
          f"{attached[-1]:.0f} ({len(attached)} starts); from there to the first call's line: median "
          f"{statistics.median(first):.1f}")
    times = latency(100)
    print(f"call to JSON line, ms: median {statistics.median(times):.2f}, 95 % "
          f"{times[int(len(times) * 0.95)]:.2f}, most {times[-1]:.2f} ({len(times)} calls)")
    series, milliseconds, size, resident = scrape()
    print(f"scrape of {series:,} series: {milliseconds:.1f} ms, {size / 1e6:.2f} MB; the agent then has "
          f"{resident:.1f} MiB")


if __name__ == "__main__":
    main()
