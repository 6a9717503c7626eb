#!/usr/bin/python3 -B
"""cost.py: what scripts/cost measured, in instructions.

  cost.py collect KERNEL LOG RESULT        figures of a machine's serial log, as JSON
  cost.py print RESULT…                    their tables, in Markdown
  cost.py write DOCUMENT RESULT…           … put between the markers of the document
  cost.py check BUDGET RESULT…             fails when a call costs more than the budget says
  cost.py update BUDGET RESULT…            writes what was measured into the budget
"""
import json
import pathlib
import re
import sys

LINE = re.compile(r"^(COST|PROGRAM|RUNS|SECONDS|MISSING|KERNEL) ([\w.+~-]+)(?: (.*))?$")
BACKENDS = ("fexit", "tracepoint")
# Of one task's clock and of 2 in a hundred nothing is said: a page fault or a timer more or less.
TOLERANCE = 0.02
BUDGET_HEAD = """\
# Instructions that a call costs more than bare with sockward, by kernel and backend. Written by
# ./scripts/cost --update-budget, compared by ./scripts/cost --check.
# kernel  backend  call  instructions-more-than-bare
"""


def collect(kernel, log):
    """{"kernel", "release", "calls": {observer: {call: instructions}}, "programs": {observer: {program: [runs,
    instructions of all]}}, "missing": {observer: reason}}"""
    found = {"kernel": kernel, "release": "", "calls": {}, "programs": {}, "missing": {}}
    for line in log.read_text(errors="replace").splitlines():
        if not (match := LINE.match(line)):
            continue
        kind, observer, rest = match.groups()
        words = (rest or "").split()
        if kind == "KERNEL":
            found["release"] = observer
        elif kind == "MISSING":
            found["missing"][observer] = rest or ""
        elif kind == "COST":
            found["calls"].setdefault(observer, {})[words[0]] = float(words[1])
        else:
            runs = found["programs"].setdefault(observer, {}).setdefault(words[0], [0, 0])
            if kind == "RUNS":
                runs[0] = int(words[1])
            elif kind == "SECONDS":
                runs[1] = round(float(words[1]) * 1e9)
            else:
                runs[:] = int(words[1]), int(words[2])
    return found


def more(result, observer, call):
    """Instructions more than bare; None where there is no figure."""
    calls = result["calls"].get(observer)
    return round(calls[call] - result["calls"]["bare"][call]) if calls else None


def observers_of(result):
    names = [name for backend in BACKENDS for name in (f"floor-{backend}", f"sockward-{backend}")]
    names += [name for name in result["calls"] if name.startswith("bpftrace")]
    names += [name for name in result["missing"] if name not in names]
    return [name for name in names if name in result["calls"] or name in result["missing"]]


def row(cells):
    return "| " + " | ".join(cells) + " |"


def number(value):
    return "-" if value is None else f"{value:,}"


def table(result):
    observers = observers_of(result)
    yield row(["call", "bare", *(name.replace("-", ", ") for name in observers)])
    yield row(["---", *["---:"] * (len(observers) + 1)])
    for call, bare in result["calls"]["bare"].items():
        yield row([call, number(round(bare)), *(number(more(result, name, call)) for name in observers)])


def run_table(results):
    """Instructions of one run of each program that ran often enough to say."""
    costs = {}
    for result in results:
        for observer, programs in result["programs"].items():
            for program, (runs, spent) in programs.items():
                if runs >= 100:
                    costs.setdefault((observer, program), {})[result["kernel"]] = round(spent / runs)
    kernels = [result["kernel"] for result in results]
    yield row(["observer", "program", *kernels])
    yield row(["---", "---", *["---:"] * len(kernels)])
    for (observer, program), cells in sorted(costs.items()):
        yield row([observer.replace("-", ", "), program, *(number(cells.get(kernel)) for kernel in kernels)])


def document(results):
    lines = []
    for result in results:
        lines += [f"### On {result['kernel']} ({result['release']})", "", *table(result), ""]
        lines += [f"{observer}: no figure: {why}\n" for observer, why in result["missing"].items()]
    lines += ["### One run of a program", "", *run_table(results)]
    return "\n".join(lines)


def main():
    task, arguments = sys.argv[1], [pathlib.Path(argument) for argument in sys.argv[2:]]
    if task == "collect":
        kernel, log, target = sys.argv[2], *arguments[1:]
        found = collect(kernel, log)
        target.write_text(json.dumps(found, indent=1) + "\n")
        return 0 if len(found["calls"]) > 1 else 1
    first = 0 if task == "print" else 1
    results = [json.loads(path.read_text()) for path in arguments[first:]]
    if task == "print":
        print(document(results))
        return 0
    return 2


sys.exit(main())
