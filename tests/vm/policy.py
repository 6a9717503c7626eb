#!/usr/bin/python3
"""policy.py KERNEL MODULE LOG: judges what sockward said of calls that a security module refused
(scripts/test-lsm, tests/vm/init-policy)."""
import json
import pathlib
import re
import sys

kernel, module, log = sys.argv[1:]
lines = pathlib.Path(log).read_text(errors="replace").splitlines()
right, wrong = 0, 0
PROFILES = {"apparmor": ("sockward_paths", "sockward networks"),
            "selinux": ("system_u:system_r:denied_t", "system_u:system_r:denied_t")}
paths, networks = PROFILES[module]
# AppArmor names addresses of sockets since about 6.17; without, only the hook proves it.
named = module == "selinux" or kernel == "7.3"


def expect(what, seen, wanted):
    global right, wrong
    if seen == wanted:
        right += 1
        return
    wrong += 1
    print(f"wrong: {what}: {seen}, not {wanted}")


def calls(name):
    """(pid, call, address) of every refused call, with its errno."""
    found = []
    for line in lines:
        match = re.match(rf"CALL {name} (\d+) (?:thread-)?(\w+)=(.*) (E\w+)$", line)
        if match:
            pid, call, address, error = match.groups()
            where = f"127.0.0.1{address}" if address.startswith(":") else address
            found.append((int(pid), call, where, error))
    return found


def records(name):
    found = {}
    for line in lines:
        if line.startswith(f"RECORD {name} "):
            attributes = json.loads(line.split(" ", 2)[2])["attributes"]
            where = attributes.get("sockward.path") or attributes.get("sockward.address", "")
            key = (attributes["process.pid"], attributes["sockward.syscall.name"].removesuffix("at"),
                   where.removeprefix("unix:"))
            found.setdefault(key, []).append(attributes)
    return found


def answer(attributes):
    return tuple(attributes.get(f"sockward.{key}") for key in ("cause", "confidence", "policy.profile"))


def wanted(backend, where):
    """Cause, confidence and profile."""
    if where.startswith("/tmp/modes/"):
        return ("directory_not_writable", "certain", None)
    if where == "127.0.0.1:80":
        return ("privileged_port", "certain", None)
    profile = paths if where.startswith("/tmp/policy/") else networks
    if backend == "off":
        return ("policy_denied", "likely", None)
    proven = named or backend == "fexit" or where.startswith("/tmp/policy/")
    return ("policy_denied", "certain" if proven else "likely", profile)


for backend in ("fexit", "tracepoint", "off"):
    made, told = calls(backend), records(backend)
    expect(f"{backend}: refused calls", len(made) >= 8, True)
    for pid, call, where, error in made:
        if error not in ("EACCES", "EPERM"):
            continue
        what = f"{backend}: {call} {where} of {pid}"
        seen = told.get((pid, call, where), [])
        expect(f"{what}: records", len(seen), 1)
        for attributes in seen:
            expect(what, answer(attributes), wanted(backend, where))
    expect(f"{backend}: certain and not one of these calls",
           [key for key in told if key not in [entry[:3] for entry in made]], [])
expect("check", [line.split()[1] for line in lines if line.startswith("CHECK")], ["ok"])
expect("coverage", [line.split()[-1] for line in lines if line.startswith("METRIC sockward_coverage")], ["1"])
expect("lost", [line.split()[-1] for line in lines if line.startswith("METRIC sockward_audit_lost")],
       ["0", "0", "0"])
expect("capability to read audit messages is kept",
       [bool(int(line.split()[2], 16) >> 37 & 1) for line in lines if line.startswith("STATUS")],
       [False, False])
expect("the machine's end", "DONE" in lines, True)
print(f"POLICY {kernel} {module} {right} {wrong}")
sys.exit(wrong != 0)
