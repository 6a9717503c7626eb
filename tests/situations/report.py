"""Tables, limits and comparisons of what was judged."""
import collections
import datetime
import json
import os
import pathlib
import subprocess

from judge import VERDICTS

SHOWN = 40
WORST = ("wrongly certain", "missing", "phantom", "wrong")


def kept(situations, options):
    """What --json keeps: enough to compare two versions on the same seed, and to look into a fault."""
    keys = (
        "kind",
        "seed",
        "number",
        "quiet",
        "ingredients",
        "verdict",
        "certain",
        "judged",
        "disturbed",
        "truths",
        "void",
    )
    return {
        "version": version(options.sockward),
        "seed": options.seed,
        "situations": [{k: s[k] for k in keys if k in s} for s in situations],
    }


def version(program):
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.strip()


def by_kind(situations):
    rows = collections.defaultdict(collections.Counter)
    for situation in situations:
        row = rows[situation["kind"]]
        row[situation["verdict"]] += 1
        row["all"] += 1
        if situation["quiet"] and situation["verdict"] == "right":
            row["quiet"] += 1
            row["quiet certain"] += situation["certain"]
        row["best"] += situation["verdict"] == "right" and all(
            j.get("best", True) for j in situation["judged"]
        )
    return rows


def total(rows):
    return sum(rows.values(), collections.Counter())


def table(rows):
    lines = [("kind", *VERDICTS, "best", "certain of quiet right")]
    for name, row in [*sorted(rows.items()), ("all", total(rows))]:
        lines.append(
            (
                name,
                *(row[v] or "" for v in VERDICTS),
                row["best"],
                f"{row['quiet certain']} of {row['quiet']}",
            )
        )
    return lines


def passed_limits(row, budget):
    """{name: sentence} of the limits that are passed."""
    played, faults = row["all"] - row["void"] - row["late"] - row["unrecorded"], {}
    for limit in budget.split(","):
        name, value = limit.split("=")
        allowed = float(value[:-1]) / 100 * played if value.endswith("%") else float(value)
        if row[name.strip()] > allowed:
            faults[name.strip()] = f"{name.strip()}: {row[name.strip()]} of {played}, allowed {value}"
    if played < row["all"] / 2:
        faults["void"] = f"only {played} of {row['all']} situations came about"
    return faults


def summary(situations, budget):
    """One passed when all is within its limits, else as many failed as there are faults."""
    row = total(by_kind(situations))
    failed = sum(max(row[name], 1) for name in passed_limits(row, budget))
    return {"passed": 0 if failed else 1, "failed": failed, "skipped": 0}


def bound(wrong, certain):
    """The upper end of the 95 % interval of the share of wrong ones: 3/n when there is none."""
    if not certain:
        return 1.0
    low, high = wrong / certain, 1.0
    for _ in range(60):  # Clopper and Pearson: where so few would be seen once in twenty
        middle = (low + high) / 2
        if cumulated(wrong, certain, middle) > 0.05:
            low = middle
        else:
            high = middle
    return high


def cumulated(wrong, certain, share):
    term, result = (1 - share) ** certain, 0.0
    for k in range(wrong + 1):
        result += term
        term *= (certain - k) / (k + 1) * share / max(1 - share, 1e-12)
    return result


def certain_records(situations):
    return [j for s in situations for j in s["judged"] if j.get("confidence") == "certain"]


def faults_of(situations):
    for situation in situations:
        for judged in situation["judged"]:
            if judged["verdict"] in WORST and situation["verdict"] != "late":
                yield situation, judged


def tell(situations, took, options):
    rows = by_kind(situations)
    lines = table(rows)
    widths = [max(len(str(line[n])) for line in lines) for n in range(len(lines[0]))]
    print(
        "\n".join(
            "  ".join(
                str(cell).ljust(width) if not n else str(cell).rjust(width)
                for n, (cell, width) in enumerate(zip(line, widths))
            )
            for line in lines
        )
    )
    groups = collections.defaultdict(list)
    for situation, judged in faults_of(situations):
        groups[judged["verdict"], situation["kind"], judged["why"].split("[")[0]].append(situation)
    ordered = sorted(groups.items(), key=lambda item: (WORST.index(item[0][0]), item[0]))
    for (verdict, kind, why), group in ordered[:SHOWN]:
        name = f"{kind}/{group[0]['seed']}/{group[0]['number']}"
        print(f"{verdict:<15} {len(group):>4} × {kind}: {why}  --again '{name}'")
    for reason, count in collections.Counter(s["void"] for s in situations if s.get("void")).most_common(8):
        print(f"void            {count:>4} × {reason}")
    certain = certain_records(situations)
    wrong = sum(j["verdict"] == "wrongly certain" for j in certain)
    print(
        f"\n{len(situations)} situations in {took:.0f} s ({len(situations) / max(took, 1e-9):.1f} a second), "
        f"seed {options.seed}, {version(options.sockward)}"
    )
    print(
        f"certain: {len(certain)} records, {wrong} of them wrong; "
        f"at most {bound(wrong, len(certain)) * 100:.2f} % (95 %)"
    )
    faults = passed_limits(total(rows), options.budget)
    for fault in faults.values():
        print("over the limit: " + fault)
    if options.markdown:
        pathlib.Path(options.markdown).write_text(markdown(situations, rows, took, options))
    return faults


