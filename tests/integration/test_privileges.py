"""Once everything is attached the agent keeps little, and works with it."""
import ctypes
import errno
import os
import pathlib
import re
import signal
import socket
import subprocess
import unittest

from support import (PROVOKE, ROOT, SOCKWARD, Agent, Folder, own_container, path_through_a_loop, require,
                     run, total, wait_until)

NUMBERS = {"CAP_DAC_READ_SEARCH": 2, "CAP_NET_ADMIN": 12, "CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21,
           "CAP_BPF": 39}
PAGES = {"CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE", "CAP_BPF"}


def bits(names):
    return sum(1 << NUMBERS[name] for name in names)


class Compare(ctypes.Structure):
    """struct scmp_arg_cmp"""
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int), ("first", ctypes.c_uint64),
                ("second", ctypes.c_uint64)]


def refuse(error, *rules):
    """From now on the kernel answers these calls with an error:
    (name of the call, comparisons of its arguments)."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    allow = 0x7FFF0000
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(allow)))
    for name, compare in rules:
        number = library.seccomp_syscall_resolve_name(name)
        failed = library.seccomp_rule_add_array(context, ctypes.c_uint32(0x00050000 | error), number,
                                                len(compare), (Compare * len(compare))(*compare))
        if failed:
            raise OSError(-failed, name)
    if library.seccomp_load(context):
        raise OSError("seccomp_load")


def refuse_seccomp():
    """For preexec_fn: from now on neither seccomp(2) nor prctl(2) installs a filter."""
    equal, set_seccomp = 4, 22
    refuse(errno.EPERM, (b"seccomp", []), (b"prctl", [Compare(0, equal, set_seccomp, 0)]))


def refuse_openat2():
    """For preexec_fn: as systemd does it for RestrictSUIDSGID=."""
    refuse(errno.ENOSYS, (b"openat2", []))


class Privileges(unittest.TestCase):
    def threads(self, agent):
        found = []
        for status in pathlib.Path(f"/proc/{agent.pid}/task").glob("*/status"):
            found.append(dict(line.split(":\t", 1) for line in status.read_text().splitlines()
                              if ":\t" in line))
        return found

    def check(self, agent, kept):
        threads = self.threads(agent)
        self.assertGreater(len(threads), 2)
        for thread in threads:
            for field in ("CapEff", "CapPrm", "CapBnd"):
                self.assertEqual(int(thread[field], 16) & ~bits(kept), 0, thread)
            self.assertEqual(int(thread["CapInh"], 16), 0)
            self.assertEqual(thread["NoNewPrivs"], "1")
            self.assertEqual(thread["Seccomp"], "2")
        # The thread that makes pages has less than the one that diagnoses.
        wanted = sorted({bits(kept & PAGES), bits(kept)} if kept & PAGES != kept else {bits(kept)})
        self.assertEqual(sorted({int(thread["CapEff"], 16) for thread in threads}), wanted)

    def test_every_thread_keeps_only_what_is_needed(self):
        with Agent() as agent:
            self.check(agent, set(NUMBERS))

    def web_process(self, agent):
        (pid,) = pathlib.Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text().split()
        return int(pid)

    def test_the_process_that_serves_http_has_nothing(self):
        with Agent() as agent:
            agent.metrics()
            pid = self.web_process(agent)
            self.assertEqual(pathlib.Path(f"/proc/{pid}/comm").read_text(), "sockward-web\n")
            statuses = [path.read_text() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/status")]
            self.assertGreater(len(statuses), 3)
            for status in statuses:
                self.assertEqual(set(re.findall(r"^Cap(?:Inh|Prm|Eff|Bnd|Amb):\t(\S+)", status, re.M)),
                                 {"0" * 16})
                self.assertRegex(status, r"(?m)^NoNewPrivs:\t1$")
                self.assertRegex(status, r"(?m)^Seccomp:\t2$")
            files = sorted(os.readlink(f"/proc/{pid}/fd/{fd}").split(":")[0]
                           for fd in os.listdir(f"/proc/{pid}/fd"))
            # Standard streams, the listening socket, the connection to
            # the agent, and perhaps a client: no BPF, no file.
            self.assertEqual([name for name in files
                              if not name.startswith(("/dev/null", "/tmp/#", "socket"))], [])
            maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
            self.assertNotIn("bpf-map", maps)

    def test_what_taking_it_over_would_give(self):
        """gdb makes calls in the process as whoever had taken it over would: each is refused."""
        require("gdb")
        with Agent() as agent:
            pid = self.web_process(agent)
            secret = Folder() / "secret"
            pathlib.Path(secret).write_text("x")
            calls = {
                "open": f'(int)open("{secret}", 0)', "write": f'(int)open("{secret}", 0x41, 0600)',
                "connect out": "(int)socket(2, 1, 0)", "kill the agent": f"(int)kill({agent.pid}, 9)",
                "a process": "(int)fork()", "code": "(long)mmap(0, 4096, 7, 0x22, -1, 0)",
                "bpf": "(long)syscall(321, 0, 0, 0)", "ptrace": f"(long)ptrace(16, {agent.pid}, 0, 0)",
            }
            said = run("gdb", "-q", "-nx", "-batch", "-p", str(pid),
                       *(word for name, call in calls.items()
                         for word in ("-ex", f"printf \"{name}: %ld\\n\", {call}"))).stdout
            for name in calls:
                self.assertRegex(said, rf"(?m)^{name}: -1$", said)
            self.assertEqual(agent.get("/-/ready").status, 200)

    def test_without_its_filter_it_serves_nothing(self):
        """A kernel without seccomp filters, played by a filter that refuses filters."""
        agent = Agent()
        done = subprocess.run(agent.command, preexec_fn=refuse_seccomp, capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("could not drop its privileges: load the seccomp filter", done.stderr)
        self.assertIn("privileges: {seccomp: false}", done.stderr)
        with Agent(config="privileges: {seccomp: false}\n", preexec=refuse_seccomp) as agent:
            self.assertGreater(len(agent.metrics()), 100)

    def test_when_it_is_gone_the_agent_leaves_its_programs_to_the_next(self):
        agent, container = Agent(), own_container(self)
        with agent:
            agent.killed = True
            os.kill(self.web_process(agent), signal.SIGKILL)
            self.assertEqual(agent.program.process.wait(10), 1)
            self.assertIn("sockward-web exited", agent.said())
        container.run(PROVOKE, "storm", "30")
        with agent:
            self.assertEqual(container.failures(agent.metrics(), errno="ENOENT", family="unix",
                                                syscall="bind"), 30)

    def test_it_dies_with_the_agent(self):
        with Agent() as agent:
            pid = self.web_process(agent)
            agent.kill()
            wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 5, "it is gone")
        run(SOCKWARD, "detach", f"--restart.pin-path=/sys/fs/bpf/sockward-agent-{agent.port}")

    def test_with_the_least_it_still_counts_and_tells(self):
        drop, path = sorted(set(NUMBERS) - {"CAP_BPF"}), path_through_a_loop()
        with Agent(config=f"privileges: {{drop: [{', '.join(drop)}]}}\nrecords: {{fold: 0}}\n",
                   output="json") as agent:
            self.check(agent, {"CAP_BPF"})
            self.assertIn("is not possible", agent.said())
            subprocess.run([PROVOKE, "storm", "20", "1", path], check=True)  # containers have no names now
            self.assertEqual(total(agent.metrics(), "sockward_call_errors_total", errno="ELOOP",
                                   family="unix", syscall="bind"), 20)
            with socket.socket() as holder, socket.socket() as late:
                holder.bind(("127.0.0.1", 0))
                holder.listen()
                with self.assertRaises(OSError):
                    late.bind(holder.getsockname())
            record = wait_until(lambda: [r for r in agent.records()
                                         if r["attributes"].get("error.type") == "EADDRINUSE"
                                         and r["attributes"]["process.pid"] == os.getpid()], 5)[0]
            self.assertEqual(record["attributes"]["sockward.cause"], "address_in_use")
            self.assertEqual(record["attributes"]["sockward.holder.pid"], os.getpid())

    def test_what_cannot_be_given_up_is_named(self):
        for name, word in (("CAP_BPF", "cannot be given up"),
                           ("CAP_SYS_PTRAC", "did you mean CAP_SYS_PTRACE?")):
            agent = Agent(config=f"privileges: {{drop: [{name}]}}\n")
            done = run(*agent.command)
            self.assertEqual(done.returncode, 2)
            self.assertIn(name, done.stderr)
            self.assertIn(word, done.stderr)

    def test_the_document_lists_them_all(self):
        text = (ROOT / "docs/security.md").read_text()
        self.assertEqual(set(re.findall(r"^\| `(CAP_\w+)`", text, re.M)), set(NUMBERS))


if __name__ == "__main__":
    unittest.main()
