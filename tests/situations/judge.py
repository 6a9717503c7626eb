"""Compares the records of an agent with what is true of each situation.

right            the cause is one of those that hold, and who or what is named is right; or there is no
                 record where none must be
vague            no cause, or nobody named, where it could be known
wrong            another cause, or somebody else, though only likely
wrongly certain  the same, with certainty
missing          the call failed with an errno of the default set, and there is no record of it
phantom          a record of a call that was not made, or a second one of the same call
late             the agent was behind, or lost records and said so, whenever it was played
void             the situation itself did not come about
"""
import base64
import collections
import datetime
import errno
import re

from actor import SENDS

VERDICTS = ("right", "vague", "wrong", "wrongly certain", "missing", "phantom", "late", "void")
PID = re.compile(r"\[(\d+)\]|\bpid (\d+)")
UNIX_ONLY = {errno.ENOENT, errno.ENOTDIR, errno.EAGAIN, errno.EPROTOTYPE}
ALWAYS = {
    errno.ENAMETOOLONG,
    errno.EADDRINUSE,
    errno.EACCES,
    errno.EPERM,
    errno.ELOOP,
    errno.EROFS,
    errno.EADDRNOTAVAIL,
}
CONNECT = {errno.ECONNREFUSED, errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH}


def by_default(truth):
    """Is a record of it written without being asked for?"""
    error, kind = truth["errno"], truth.get("kind")
    if error in (0, "given_up", *ALWAYS) or truth["causes"][0] in ("path_too_long", "scope_missing"):
        return True
    if error in UNIX_ONLY:
        return truth["call"] in ("bind", "connect", *SENDS) and kind in ("path", "abstract")
    return truth["call"] in ("connect", *SENDS) and error in CONNECT


def nanoseconds(stamp):
    whole, fraction = stamp.rstrip("Z").split(".")
    return int(datetime.datetime.fromisoformat(whole + "+00:00").timestamp()) * 10**9 + int(
        fraction.ljust(9, "0")
    )


def name_shown(attributes):
    """The bytes of the name, in hex; None when the record does not say them exactly."""
    if attributes.get("sockward.truncated"):
        return None
    if "sockward.address.bytes" in attributes:
        return base64.b64decode(attributes["sockward.address.bytes"]).hex()
    text = attributes.get("sockward.address")
    prefix = {"path": "unix:", "abstract": "unix:@"}.get(attributes.get("sockward.address.kind"))
    if text is None or prefix is None:
        return text
    return text.removeprefix(prefix).encode().hex()


def names_path(text, path):
    return re.search(r"(?<![^\s\"'(=])" + re.escape(path) + r"(?=$|[\s,;:)\"']|\.(\s|$))", text) is not None


def wrong_groups(truth, evidence):
    """The caller is described with groups that it had at another time."""
    told = re.search(r", groups (\d+(?: \([^)]*\))?(?:, \d+(?: \([^)]*\))?)*)", evidence)
    if not told or not truth.get("groups"):
        return False
    numbers = map(int, re.findall(r"(?:^|, )(\d+)", told[1]))
    return not set(numbers) & set(truth["groups"])


def culprit(truth, attributes):
    """What is wrong with who or what is named: "", "vague: …" or "wrong: …"."""
    holder, cause = attributes.get("sockward.holder.pid"), attributes["sockward.cause"]
    evidence = " ".join(attributes["sockward.evidence"])
    said = evidence + " " + (attributes.get("sockward.advice") or "")
    holders, mentions = truth.get("holders"), truth.get("mentions") or []
    known = {*(holders or []), *mentions, truth["pid"]}
    counts = holders is not None and cause in truth.get("holder_of", [cause])
    if holder is not None and (holders is not None or mentions) and holder not in known:
        return f"wrong: the holder is {holders or mentions}, not {holder}"
    if counts and holder is not None and holders and holder not in holders:
        return f"wrong: the holder is {holders}, not {holder}, who had to do with it"
    named = {int(one or two) for one, two in PID.findall(evidence)}
    if named & set(truth.get("others") or []):
        return f"wrong: the evidence names {sorted(named & set(truth['others']))}"
    if holders is not None and named - known:
        return f"wrong: the evidence names {sorted(named - known)}"
    if wrong_groups(truth, evidence):
        return f"wrong: the evidence names other groups than {truth['groups']}"
    if truth.get("names") and not any(names_path(said, name) for name in truth["names"]):
        return f"vague: none of {truth['names']} is named"
    if (
        truth.get("blames")
        and re.search(truth["blames"], evidence)
        and not re.search(truth["says"], evidence)
    ):
        return f"wrong: the evidence blames {truth['blames']}"
    if (
        truth.get("policy")
        and cause == "policy_denied"
        and attributes.get("sockward.policy") not in truth["policy"]
    ):
        found = attributes.get("sockward.policy")
        return (
            "vague" if found in (None, "unknown") else "wrong"
        ) + f": policy {found}, not {truth['policy']}"
    if counts and holders and holder is None and not truth.get("optional_holder"):
        return "vague: nobody is named"
    return ""


