"""What goes wrong around the agent: each time it goes on, and says by how much it knows less. (Full disk, no
journald, no Alertmanager: test_delivery.py; SIGKILL: test_restart.py; HTTP: test_web_config.py.)"""
import contextlib
import os
import pathlib
import random
import re
import resource
import signal
import socket
import socketserver
import subprocess
import threading
import time
import unittest

from receivers import HttpReceiver
from support import (PROVOKE, ROOT, SOCKWARD, Agent, Cgroup, Folder, events, own_container,
                     path_through_a_loop, run, total, wait_until)
from test_delivery import fail_on_a_port

EVERYTHING = "probes: {errno: [ELOOP]}\nrecords: {fold: 0}\nlimits: {source_rate: 0, address_rate: 0"
# With ELOOP, which nobody else's binds fail with: neighbours fail too.
FAILING_BIND = dict(syscall="bind", family="unix", errno="ELOOP")
ONE_FAILURE = "import socket, sys\ntry: socket.socket(socket.AF_UNIX).bind(sys.argv[1])\nexcept OSError: pass"


def own_failures(agent):
    """Records of this process: neighbours make records too."""
    return [r for r in agent.records()
            if r["attributes"].get("process.pid") == os.getpid() and "error.type" in r["attributes"]]


def quiet(agent):
    """Metrics once nothing moves any more."""
    last = None

    def settled():
        nonlocal last
        now = total(agent.metrics(), "sockward_events_received_total")
        last, before = now, last
        time.sleep(0.3)
        return now == before

    # A neighbour that never rests: what it makes is drained all the time too.
    with contextlib.suppress(AssertionError):
        wait_until(settled, 20, "the ring buffer is empty")
    return agent.metrics()


class Kernel(unittest.TestCase):
    def test_a_full_ring_buffer_loses_records_counts_them_and_no_call(self):
        path = path_through_a_loop()
        # Neighbours make records too (one that ends after a bind is
        # enough): another agent sees how many there are.
        with Agent(config=EVERYTHING + "}\n") as witness, Agent(config=EVERYTHING + ", ring_bytes: 4KiB}\n",
                                                                output="json") as agent:
            of_all = events(witness.metrics())
            before = quiet(agent)
            os.kill(agent.pid, signal.SIGSTOP)
            try:
                subprocess.run([PROVOKE, "storm", "5000", "2", path], check=True)
            finally:
                os.kill(agent.pid, signal.SIGCONT)
            after = quiet(agent)

            def grown(name, **labels):
                return total(after, name, **labels) - total(before, name, **labels)

            self.assertEqual(grown("sockward_call_errors_total", **FAILING_BIND), 10_000)
            lost = grown("sockward_events_lost_total", reason="ring_full")
            self.assertGreater(lost, 9_900)  # a stopped agent, and room for a dozen
            self.assertGreaterEqual(lost + grown("sockward_events_received_total"), 10_000)
            self.assertLessEqual(lost + grown("sockward_events_received_total"),
                                 events(quiet(witness)) - of_all)

    def test_a_full_table_of_sources_keeps_the_totals(self):
        containers = [Cgroup(f"docker/{number:064x}") for number in range(40)]
        self.addCleanup(lambda: [container.remove() for container in containers])
        path = path_through_a_loop()
        with Agent(config="limits: {source_entries: 16}\n") as agent:
            before = agent.metrics()
            for container in containers:
                container.__enter__()
                subprocess.run([PROVOKE, "storm", "10", "1", path], preexec_fn=container.enter, check=True)
            after = agent.metrics()
            self.assertEqual(total(after, "sockward_call_errors_total", **FAILING_BIND)
                             - total(before, "sockward_call_errors_total", **FAILING_BIND), 400)
            full = (total(after, "sockward_source_table_full_total")
                    - total(before, "sockward_source_table_full_total"))
            self.assertGreaterEqual(full, 24 * 10)
            named = sum(value for name, value in after.items()
                        if name.startswith("sockward_call_errors_total") and "docker:" in name
                        and "ELOOP" in name)
            # A neighbour's failures have no room either; they are counted like ours.
            others = (total(after, "sockward_call_errors_total") - total(before,
                                                                         "sockward_call_errors_total") - 400)
            self.assertGreaterEqual(named + full, 400)
            self.assertLessEqual(named + full, 400 + others)

    def test_a_full_name_table_counts_what_it_forgets(self):
        folder = Folder()
        with Agent(config="limits: {bound_names: 64}\n", output="json") as agent:
            sockets = []
            for number in range(300):
                sockets.append(socket.socket(socket.AF_UNIX))
                sockets[-1].bind(folder / str(number))
            metrics = agent.metrics()
            self.assertGreaterEqual(total(metrics, "sockward_names_evicted_total"), 300 - 64)
            other = socket.socket(socket.AF_UNIX)
            self.assertRaises(OSError, other.bind, folder / "0")  # forgotten long ago, and held all the same
            causes = ["address_in_use"]
            wait_until(lambda: [r["attributes"]["sockward.cause"] for r in own_failures(agent)] == causes, 5,
                       "the diagnosis")
            for each in [*sockets, other]:
                each.close()

    def test_removals_that_are_forgotten_are_counted(self):
        folder = Folder()
        refused = ("import os\nfor n in range(50):\n    try:\n        os.unlink(f'{n}.sock')\n"
                   "    except PermissionError:\n        continue\n    raise SystemExit('removed')")
        for number in range(50):
            pathlib.Path(folder / f"{number}.sock").touch()
        with Agent(config="limits: {history_entries: 16, source_rate: 0, address_rate: 0}\n") as agent:
            subprocess.run(["/usr/bin/python3", "-c", refused], cwd=folder.path, user=65534, group=65534,
                           extra_groups=[], check=True)
            wait_until(lambda: self.forgotten(agent) >= 50 - 16, 5, "34 forgotten")
            # And those of neighbours, which fail too.
            removals = sum(total(agent.metrics(), "sockward_call_errors_total", syscall=call)
                           for call in ("unlink", "unlinkat"))
            self.assertLessEqual(self.forgotten(agent), removals - 16)
            for kind in ("name_change", "long_argument"):
                self.assertEqual(total(agent.metrics(), "sockward_history_forgotten_total", kind=kind), 0)

    def forgotten(self, agent):
        return total(agent.metrics(), "sockward_history_forgotten_total", kind="failed_unlink")


