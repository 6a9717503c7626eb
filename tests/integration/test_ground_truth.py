"""What trace reports is exactly what strace saw: nothing missing, nothing invented."""
import base64
import collections
import re
import subprocess
import unittest

from support import PROVOKE, Folder, Trace, require

CALLS = "bind,connect,unlink,unlinkat,sethostname,setdomainname"
KEPT = 100  # bytes of a name that are compared: strace shows an over-long address only in part

LINE = re.compile(r"^(\d+)\s+(\w+)\((.*)\)\s+= (?:-1 |\? )(\w+) \(.*\)$")
HEX = r'"((?:\\x[0-9a-f]{2})*)"'


def unhex(text):
    return bytes.fromhex(text.replace("\\x", ""))


def strace_name(call, arguments, error):
    """The address or path of one line of strace -xx, in the form both sides are brought to."""
    if call in ("sethostname", "setdomainname"):
        if error == "EINVAL":
            return "*"  # strace does not decode a name whose length is wrong
        found = re.match(HEX, arguments)
        return unhex(found[1])[:KEPT] if found else None
    if call in ("unlink", "unlinkat"):
        found = re.search(HEX, arguments)
        return unhex(found[1])[:KEPT] if found else None
    if found := re.search("sun_path=" + HEX, arguments):
        return ("path", unhex(found[1])[:KEPT])
    if found := re.search("sun_path=@" + HEX, arguments):
        return ("abstract", unhex(found[1])[:KEPT])
    if found := re.search(r"sin6?_port=htons\((\d+)\).*?" + HEX, arguments):
        return ("inet", unhex(found[2]).decode(), int(found[1]))
    if found := re.search(r"sa_family=(AF_\w+)", arguments):
        return ("family", found[1])
    return None


def whole_lines(text):
    """strace cuts the line of a call in two when another thread has something to say meanwhile."""
    begun = {}
    for line in text.splitlines():
        if found := re.match(r"^(\d+)\s+(.*) <unfinished \.\.\.>$", line):
            begun[found[1]] = found[2]
        elif found := re.match(r"^(\d+)\s+<\.\.\. \w+ resumed>(.*)$", line):
            yield f"{found[1]} {begun.pop(found[1])}{found[2]}"
        else:
            yield line


def strace_calls(text, process_of):
    for line in whole_lines(text):
        found = LINE.match(line)
        if not found:
            continue
        tid, call, arguments, error = int(found[1]), found[2], found[3], found[4]
        error = "EINTR" if error.startswith("ERESTART") else error
        yield (process_of[tid], tid, call, error, strace_name(call, arguments, error))


def raw(attributes, name):
    """The bytes of a name: given apart when its text does not say them exactly."""
    if f"{name}.bytes" in attributes:
        return base64.b64decode(attributes[f"{name}.bytes"])
    text = attributes.get(name)
    return None if text is None else text.encode()


def record_name(a):
    call, error = a["sockward.syscall.name"], a["error.type"]
    if call in ("sethostname", "setdomainname"):
        if error == "EINVAL":
            return "*"
        name = a["sockward.hostname.new"]
        return None if name is None else name.encode()
    if call in ("unlink", "unlinkat"):
        path = raw(a, "sockward.path")
        return None if path is None else path[:KEPT]
    kind = a["sockward.address.kind"]
    if kind in ("path", "abstract"):
        prefix = b"unix:@" if kind == "abstract" else b"unix:"
        name = base64.b64decode(a["sockward.address.bytes"]) if "sockward.address.bytes" in a else \
            a["sockward.address"].encode()[len(prefix):]
        return (kind, name[:KEPT])
    if kind in ("inet", "inet6"):
        side = "peer" if call == "connect" else "local"
        return ("inet", a[f"network.{side}.address"], a[f"network.{side}.port"])
    if kind == "other" and a["sockward.address"] != "family:AF_UNSPEC":
        return ("family", a["sockward.address"].removeprefix("family:"))
    return None


class GroundTruth(unittest.TestCase):
    def test_trace_reports_exactly_the_failures_that_strace_sees(self):
        require("strace")
        folder = Folder()
        log = folder / "strace.txt"
        with Trace("--errno", "all") as trace:
            done = subprocess.run(["strace", "-f", "-xx", "-s", "9000", "-e", "signal=none", "-e",
                                   f"trace={CALLS}", "-o", log, PROVOKE, "all", folder.path],
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
        process_of = {int(tid): int(pid) for tid, pid in (line.split() for line in done.stdout.splitlines())}
        with open(log, encoding="ascii") as file:
            # A connect that goes on is no failure, and never a record.
            seen_by_strace = collections.Counter(call for call in strace_calls(file.read(), process_of)
                                                 if call[3] != "EINPROGRESS")
        ours = [a for a in trace.attributes()
                if a["process.pid"] in set(process_of.values()) and "error.type" in a
                and a["sockward.syscall.name"] in CALLS.split(",")]
        seen_by_us = collections.Counter((a["process.pid"], a["thread.id"], a["sockward.syscall.name"],
                                          a["error.type"], record_name(a)) for a in ours)
        self.assertGreater(sum(seen_by_strace.values()), 250)
        self.assertEqual(sorted(map(repr, seen_by_strace - seen_by_us)), [], "missing from trace")
        self.assertEqual(sorted(map(repr, seen_by_us - seen_by_strace)), [], "invented by trace")


if __name__ == "__main__":
    unittest.main()
