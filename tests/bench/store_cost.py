#!/usr/bin/env python3
"""store_cost.py: what the record store costs the agent: CPU time of a record, from the failing call to the
JSON line, and resident memory, without a store and with one. Part of scripts/bench."""
import contextlib
import pathlib
import socket
import sqlite3
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from support import Agent, Folder, wait_until  # noqa: E402

CALLS, PAUSE, ROUNDS = 6000, 0.002, 3
CONFIG = "records: {fold: 0}\nlimits: {source_rate: 0, address_rate: 0}\n"


def cpu_of(pid):
    return time.clock_gettime(~pid << 3 | 2)  # CPUCLOCK_SCHED of the process, as clock_getcpuclockid() has it


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def fail(number):
    with socket.socket(socket.AF_UNIX) as one, contextlib.suppress(OSError):
        one.connect(f"/sockward-none/{number % 200}.sock")


def records_in(store):
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
        return database.execute("select count(*) from records").fetchone()[0]


def measure(store):
    """(microseconds of CPU a record, resident MiB at start, and after all)"""
    flags = [f"--records.store={store}"] if store else ["--records.store=off"]
    with Agent(*flags, config=CONFIG) as agent:
        time.sleep(1)
        before, resident = cpu_of(agent.pid), resident_kib(agent.pid)
        for number in range(CALLS):
            fail(number)
            time.sleep(PAUSE)
        if store:
            wait_until(lambda: records_in(store) >= CALLS, 30, "all records are in the store")
        else:
            time.sleep(1)
        return 1e6 * (cpu_of(agent.pid) - before) / CALLS, resident / 1024, resident_kib(agent.pid) / 1024


def main():
    least = {}
    for _ in range(ROUNDS):
        for what in ("without", "with"):
            store = Folder() / "records.db" if what == "with" else None
            taken = measure(store)
            least[what] = min(least.get(what, taken), taken)
    for what, (cpu, begin, end) in least.items():
        print(f"agent {what} a store: {cpu:.0f} us of CPU a record, {begin:.1f} MiB at the start, "
              f"{end:.1f} MiB after {CALLS:,} records")


if __name__ == "__main__":
    main()