class Vanishing(unittest.TestCase):
    def test_processes_cgroups_and_namespaces_that_are_gone_at_once(self):
        """Each caller lives in a cgroup, mount, network, UTS and pid
        namespace of its own, and all of it dies with it."""
        rounds, path = 150, path_through_a_loop()
        script = f"for i in 1 2 3; do python3 -c \"{ONE_FAILURE}\" {path}; done"
        with Agent(config=EVERYTHING + "}\n", output="json") as agent:
            before = quiet(agent)
            for number in range(rounds):
                with Cgroup(f"docker/{number:064x}") as container:
                    own = ["unshare", "-m", "-n", "-u", "-p", "-f"]
                    subprocess.run([*own, "-i", PROVOKE, "storm", "3", "1", path] if number % 10
                                   else [*own, "sh", "-c", script], preexec_fn=container.enter, check=True)
            after = quiet(agent)
            counted = (total(after, "sockward_call_errors_total", **FAILING_BIND)
                       - total(before, "sockward_call_errors_total", **FAILING_BIND))
            self.assertEqual(counted, rounds * 3)
            lost = total(after, "sockward_events_lost_total") - total(before, "sockward_events_lost_total")
            told = [r for r in agent.records() if r["attributes"].get("error.type") == "ELOOP"]
            repeats = sum(r["attributes"].get("sockward.repeats", 0) for r in told)
            # Whoever else failed so on the machine meanwhile was counted and told too.
            everyone = (total(after, "sockward_call_errors_total", errno="ELOOP")
                        - total(before, "sockward_call_errors_total", errno="ELOOP"))
            self.assertEqual(len(told) + repeats + lost, everyone)
            for record in told:
                self.assertIn(record["attributes"]["sockward.confidence"],
                              ("certain", "likely", "possible", "unknown"))
            files = f"/proc/{agent.pid}/fd"
            held = [os.readlink(f"{files}/{fd}") for fd in os.listdir(files)
                    if os.path.islink(f"{files}/{fd}")]
            self.assertEqual([target for target in held if re.match(r"(net|mnt|uts|pid):", target)], [],
                             "no dead namespace is kept alive")

    def test_a_cgroup_removed_while_it_fails_keeps_its_count(self):
        container, path = Cgroup(f"docker/{'e' * 64}"), path_through_a_loop()
        with Agent() as agent:
            with container:
                subprocess.run([PROVOKE, "storm", "50", "1", path], preexec_fn=container.enter, check=True)
                agent.metrics()
            subprocess.run([PROVOKE, "storm", "7", "1", path], check=True)
            self.assertEqual(total(agent.metrics(), "sockward_call_errors_total",
                                   container_name="docker:" + "e" * 12, **FAILING_BIND), 50)


