#!/usr/bin/python3 -B
"""Plays random situations whose cause is known by construction beside one agent, and judges every record.

  run.py [--seed N] [--count N] [--kinds WORD,…]     a table by kind; exit code 1 when a limit is passed
  run.py --again KIND/SEED/NUMBER [--without NAME,…]  one situation, and what the agent said of it
  run.py --compare OLD.json NEW.json                 what was certain and right in OLD and is no more in NEW
  run.py --list                                      the kinds
Needs root: namespaces of its own, temporary folders, loopback. The machine's name, mounts and network stay.
"""
import argparse
import json
import os
import pathlib
import random
import signal
import sys

import kinds
import reduce
import report
from session import HERE, Session


def draw(options):
    """The tasks of a seed: which kinds, in which order."""
    words = [word for word in (options.kinds or "").split(",") if word]
    found = [k for name, k in sorted(kinds.KINDS.items()) if not words or any(word in name for word in words)]
    if not found:
        sys.exit("no kind has that name; next: run.py --list")
    rng = random.Random(options.seed)
    drawn = rng.choices(found, [k.weight for k in found], k=options.count)
    return [{"kind": k.name, "seed": options.seed, "number": n} for n, k in enumerate(drawn)]


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    root = HERE.parents[1]
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--kinds", help="only kinds whose name contains one of these words")
    parser.add_argument(
        "--sockward", default=os.environ.get("SOCKWARD", str(root / "build/release/bin/sockward"))
    )
    parser.add_argument("--json", help="writes every situation and its verdict")
    parser.add_argument("--summary", help="writes what passed and failed, for scripts/test")
    parser.add_argument("--markdown", help="writes the table for docs/truth.md")
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument(
        "--reduce", action="store_true", help="looks for the smallest input of each kind of fault"
    )
    parser.add_argument("--patience", type=float, default=600, help="seconds to wait for a calm machine")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begins no new one after so many")
    parser.add_argument("--again", action="append", help="KIND/SEED/NUMBER")
    parser.add_argument("--without", default="", help="ingredients left out of --again")
    parser.add_argument("--compare", nargs=2, metavar=("OLD", "NEW"))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--budget",
                        default="wrongly certain=0,missing=0,phantom=0,wrong=1%,vague=10%,late=2%")
    return parser.parse_args()


def again_tasks(options):
    for name in options.again:
        kind, seed, number = name.rsplit("/", 2)
        yield {"kind": kind, "seed": int(seed), "number": int(number), "without": options.without.split(",")}


def main():
    options = arguments()
    kinds.load()
    if options.list:
        print(
            "\n".join(
                f"{name:<45} {kind.build.__doc__ or ''}".rstrip()
                for name, kind in sorted(kinds.KINDS.items())
            )
        )
        return 0
    if options.compare:
        return report.compare(*options.compare)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    session = Session(options)
    try:
        tasks = list(again_tasks(options)) if options.again else draw(options)
        situations, took = session.judge(tasks)
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps(report.kept(situations, options)))
        if options.again:
            print(json.dumps(situations, indent=1))
            return 0
        faults = report.tell(situations, took, options)
        if options.summary:
            pathlib.Path(options.summary).write_text(json.dumps(report.summary(situations, options.budget)))
        if options.reduce:
            reduce.reduce(session, situations)
        return 1 if faults else 0
    finally:
        session.close()


if __name__ == "__main__":
    sys.exit(main())