def judge_record(truth, attributes):
    """(verdict, why) of one record."""
    cause, confidence = attributes["sockward.cause"], attributes["sockward.confidence"]
    wrong = "wrongly certain" if confidence == "certain" else "wrong"
    if cause == "unknown":
        return ("right", "") if "unknown" in truth["causes"] else ("vague", "unknown")
    if cause not in truth["causes"]:
        return wrong, f"{cause} instead of {truth['causes'][0]}"
    about = culprit(truth, attributes)
    if about.startswith("wrong"):
        return wrong, about
    if about or confidence == "unknown":
        return "vague", about or "confidence unknown"
    return "right", ""


def call_of(record):
    a = record["attributes"]
    given_up = "given_up" if a.get("error.type") == "given_up" else 0
    return a["process.pid"], a["sockward.syscall.name"], a.get("sockward.errno", given_up)


class Records:
    def __init__(self, records):
        self.by_pid = collections.defaultdict(list)
        for record in records:
            record["ns"] = nanoseconds(record["timestamp"])
            self.by_pid[record["attributes"]["process.pid"]].append(record)

    def of(self, pid, situation):
        return [r for r in self.by_pid.get(pid, []) if situation["begin"] <= r["ns"] <= situation["end"]]


def same_address(truth, attributes):
    if truth.get("path") is not None:
        return attributes.get("sockward.path") in (truth["path"], None)
    shown = name_shown(attributes) if truth.get("shown") else None
    return shown is None or shown == truth["shown"]


def invented(situation, records):
    """Records of failing calls that no actor of the situation made, or made less often."""
    made = collections.Counter(tuple(call) for call in situation["calls"])
    pids = {*situation["pids"], *(call[0] for call in situation["calls"])}
    told = collections.Counter(
        call_of(r) for pid in pids for r in records.of(pid, situation) if "error.type" in r["attributes"]
    )
    return {call: count for call, count in (told - made).items() if not made[(*call[:2], None)]}


def judge_truth(truth, situation, records):
    if truth.get("silent"):  # a record of it is one that was invented
        return {"verdict": "right", "why": ""}
    found = [
        r
        for r in records.of(truth["pid"], situation)
        if call_of(r) == (truth["pid"], truth["call"], truth["errno"])
    ]
    if truth["errno"] == 0:
        found = [r for r in found if "error.type" not in r["attributes"]]
    if not found:
        return {"verdict": "missing" if by_default(truth) else "unrecorded", "why": "no record"}
    record = min(found, key=lambda r: abs(r["ns"] - truth["time"]))
    a = record["attributes"]
    if not same_address(truth, a):
        return {
            "verdict": "phantom",
            "why": f"another address: {a.get('sockward.address')} {a.get('sockward.path')}",
        }
    verdict, why = judge_record(truth, a)
    return {
        "verdict": verdict,
        "why": why,
        "cause": a["sockward.cause"],
        "confidence": a["sockward.confidence"],
        "evidence": a["sockward.evidence"],
        "holder": a.get("sockward.holder.pid"),
        "best": verdict == "right" and a["sockward.cause"] == truth["causes"][0],
    }


def judge(situation, records):
    """Adds "judged" (one for each truth) and "verdict" (the worst) to the situation."""
    if situation.get("void"):
        situation["verdict"], situation["judged"] = "void", []
        return
    judged = [judge_truth(truth, situation, records) for truth in situation["truths"]]
    extra = invented(situation, records)
    if extra:
        judged.append({"verdict": "phantom", "why": str(extra)})
    worst = ("wrongly certain", "phantom", "missing", "wrong", "vague", "unrecorded", "right")
    situation["judged"] = judged
    situation["verdict"] = next(v for v in worst if any(j["verdict"] == v for j in judged))
    situation["certain"] = all(j.get("confidence") == "certain" for j in judged)


def forgive_unseen_filters(situations):
    """Where probes sit behind the filter, no refusal by it is seen at all (docs/coverage.md)."""
    filtered = [
        (s, j)
        for s in situations
        if not s.get("void")
        for t, j in zip(s["truths"], s["judged"])
        if t.get("filtered")
    ]
    if any(j["verdict"] not in ("missing", "unrecorded") for _, j in filtered):
        return
    for situation, judged in filtered:
        judged["verdict"] = "unrecorded"
        situation["verdict"] = "unrecorded"