STEP_CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
/* Moves the wall clock of one program by the seconds that stand in a file. */
int clock_gettime(clockid_t id, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);
	if (!real)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	int result = real(id, now);
	if (id == CLOCK_REALTIME) {
		FILE *file = fopen(getenv("STEP_CLOCK"), "r");
		long seconds = 0;
		if (file) {
			if (fscanf(file, "%ld", &seconds) != 1)
				seconds = 0;
			fclose(file);
		}
		now->tv_sec += seconds;
	}
	return result;
}
"""  # noqa: E101,W191 (C, with its tabs)


class Clock(unittest.TestCase):
    def test_a_step_of_the_wall_clock_changes_times_and_nothing_else(self):
        folder = Folder()
        pathlib.Path(folder / "step.c").write_text(STEP_CLOCK)
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / "step.so", folder / "step.c"], check=True)
        step = pathlib.Path(folder / "seconds")
        manager = HttpReceiver()
        config = f"alerts: {{alertmanagers: ['{manager.url()}'], hold: 3s, resend: 1s}}\n"
        # The allocator of a sanitizer would be preloaded too late.
        with Agent(config=config, output="json",
                   environment={"LD_PRELOAD": folder / "step.so", "STEP_CLOCK": str(step)}) as agent:
            began = time.time()
            for seconds in (0, 7200, -7200):
                step.write_text(str(seconds))
                fail_on_a_port()
            records = wait_until(lambda: len(own_failures(agent)) >= 3 and own_failures(agent), 10,
                                 "three records")
            times = []
            for record, seconds in zip(records, (0, 7200, -7200)):
                stamp = record["timestamp"]
                parsed = time.mktime(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
                times.append(parsed - seconds)
            for parsed in times:
                self.assertAlmostEqual(parsed, began, delta=5)
            metrics = agent.metrics()
            seconds = total(metrics, "sockward_diagnosis_seconds_sum")
            self.assertTrue(0 <= seconds < 5, seconds)  # by the monotonic clock
            self.assertEqual([r["attributes"]["sockward.cause"] for r in records], ["address_in_use"] * 3)
            wait_until(lambda: len(manager.posts) >= 3, 10, "alerts go on")
        manager.close()


class LyingServer(socketserver.ThreadingTCPServer):
    """Answers every post as `answer` says, which gets the connection."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, answer):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                self.server.requests += 1
                with contextlib.suppress(OSError):
                    self.request.recv(65536)
                    answer(self.request)

        self.requests = 0
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


def endless(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def drip(connection):
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * 50:
        connection.sendall(bytes([byte]))
        time.sleep(1)


LIES = {
    "no HTTP": lambda c: c.sendall(b"220 smtp.example ESMTP\r\n"),
    "closed at once": lambda c: c.close(),
    "half an answer": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"),
    "an answer without end": endless,
    "a byte each second": drip,
    "a redirect": lambda c: c.sendall(
        b"HTTP/1.1 307 T\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n"),
    "a wrong length": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"),
    "a huge header": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n"),
}


class Alertmanagers(unittest.TestCase):
    def test_those_that_lie_hold_up_nobody_and_are_counted(self):
        liars = {name: LyingServer(answer) for name, answer in LIES.items()}
        honest = HttpReceiver()
        urls = [liar.url() for liar in liars.values()] + [honest.url()]
        config = f"alerts: {{alertmanagers: {urls}, hold: 30s, resend: 1s}}\n"
        with Agent(config=config, output="json") as agent:
            began = time.time()
            fail_on_a_port()
            wait_until(lambda: honest.posts, 3, "the honest one is told")
            self.assertLess(honest.posts[0][0] - began, 2)
            wait_until(lambda: all(liar.requests for liar in liars.values()), 10, "each liar was asked")
            wait_until(lambda: total(agent.metrics(), "sockward_notifications_errors_total") >= 3, 20,
                       "errors are counted")
            fail_on_a_port()
            wait_until(lambda: len(own_failures(agent)) >= 2, 3, "records go on")
            self.assertLess(total(agent.metrics(), "process_resident_memory_bytes"), 64 << 20)
            began = time.monotonic()
        self.assertLess(time.monotonic() - began, 15, "it stops although a server drips")
        for server in [*liars.values()]:
            server.shutdown()
            server.server_close()
        honest.close()


class Configuration(unittest.TestCase):
    def test_garbage_is_refused_with_a_place_and_never_ends_in_a_crash(self):
        documented = re.search(r"```yaml\n(probes:.*?)```", (ROOT / "docs/configuration.md").read_text(),
                               re.DOTALL)[1].encode()
        chance = random.Random(6)
        path = pathlib.Path(Folder() / "sockward.yml")
        pieces = [b"\0", b"\xff\xfe", b"{", b"]", b": :", b"\t", b"&a [*a, *a]", b"!!binary x", b"- ",
                  b"99999999999999999999", b"-1", b"\n---\n", b"'", b"\r"]
        codes = []
        for _ in range(150):
            text = bytearray(documented)
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(text))
                text[at : at + chance.choice((0, 0, 1, 5, 400))] = chance.choice(pieces)
            path.write_bytes(text)
            check = [SOCKWARD, "check", f"--config.file={path}"]
            done = subprocess.run(check, capture_output=True, timeout=20, check=False)
            self.assertIn(done.returncode, (0, 2), bytes(text))
            codes.append(done.returncode)
            if done.returncode == 2:
                said = done.stderr + done.stdout
                self.assertRegex(said, rb"sockward\.yml", bytes(text))
                self.assertTrue(all(byte >= 32 or byte in b"\n\x1b" for byte in said), said)
        self.assertGreater(codes.count(2), 75)

    def test_an_endless_one_is_refused(self):
        path = pathlib.Path(Folder() / "sockward.yml")
        path.write_text("# padding\n" * 200_000)
        done = run(SOCKWARD, "check", f"--config.file={path}")
        self.assertEqual(done.returncode, 2)
        self.assertIn("is larger than 1 MiB", done.stderr)


