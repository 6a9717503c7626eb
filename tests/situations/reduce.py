"""Makes a fault smaller: leaves out ingredient by ingredient as long as it stays, and tells what is left."""

FAULTS = ("wrongly certain", "wrong", "missing", "phantom", "vague")
TRIES, EACH = 6, 2


def chosen(situations):
    """The first faults of each kind and cause."""
    seen = {}
    for situation in situations:
        if situation["verdict"] not in FAULTS[:4]:
            continue
        judged = next(j for j in situation["judged"] if j["verdict"] == situation["verdict"])
        key = situation["kind"], situation["verdict"], judged.get("cause")
        seen.setdefault(key, []).append(situation)
    return [s for group in seen.values() for s in group[:EACH]]


def task(situation, without):
    return {
        "kind": situation["kind"],
        "seed": situation["seed"],
        "number": situation["number"],
        "without": sorted(without),
    }


def reduce(session, situations):
    """All faults at once, step by step: an agent's start is what costs most."""
    left = [{"fault": s, "without": set(), "open": sorted(s["ingredients"])} for s in chosen(situations)]
    while any(one["open"] for one in left):
        tried = [(one, one["open"].pop()) for one in left if one["open"]]
        tasks = [task(one["fault"], one["without"] | {name}) for one, name in tried for _ in range(TRIES)]
        played, _ = session.judge(tasks)
        for one, name in tried:
            without = sorted(one["without"] | {name})
            same = [
                p
                for p in played
                if p["without"] == without
                and p["number"] == one["fault"]["number"]
                and p["kind"] == one["fault"]["kind"]
            ]
            if any(p["verdict"] == one["fault"]["verdict"] for p in same):
                one["without"].add(name)
    print("\nreduced:")
    for one in left:
        tell(one)


def tell(one):
    fault = one["fault"]
    kept = {k: v for k, v in fault["ingredients"].items() if k not in one["without"]}
    judged = next(j for j in fault["judged"] if j["verdict"] == fault["verdict"])
    print(f"- {fault['verdict']}: {judged['why']}")
    print(f"    needs {kept or 'nothing but the kind itself'}")
    for sentence in judged.get("evidence", []):
        print(f"    said: {sentence}")
    without = f" --without '{','.join(sorted(one['without']))}'" if one["without"] else ""
    print(f"    run.py --again '{fault['kind']}/{fault['seed']}/{fault['number']}'{without}")
