"""Bad input ends with what, where and the next step; the commands keep to docs/contract.md."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import unittest

from support import SOCKWARD, Agent, Folder, Program, run
from test_privileges import refuse_openat2


class BadInput(unittest.TestCase):
    def refused(self, *arguments, code, words, **options):
        done = run(SOCKWARD, *arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertIn("next:", done.stderr)

    def test_wrong_flags_and_values_name_the_nearest_right_one(self):
        self.refused(code=2, words=["a command is needed"])
        self.refused("trcae", code=2, words=["trcae", "did you mean trace?"])
        self.refused("trace", "--jsn", code=2, words=["--jsn", "did you mean --json?"])
        self.refused("trace", "--errno", "EADRINUSE", code=2, words=["EADRINUSE", "EADDRINUSE"])
        self.refused("trace", "--syscall", "bnd", code=2, words=["bnd", "did you mean bind?"])
        self.refused("trace", "--comm", "(", code=2, words=["regular expression"])
        self.refused("trace", "--pid", "me", code=2, words=["pid"])
        self.refused("run", "--web.listen-address=nowhere", code=2, words=["nowhere", "127.0.0.1:9966"])
        self.refused("run", "--log.level=loud", code=2, words=["loud"])

    def test_a_wrong_configuration_names_file_line_and_key(self):
        folder = Folder()
        path = folder / "sockward.yml"
        cases = (("web:\n  listen_adress: ':1'\n", ["sockward.yml:2", "listen_adress", "listen_address"]),
                 ("metric: {}\n", ["sockward.yml:1", "metric", "metrics"]),
                 ("limits: {ring_bytes: 3000}\n", ["ring_bytes", "3000"]),
                 ("limits: {queue_records: many}\n", ["sockward.yml:1", "number"]),
                 ("names: {near_limit_bytes: 200}\n", ["near_limit_bytes", "0 to 107"]),
                 ("probes: {errno: [EWHAT]}\n", ["EWHAT", "did you mean"]),
                 ("a: [\n", ["sockward.yml:"]),
                 ("a: \"\\\x04\"\n", ["sockward.yml:1", "\\x04"]),
                 ("limits: {walk_bytes: 1KiB}\n", ["limits.walk_bytes", "65536"]),
                 ("- list\n", ["mapping"]))
        for text, words in cases:
            pathlib.Path(path).write_text(text)
            self.refused("run", f"--config.file={path}", code=2, words=words)
        self.refused("run", f"--config.file={folder.path}/none.yml", code=2,
                     words=["none.yml", "No such file"])

    def test_what_a_terminal_obeys_comes_back_as_text(self):
        hostile = "\x1b[31m\x9b"
        for arguments in (("run", "--config.file=/" + hostile),
                          ("run", "--web.listen-address=" + hostile + ":1"),
                          ("detach", "--restart.pin-path=/sys/fs/bpf/" + hostile),
                          ("explain", "unix:/" + hostile, "extra" + hostile),
                          ("explain", "--user=" + hostile, "unix:/x"), ("trace", "--errno=" + hostile),
                          (hostile,)):
            done = run(SOCKWARD, *arguments)
            self.assertIn("\\x1b[31m", done.stdout + done.stderr, arguments)
            self.assertNotRegex(done.stdout + done.stderr, "[\x1b\x9b]", arguments)

    def test_without_privilege_it_says_what_is_needed(self):
        for command in ("trace", "check"):
            self.refused(command, code=1, words=["CAP_BPF"], preexec_fn=lambda: os.setuid(65534))

    def test_in_a_pid_namespace_of_its_own_it_says_what_it_cannot_see(self):
        own = ["unshare", "--pid", "--fork", "--mount-proc"]
        done = run(*own, SOCKWARD, "check")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, "warn +processes +the agent is in a pid namespace of its own")
        self.assertIn("hostPID", done.stdout)
        self.assertRegex(run(SOCKWARD, "check").stdout, "ok +processes")
        # It still counts and reports, with the host's process ids.
        trace = Program(*own, "--kill-child", SOCKWARD, "trace", "--json", "--errno", "ENOENT", "--pid",
                        str(os.getpid()), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn("pid namespace of its own", trace.process.stderr.readline())
        self.assertEqual(trace.process.stderr.readline(), "attached\n")
        with socket.socket(socket.AF_UNIX) as sock, self.assertRaises(FileNotFoundError):
            sock.bind("/sockward-none/x")
        record = json.loads(trace.process.stdout.readline())
        self.assertEqual(record["attributes"]["process.pid"], os.getpid())
        trace.stop(signal.SIGKILL)
        trace.process.stdout.close()
        trace.process.stderr.close()

    def test_where_paths_cannot_be_looked_up_it_says_so(self):
        self.assertRegex(run(SOCKWARD, "check").stdout, r"(?m)^  ok +paths +can be looked up")
        done = run(SOCKWARD, "check", preexec_fn=refuse_openat2)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^  warn +paths .*openat2: ENOSYS.*RestrictSUIDSGID")
        with Agent(preexec=refuse_openat2) as agent:
            self.assertIn("look-ups of paths are refused here (openat2: ENOSYS)", agent.said())
        with Agent() as agent:
            self.assertNotIn("look-ups of paths", agent.said())

    def test_a_port_in_use_is_said(self):
        with Agent() as agent:
            self.refused("run", f"--web.listen-address=127.0.0.1:{agent.port}", code=1,
                         words=[str(agent.port), "in use"])

    def test_a_missing_btf_file_is_said(self):
        self.refused("trace", "--btf.path=/none/btf", code=1, words=["/none/btf"])

    def test_strict_refuses_a_probe_that_cannot_be_had(self):
        done = run(SOCKWARD, "trace", "--duration", "0.1", "--probe.backend=fexit", "--config.strict")
        if done.returncode == 0:
            self.assertIn("attached", done.stderr)  # this kernel takes trampolines
        else:
            self.assertEqual(done.returncode, 1)
            self.assertIn("cannot be attached", done.stderr)


class Commands(unittest.TestCase):
    def test_help_and_version(self):
        self.assertIn("Examples:", run(SOCKWARD, "--help").stdout)
        self.assertIn("--duration", run(SOCKWARD, "trace", "--help").stdout)
        self.assertRegex(run(SOCKWARD, "--version").stdout, r"^sockward \d+\.\d+\.\d+ ")

    def test_check_prints_a_backend_for_every_probe(self):
        done = run(SOCKWARD, "check", "--verbose")
        self.assertEqual(done.returncode, 0, done.stderr)
        for probe in ("bind", "connect", "listen", "unlink", "unlinkat", "sethostname", "setdomainname",
                      "sysctl", "openat2", "open_tree", "mount", "move_mount", "uts", "sockets"):
            self.assertRegex(done.stdout, rf"(?m)^  {probe} +(fexit|tracepoint|cgroup|iterator) ")
        self.assertIn("Not seen here", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^  ok +restart +the programs live on at /sys/fs/bpf/sockward")

    def test_check_is_one_screen(self):
        done = run(SOCKWARD, "check")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertLessEqual(len(lines), 24, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^  ok +probes +\d+ (cgroup|fexit), \d+ ")
        self.assertIn("--verbose", lines[-1])
        self.assertGreater(len(run(SOCKWARD, "check", "--verbose").stdout.splitlines()), 24)

    def test_trace_ends_by_itself_and_on_signals(self):
        start = time.monotonic()
        self.assertEqual(run(SOCKWARD, "trace", "--duration", "0.5").returncode, 0)
        self.assertLess(time.monotonic() - start, 8)
        for sig in (signal.SIGINT, signal.SIGTERM):
            program = Program(SOCKWARD, "trace", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self.assertEqual(program.process.stderr.readline(), "attached\n")
            self.assertEqual(program.stop(sig), 0)
            program.process.stderr.close()

    def test_trace_ends_when_its_reader_leaves(self):
        with subprocess.Popen([SOCKWARD, "trace", "--json", "--errno", "all"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as trace:
            self.assertEqual(trace.stderr.readline(), "attached\n")
            trace.stdout.close()
            for _ in range(100):
                if trace.poll() is not None:
                    break
                run("sh", "-c", "rm /sockward-none 2>/dev/null; unlink /sockward-none 2>/dev/null")
            self.assertEqual(trace.wait(10), 0)

    def test_records_in_a_file_survive_a_stop(self):
        folder = Folder()
        path = folder / "records.jsonl"
        with Agent(config=f"records: {{file: {path}}}\nprobes: {{errno: all}}\n"):
            run("sh", "-c", "unlink /sockward-none")
        self.assertIn('"sockward.path":"/sockward-none"', pathlib.Path(path).read_text())

    def test_colours_only_on_a_terminal(self):
        folder = Folder()
        script = (f"{SOCKWARD} trace --duration 3 --errno ENOENT --syscall unlink > {folder.path}/out & "
                  "sleep 2; unlink /sockward-none; wait")
        run("sh", "-c", script)
        text = pathlib.Path(folder / "out").read_text()
        self.assertIn("/sockward-none", text)
        self.assertNotIn("\x1b", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 100)


if __name__ == "__main__":
    unittest.main()