class Limits(unittest.TestCase):
    def test_without_files_to_open_it_knows_less_and_recovers(self):
        with Agent(output="json") as agent:
            fail_on_a_port()
            wait_until(lambda: len(own_failures(agent)) == 1, 5, "a record")
            soft, hard = resource.prlimit(agent.pid, resource.RLIMIT_NOFILE)
            used = len(os.listdir(f"/proc/{agent.pid}/fd"))
            resource.prlimit(agent.pid, resource.RLIMIT_NOFILE, (used, hard))
            fail_on_a_port()
            second = wait_until(lambda: len(own_failures(agent)) == 2 and own_failures(agent)[1], 10,
                                "a record all the same")
            resource.prlimit(agent.pid, resource.RLIMIT_NOFILE, (soft, hard))
            fail_on_a_port()
            third = wait_until(lambda: len(own_failures(agent)) == 3 and own_failures(agent)[2], 10,
                               "the next one")
            self.assertEqual(third["attributes"]["sockward.cause"], "address_in_use")
            self.assertNotEqual(second["attributes"]["sockward.confidence"]
                                if second["attributes"]["sockward.cause"] != "address_in_use" else "",
                                "certain")
            self.assertGreaterEqual(total(agent.metrics(), "sockward_call_errors_total", syscall="bind",
                                          errno="EADDRINUSE"), 3)

    def test_too_few_files_at_the_start_are_said(self):
        done = run("prlimit", "--nofile=24", SOCKWARD, "run", "--web.listen-address=127.0.0.1:0",
                   "--restart.pin-path=off")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "(?i)too many open files")
        self.assertRegex(done.stderr, "(?m)^ +next: ")

    def test_memory_stays_below_a_limit_in_a_storm(self):
        """48 MiB for everything: the kernel would kill it."""
        folder = "/sys/fs/cgroup/memory"
        if not os.path.exists(f"{folder}/memory.limit_in_bytes"):
            self.skipTest("no cgroup v1 memory controller here")
        group = f"{folder}/sockward-test-{os.getpid()}"
        os.mkdir(group)
        try:
            pathlib.Path(f"{group}/memory.limit_in_bytes").write_text(str(48 << 20))
            with Agent(config=EVERYTHING + "}\n", output="json") as agent:
                pathlib.Path(f"{group}/cgroup.procs").write_text(str(agent.pid))
                container = own_container(self)
                container.run(PROVOKE, "storm", "100000", "2", path_through_a_loop())
                container.run(PROVOKE, "scatter", "20000", "2")
                self.assertEqual(container.failures(quiet(agent), syscall="bind"), 240_000)
                control = pathlib.Path(f"{group}/memory.oom_control").read_text()
                self.assertIn("oom_kill 0", control)
        finally:
            wait_until(lambda: not pathlib.Path(f"{group}/cgroup.procs").read_text(), 5, "it left")
            os.rmdir(group)


if __name__ == "__main__":
    unittest.main()
