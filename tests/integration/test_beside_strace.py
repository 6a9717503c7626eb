"""TCP connects of every kind beside strace and ss: each outcome is counted once, and none is invented."""
import collections
import pathlib
import re
import subprocess
import unittest

from support import Agent, Folder, own_container, require, run, wait_until
from test_outcomes import CONNECTS, busy_server, missed, outcomes, pending_of

ADDRESS = re.compile(r'htons\((\d+)\), (?:sin_addr=inet_addr\("127.0.0.1"|.*inet_pton\(AF_INET6, "::1")')
SERVERS = {1000: "established", 0: "given_up"}  # by the backlog; bound and not listening: refused


def calls_of(trace):
    """(name, arguments, result) of each line that strace wrote."""
    for line in trace.read_text(encoding="utf-8", errors="replace").splitlines():
        found = re.match(r"(\w+)\((.*)\)\s+= (-?\d+)(?: (E\w+))?", line)
        if found:
            yield found[1], found[2], found[4] or found[3]


def ends_seen(trace):
    """What strace saw of the program's own thread: Counter of (family, how it must have ended by whom it
    went to), and of the outcomes that a call said itself."""
    ends, said, listens, ports, asked = collections.Counter(), collections.Counter(), {}, {}, {}
    for name, arguments, result in calls_of(trace):
        fd = arguments.split(",")[0]
        address = ADDRESS.search(arguments)
        if name == "socket":
            asked.pop(result, None)  # the number of a socket that was closed
        elif name == "listen":
            listens[fd] = int(arguments.split(",")[1])
        elif name == "getsockname" and address:
            ports[address[1]] = fd
        elif name == "connect" or name == "sendto" and "MSG_FASTOPEN" in arguments:
            family = "inet6" if "AF_INET6" in arguments else "inet"
            expected = SERVERS.get(listens.get(ports[address[1]]), "refused")
            if fd not in asked:
                ends[family, expected] += 1
            asked[fd] = expected
            if result in ("ECONNREFUSED", "0", "EISCONN"):
                said[expected, "refused" if result == "ECONNREFUSED" else "established"] += 1
        elif name == "getsockopt" and "SO_ERROR" in arguments:
            said[asked[fd], "refused" if "[ECONNREFUSED]" in arguments else "established"] += 1
    return ends, said


class BesideStrace(unittest.TestCase):
    CONNECTS = 1500

    def test_what_strace_saw_is_what_was_counted(self):
        require("strace")
        container, folder = own_container(self), Folder()
        with Agent() as agent:
            before = missed(agent.metrics())
            subprocess.run(["strace", "-ff", "-qq", "-o", folder / "trace", "-e", "signal=none", "-e",
                            "trace=socket,listen,getsockname,connect,sendto,getsockopt", CONNECTS, "mix",
                            str(self.CONNECTS), "5"], check=True, stdout=subprocess.DEVNULL,
                           preexec_fn=container.enter)
            files = sorted(pathlib.Path(folder.path).glob("trace.*"), key=lambda file: -file.stat().st_size)
            ends, said = ends_seen(files[0])
            self.assertGreaterEqual(sum(ends.values()), self.CONNECTS)
            for file in files[1:]:
                self.assertFalse(ends_seen(file)[0], "threads and children connect nowhere")

            def all_ended():
                now = agent.metrics()
                counted = {family: outcomes(now, container, family) for family in ("inet", "inet6")}
                known = sum(sum(one.values()) for one in counted.values()) + missed(now) - before
                return (now, counted) if known >= sum(ends.values()) else None

            after, counted = wait_until(all_ended, 20, "all have ended")
        print(f"  strace: {dict(ends)}; said by calls: {dict(said)}")
        print(f"  counted: {counted}")
        for (expected, told), times in said.items():
            self.assertEqual(expected, told, f"{times} calls said otherwise")
        skipped = int(missed(after) - before)  # runs that the kernel skipped, and says so
        # Four connects of each family fill the queue of the listener that does not accept: those that find
        # room are established.
        filling, invented = 4, 0
        for family, one in counted.items():
            made = {outcome: ends[family, outcome] for outcome in one}
            self.assertIn(made["refused"] - one["refused"], range(skipped + 1))
            self.assertEqual((one["unreachable"], one["timed_out"]), (0, 0))
            self.assertIn(one["established"] - made["established"], range(-skipped, filling + 1))
            self.assertIn(made["given_up"] - one["given_up"], range(-skipped, filling + skipped + 1))
            invented += sum(one.values()) - sum(made.values())
        self.assertIn(-invented, range(skipped + 1), "each is counted once, and no other")

    def test_what_ss_shows_is_what_is_pending(self):
        require("ss")
        require("bpftool")
        with Agent() as agent, busy_server() as port:
            before = missed(agent.metrics())
            script = ("import socket, sys\n"
                      "made = [socket.socket() for _ in range(200)]\n"
                      "for one in made:\n"
                      "    one.setblocking(False)\n"
                      f"    one.connect_ex(('127.0.0.1', {port}))\n"
                      "print('made', flush=True); sys.stdin.readline()\n"
                      "for one in made[:120]: one.close()\n"
                      "print('closed', flush=True); sys.stdin.readline()\n")
            child = subprocess.Popen(["python3", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     text=True)
            self.addCleanup(child.kill)
            for word, left in (("made", 200), ("closed", 80)):
                self.assertEqual(child.stdout.readline(), word + "\n")
                listed = run("ss", "-Htnp", "state", "syn-sent", "dport", f"= :{port}").stdout
                shown = listed.count(f"pid={child.pid},")
                self.assertEqual(shown, left, "the test itself")
                skipped = int(missed(agent.metrics()) - before)
                self.assertIn(pending_of(agent, child.pid) - shown, range(-skipped, skipped + 1))
                child.stdin.write("\n")
                child.stdin.flush()
            child.stdin.close()
            child.stdout.close()
            child.wait()
            self.assertLessEqual(pending_of(agent, child.pid), missed(agent.metrics()) - before)


if __name__ == "__main__":
    unittest.main()