def markdown(situations, rows, took, options):
    certain = certain_records(situations)
    wrong = sum(j["verdict"] == "wrongly certain" for j in certain)
    share = bound(wrong, len(certain)) * 100
    head, *body = table(rows)
    text = TRUTH.format(
        count=len(situations),
        date=datetime.date.today(),
        version=version(options.sockward),
        kernel=os.uname().release,
        seed=options.seed,
        took=took / 60,
        certain=len(certain),
        wrong=wrong,
        share=share,
        rule="3/n, the rule of three" if wrong == 0 else "Clopper and Pearson",
    )
    return (
        text
        + "<!-- matrix -->\n"
        + "\n".join(
            "| " + " | ".join(str(c) for c in line) + " |" for line in [head, ["---"] * len(head), *body]
        )
        + "\n<!-- end -->"
        + "\n"
    )


def compare(old_file, new_file):
    """Of what OLD knew for certain, and nothing changed meanwhile: how much does NEW know for certain?"""
    old, new = (json.loads(pathlib.Path(f).read_text()) for f in (old_file, new_file))
    if old["seed"] != new["seed"]:
        print(f"the seeds differ: {old['seed']} and {new['seed']}")
        return 2
    keyed = {(s["kind"], s["number"]): s for s in new["situations"]}
    rows = collections.defaultdict(collections.Counter)
    lost = []
    for situation in old["situations"]:
        other = keyed.get((situation["kind"], situation["number"]))
        if not (situation["quiet"] and situation["verdict"] == "right" and situation["certain"]):
            continue
        if other is None or other["verdict"] in ("void", "late") or other.get("disturbed"):
            continue
        row = rows[situation["kind"]]
        row["old"] += 1
        still = other["verdict"] == "right" and other["certain"]
        row["new"] += still
        row["right"] += other["verdict"] == "right"
        lost += [] if still else [other]
    print(f"old: {old['version']}, new: {new['version']}")
    print(f"{'kind':<45} {'certain':>8} {'still':>6} {'right':>6}")
    for name, row in [*sorted(rows.items()), ("all", total(rows))]:
        share = 100 * row["new"] / max(row["old"], 1)
        print(f"{name:<45} {row['old']:>8} {row['new']:>6} {row['right']:>6}   {share:5.1f} %")
    for situation in lost[:SHOWN]:
        judged = max(situation["judged"], key=lambda j: j.get("confidence") != "certain")
        print(
            f"{situation['verdict']}, {judged.get('confidence')}: {situation['kind']}/{situation['seed']}/"
            f"{situation['number']}: {judged.get('why') or judged.get('evidence')}"
        )
    return 0


TRUTH = """# How often it is right

{count} random situations whose cause is known by construction (`tests/situations`), played beside one agent;
{date}, {version}, Linux {kernel}, seed {seed}, {took:.0f} minutes:

```
sudo /usr/bin/python3 tests/situations/run.py --seed {seed} --count {count}
```

Of {certain} records that said `certain`, {wrong} were wrong. The share of wrong ones among such records is
below {share:.3f} % with 95 % confidence ({rule}). The mix leans on hard cases: races,
namespaces, filters, decoys.

- right: the cause holds, and who or what is named is right; best: it is the most exact one that holds. Where
  nothing failed (answered, "it arrives", given up within a second) there must be no record
- vague: no cause, or nobody named, where it could be known
- wrong, wrongly certain: another cause, another process or another component; said as likely, or as certain
- missing: no record of a failure that is recorded by default; phantom: a record of a call that nobody made
- late: the machine was so busy that the agent looked too late, whenever it was played; void: the situation
  did not come about; neither says anything
- certain of quiet right: where nothing changed within 100 ms of the call, how many right ones were certain

"""
