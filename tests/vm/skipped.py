#!/usr/bin/env python3
"""tests/vm/skipped.py <folder of serial logs>: which tests were skipped, on how many runs, and why.
A test that was skipped by every run of the matrix tests nothing: it is named, and the exit status is 1."""
import collections
import pathlib
import re
import sys

# By the RESULT of a run; the others are parts.
PROGRAMS = {"fexit": "bpf_tests", "tracepoint": "bpf_tests", "loader": "loader_tests"}


def runs_of(log):
    """(program, {test: reason}) of each run of a whole program that came to its end."""
    skipped = {}
    for line in log.read_text(errors="replace").splitlines():
        if found := re.search(r"skipped: ([\w/]+\.[\w/]+): (.*)", line):
            skipped[found[1]] = found[2]
        elif found := re.match(r"RESULT (\w+) (\d+)$", line):
            if found[1] in PROGRAMS and int(found[2]) < 128:
                yield PROGRAMS[found[1]], skipped
            skipped = {}
        elif line.startswith("BACKEND "):
            skipped = {}


def main():
    runs = collections.Counter()
    times = collections.Counter()
    reasons = {}
    for log in sorted(pathlib.Path(sys.argv[1]).glob("serial-*.log")):
        for program, skipped in runs_of(log):
            runs[program] += 1
            for test, reason in skipped.items():
                times[program, test] += 1
                reasons[program, test] = reason
    if not runs["bpf_tests"]:
        print("no run of bpf_tests completed")
        return 1
    everywhere = 0
    for (program, test), count in sorted(times.items()):
        nowhere = count == runs[program]
        everywhere += nowhere
        print(f"{'FAILED: never run' if nowhere else 'skipped'}, {count} of {runs[program]} runs: {program} "
              f"{test}: {reasons[program, test]}")
    return 1 if everywhere else 0


if __name__ == "__main__":
    sys.exit(main())
