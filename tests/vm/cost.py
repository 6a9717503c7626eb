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
import statistics
import sys

LINE = re.compile(r"^(COST|PROGRAM|RUNS|SECONDS|MISSING|KERNEL) ([\w.+~-]+)(?: (.*))?$")
BACKENDS = ("fexit", "tracepoint")
MARKS = ("<!-- instructions -->", "<!-- end -->")
# Of the whole call: so much a timer or a page more or less makes of it from run to run.
TOLERANCE = 0.02
BUDGET_HEAD = """\
# Instructions that a call costs more than bare with sockward, by kernel and backend. Written by
# ./scripts/cost --update-budget, compared by ./scripts/cost --check.
# kernel  backend  call  instructions-more-than-bare
"""


def collect(kernel, log):
    """{"kernel", "release", "calls": {observer: {call: instructions}},
    "programs": {observer: {program: [runs, instructions of all]}}, "missing": {observer: reason}}"""
    found = {"kernel": kernel, "release": "", "calls": {}, "programs": {}, "missing": {}}
    costs = {}
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
            costs.setdefault(observer, {}).setdefault(words[0], []).append(float(words[1]))
        else:
            runs = found["programs"].setdefault(observer, {}).setdefault(words[0], [0, 0])
            if kind == "RUNS":
                runs[0] = int(words[1])
            elif kind == "SECONDS":
                runs[1] = round(float(words[1]) * 1e9)
            else:
                runs[:] = int(words[1]), int(words[2])
    # Bare calls are measured first and last.
    found["calls"] = {observer: {call: round(statistics.mean(values), 1) for call, values in calls.items()}
                      for observer, calls in costs.items()}
    return found


def more(result, observer, call):
    """Instructions more than bare; None where there is no figure."""
    calls = result["calls"].get(observer)
    return round(calls[call] - result["calls"]["bare"][call]) if calls else None


def observers_of(result, backend):
    names = [f"floor-{backend}", f"sockward-{backend}"]
    if backend == "tracepoint" and ("floor-raw" in result["calls"] or "floor-raw" in result["missing"]):
        names.insert(1, "floor-raw")
    names += [name for name in (*result["calls"], *result["missing"])
              if name.startswith(f"bpftrace-{backend}")]
    return [name for name in names if name in result["calls"] or name in result["missing"]]


def row(cells):
    return "| " + " | ".join(cells) + " |"


def number(value):
    return "-" if value is None else f"{value:,}"


def table(result, backend):
    observers = observers_of(result, backend)
    yield row([f"{result['kernel']}, {backend}", "bare",
               *(name.replace(f"-{backend}", "").replace("-", " ") for name in observers)])
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


def tables(results):
    for result in results:
        yield from ("", f"### {result['kernel']} ({result['release']})")
        for backend in BACKENDS:
            if observers_of(result, backend):
                yield from ("", *table(result, backend))
        for observer, why in result["missing"].items():
            yield from ("", f"{observer.replace('-', ', ')}: no figure ({why}).")
    yield from ("", "### One run of a program", "", *run_table(results))


def write(document, results):
    text = document.read_text()
    begin, end = text.index(MARKS[0]), text.index(MARKS[1])
    document.write_text("\n".join([text[:begin] + MARKS[0], *tables(results), ""]) + "\n" + text[end:])


def measured(results):
    """{(kernel, backend, call): instructions more than bare} with sockward."""
    return {(result["kernel"], backend, call): more(result, f"sockward-{backend}", call)
            for result in results for backend in BACKENDS if f"sockward-{backend}" in result["calls"]
            for call in result["calls"]["bare"]}


def budget(path):
    lines = [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return {tuple(words[:3]): int(words[3]) for words in lines}


def version(kernel):
    """Of "6.12" or "6.12-arm64", to sort by."""
    number, _, arch = kernel.partition("-")
    return arch, [int(part) for part in number.split(".")]


def update(path, results):
    """Kernels and backends that were not measured keep what they have."""
    known = budget(path) if path.exists() else {}
    new = measured(results)
    known = {key: value for key, value in known.items() if key[:2] not in {key[:2] for key in new}} | new
    order = sorted(known.items(), key=lambda item: (version(item[0][0]), item[0][1]))
    path.write_text(BUDGET_HEAD + "".join(f"{' '.join(key)} {value}\n" for key, value in order))


def check(path, results):
    """0 when no call costs more than TOLERANCE above its budget, by what the whole call costs."""
    known, grown, cheaper = budget(path), 0, 0
    bare = {result["kernel"]: result["calls"]["bare"] for result in results}
    missing = [f"{result['kernel']} {name}: {why}" for result in results
               for name, why in result["missing"].items() if name.startswith("sockward")]
    for (kernel, backend, call), now in measured(results).items():
        was = known.get((kernel, backend, call))
        if was is None:
            missing.append(f"{kernel} {backend} {call}: the budget has no line")
            continue
        whole = bare[kernel][call] + was
        if abs(now - was) <= TOLERANCE * whole:
            continue
        grown, cheaper = grown + (now > was), cheaper + (now < was)
        print(f"{kernel} {backend} {call}: {'FAILED, grown' if now > was else 'cheaper'}: was {was:,} more "
              f"than bare, is {now:,} ({100 * (now - was) / whole:+.1f} % of the whole call)")
    for line in missing:
        print("FAILED: " + line)
    kernels = " ".join(bare)
    if grown or missing:
        print(f"next: make it cheaper; or ./scripts/cost --update-budget {kernels}, after deciding that it "
              "is worth it")
    elif cheaper:
        print(f"next: lower the budget: ./scripts/cost --update-budget {kernels}")
    else:
        print(f"instructions of {kernels}: as {path.name} has them")
    return 1 if grown or missing else 0


def main():
    task, arguments = sys.argv[1], [pathlib.Path(argument) for argument in sys.argv[2:]]
    if task == "collect":
        found = collect(sys.argv[2], arguments[1])
        arguments[2].write_text(json.dumps(found, indent=1) + "\n")
        return 0 if any(name.startswith("sockward") for name in found["calls"]) else 1
    first = 0 if task == "print" else 1
    results = [json.loads(path.read_text()) for path in arguments[first:]]
    if task == "print":
        print("\n".join(tables(results)))
        return 0
    return {"write": write, "check": check, "update": update}[task](arguments[0], results) or 0


sys.exit(main())
