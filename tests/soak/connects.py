#!/usr/bin/env python3
"""connects.py THOUSANDS: an agent while so many thousand TCP connects are accepted, refused and given up, as
fast as they can be made (tests/programs/connects.cpp). Fails when one was not counted or was invented, when
the table of pending connects keeps an entry, or when the agent grows."""
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from support import Agent, OwnContainer, Program, total  # noqa: E402
from test_outcomes import CONNECTS, missed, outcomes, pending_table, tally_of  # noqa: E402

TASKS = 2
GROWTH = 0.75  # MiB, between the second and the last quarter, as in soak.py
UNTRACKED = "sockward_connects_untracked_total"


def resident(metrics):
    return total(metrics, "process_resident_memory_bytes") / (1 << 20)


def play(agent, container, count):
    """(the client's own tally, samples of the resident memory, connects a second)"""
    client = Program(CONNECTS, "churn", str(count), str(TASKS), stdout=subprocess.PIPE, text=True,
                     preexec_fn=container.enter)
    samples, began = [], time.monotonic()
    while client.process.poll() is None:
        samples.append(resident(agent.metrics()))
        time.sleep(1)
    took = time.monotonic() - began
    said = client.process.stdout.read()
    if client.process.returncode != 0:
        sys.exit(f"connects ended with {client.process.returncode}: {said}")
    return tally_of(said), samples, count * TASKS / took


def main():
    count = int(sys.argv[1]) * 1000 // TASKS
    with OwnContainer() as container, Agent() as agent:
        before = agent.metrics()
        (made, filling), samples, rate = play(agent, container, count)
        time.sleep(2)  # what filled the queue ends with the client
        after = agent.metrics()
        counted = outcomes(after, container, "inet")
        skipped = int(missed(after) - missed(before))
        left = sum(not pathlib.Path(f"/proc/{pid}").exists() for pid in pending_table(agent))
        untracked = int(total(after, UNTRACKED) - total(before, UNTRACKED))
    made = made["inet"]
    quarter = max(len(samples) // 4, 1)
    early, late = statistics.median(samples[quarter : 2 * quarter]), statistics.median(samples[-quarter:])
    print(f"{count * TASKS:,} connects, {rate:,.0f} a second: made {made} and {filling} that filled a queue,")
    print(f"counted {counted}, {skipped} runs skipped by the kernel, {untracked} untracked")
    print(f"entries left: {left}; resident: {early:.2f} MiB in the second quarter, {late:.2f} in the last")
    faults = []
    difference = sum(counted.values()) - sum(made.values()) - filling
    if not -skipped <= difference <= 0:
        faults.append(f"{difference:+} connects were counted")
    for outcome, number in made.items():
        if not -skipped <= counted[outcome] - number <= filling:
            faults.append(f"{outcome}: made {number}, counted {counted[outcome]}")
    if left > skipped:
        faults.append(f"{left} entries are left in the table")
    if untracked:
        faults.append(f"{untracked} found no room in the table")
    if late > early + GROWTH:
        faults.append(f"the agent grew from {early:.2f} to {late:.2f} MiB")
    print("\n".join("FAILED: " + fault for fault in faults) or "passed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
