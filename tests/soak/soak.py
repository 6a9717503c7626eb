#!/usr/bin/env python3
"""soak.py MINUTES FOLDER: an agent with its defaults while processes, namespaces, containers and
sockets come and go (tests/programs/churn.cpp). Writes report.md, samples.csv and report.svg into
FOLDER; fails when memory, files, threads, maps or series grow, when a call was not counted, or when
something is left in the kernel."""
import csv
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from support import BUILD, Agent, Folder, Program, parse_metrics, pids_root, total  # noqa: E402
from test_leaks import kernel_objects  # noqa: E402

PROCESSES = 100_000  # at least, and an hour
# What a second half may have more than the first: two samples differ by a page or a scrape in flight. A kind
# of failure that somebody else on the machine makes for the first time is a series more;
# metrics.container_name_cap bounds the rest.
SLACK = {"resident_mib": 0.75, "files": 2, "threads": 1, "series": 20, "kernel_objects": 0}
CALLS = (("bind", "EADDRINUSE"), ("bind", "ENOENT"), ("connect", "ECONNREFUSED"), ("unlink", "ENOTDIR"))


def objects_of(pid):
    """BPF objects that the process has open."""
    count = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            count += "bpf" in os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:
            pass
    return count


def failures(metrics):
    return {series: value for series, value in metrics.items()
            if series.startswith("sockward_call_errors_total")}


def sample(agent, began, latest):
    """`latest`: takes the last value of each series of failures:
    those of a container end some time after it."""
    text = agent.get("/metrics").read().decode()
    metrics = parse_metrics(text)
    latest.update(failures(metrics))
    return {
        "seconds": round(time.monotonic() - began, 1),
        "resident_mib": round(total(metrics, "process_resident_memory_bytes") / (1 << 20), 2),
        "files": int(total(metrics, "process_open_fds")),
        "threads": len(os.listdir(f"/proc/{agent.pid}/task")),
        "series": len(metrics),
        "kernel_objects": objects_of(agent.pid),
        "calls": int(total(metrics, "sockward_call_errors_total")),
        "records": int(total(metrics, "sockward_events_received_total")),
        "lost": int(total(metrics, "sockward_events_lost_total")),
        "suppressed": int(total(metrics, "sockward_events_suppressed_total")),
        "cpu_seconds": round(total(metrics, "process_cpu_seconds_total"), 2),
    }


def processes_in(minutes):
    return max(PROCESSES, round(PROCESSES * minutes / 60))


def observe(minutes, samples):
    folder = Folder()
    before = kernel_objects()
    with Agent() as agent:
        start = failures(agent.metrics())
        latest = {}
        churn = Program(str(BUILD / "bin/churn"), str(int(minutes * 60)), str(processes_in(minutes)),
                        folder.path, pids_root(), stdout=subprocess.PIPE, text=True)
        began = time.monotonic()
        while churn.process.poll() is None:
            samples.append(sample(agent, began, latest))
            time.sleep(min(30.0, max(1.0, minutes * 60 / 400)))
        made = json.loads(churn.process.stdout.read())
        metrics = agent.metrics()
        latest.update(failures(metrics))
        made["counted"] = {}
        for call, error in CALLS:
            made["counted"][f"{call} {error}"] = int(sum(
                total(now, "sockward_call_errors_total", syscall=call, family=family, errno=error) * sign
                for now, sign in ((latest, 1), (start, -1)) for family in ("unix", "none")))
        made["missed"] = int(total(metrics, "sockward_missed_calls_total"))
        made["diagnosed"] = int(total(metrics, "sockward_diagnoses_total"))
    time.sleep(2)  # the kernel frees maps after a grace period
    after = kernel_objects()
    made["left"] = sum(len(after[kind] - before[kind]) for kind in before)
    return made


def judge(made, samples, processes):
    """[(what, first, last, allowed, right)]"""
    half = samples[len(samples) // 4 : len(samples) // 2]
    last = samples[-len(samples) // 4 :]
    rows = []
    for name, slack in SLACK.items():
        first_value, last_value = (statistics.median(row[name] for row in rows_) for rows_ in (half, last))
        rows.append((f"{name}, second and last quarter", first_value, last_value, f"+ {slack}",
                     last_value <= first_value + slack))
    most = max(row["resident_mib"] for row in samples)
    rows.append(("resident_mib, at most", "", most, "16", most <= 16))
    for name, value in made["counted"].items():
        rows.append((f"{name}: made, counted", made["processes"], value, f"missed {made['missed']}",
                     made["processes"] - made["missed"] <= value <= made["processes"] + 50))
    rows.append(("processes", processes, made["processes"], "", made["processes"] == processes))
    rows.append(("processes that went wrong", 0, made["wrong"], "0", made["wrong"] == 0))
    rows.append(("programs, maps and links left", 0, made["left"], "0", made["left"] == 0))
    return rows


def draw(samples, path):
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    minutes = [row["seconds"] / 60 for row in samples]
    figure, axes = pyplot.subplots(4, 1, figsize=(9, 9), sharex=True)
    for axis, names in zip(axes,
                           (("resident_mib",), ("files", "threads", "kernel_objects"), ("series",),
                            ("calls", "records", "suppressed"))):
        for name in names:
            axis.plot(minutes, [row[name] for row in samples], label=name)
        axis.legend(loc="center right")
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    axes[-1].set_xlabel("minutes")
    figure.tight_layout()
    figure.savefig(path)


def main():
    minutes, folder = float(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    made = observe(minutes, samples)
    with open(folder / "samples.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, samples[0].keys())
        writer.writeheader()
        writer.writerows(samples)
    draw(samples, folder / "report.svg")
    rows = judge(made, samples, processes_in(minutes))
    cpu = 100 * (samples[-1]["cpu_seconds"] - samples[0]["cpu_seconds"]) / (
        samples[-1]["seconds"] - samples[0]["seconds"])
    lines = [
        f"# Soak: {minutes:g} minutes, kernel {os.uname().release}, {os.cpu_count()} CPUs", "",
        f"{made['processes']:,} processes, each in a UTS namespace of its own, {made['processes'] // 10:,} "
        f"in network, mount and IPC namespaces, {made['containers']:,} containers;",
        f"{samples[-1]['calls']:,} failed calls, {made['diagnosed']:,} diagnoses, {samples[-1]['lost']:,} "
        f"records lost, {samples[-1]['suppressed']:,} suppressed or folded. The agent took {cpu:.1f} % of "
        "one CPU.", "",
        "| what | before | after | allowed | |", "| --- | --- | --- | --- | --- |",
    ]
    lines += [f"| {what} | {first} | {last} | {allowed} | {'ok' if right else 'WRONG'} |"
              for what, first, last, allowed, right in rows]
    (folder / "report.md").write_text("\n".join(lines) + "\n\n![samples](report.svg)\n", encoding="utf-8")
    print("\n".join(lines))
    return 0 if all(row[4] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
