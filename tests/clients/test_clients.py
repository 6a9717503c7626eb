"""Go, Java and rsyslog (scripts/test-clients): what cannot be reached is told, and its look-alike is not."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from support import Folder, Trace, free_port, require, run, wait_until  # noqa: E402
from test_outcomes import busy_server  # noqa: E402

HERE = pathlib.Path(__file__).parent


@contextlib.contextmanager
def listener(host):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as server:
        server.bind((host, 0))
        server.listen(5)
        yield server.getsockname()[1]


class Connects:
    """Of a client that connects without blocking, in a language of its own. `client(ms, host, port)`."""

    def told(self, trace):
        return sorted((a["network.peer.port"], a["error.type"], a["sockward.cause"])
                      for a in trace.attributes() if a["process.executable.name"] == self.NAME
                      and a.get("network.transport") == "tcp")

    def test_a_dead_a_full_and_a_wrong_family_server(self):
        dead = free_port()
        with contextlib.ExitStack() as stack:
            full = stack.enter_context(busy_server())
            four = stack.enter_context(listener("127.0.0.1"))
            trace = stack.enter_context(Trace())
            for limit, host, port in ((3000, "127.0.0.1", dead), (1500, "127.0.0.1", full),
                                      (3000, "::1", four)):
                self.assertNotIn("connected", self.client(limit, host, port).stdout)
        self.assertEqual(self.told(trace), sorted([
            (dead, "ECONNREFUSED", "nothing_listens"), (full, "given_up", "no_answer"),
            (four, "ECONNREFUSED", "listens_on_other_address")]))
        (given_up,) = trace.attributes(error__type="given_up", network__peer__port=full)
        self.assertGreaterEqual(given_up["sockward.connect.elapsed_ms"], 1400)
        self.assertIn("accept queue is full", " ".join(given_up["sockward.evidence"]))

    def test_what_gets_through_or_gives_up_soon_is_not_told(self):
        with contextlib.ExitStack() as stack:
            full = stack.enter_context(busy_server())
            ports = {host: stack.enter_context(listener(host)) for host in ("127.0.0.1", "::1")}
            trace = stack.enter_context(Trace())
            for host, port in ports.items():
                self.assertIn("connected", self.client(3000, host, port).stdout)
            self.assertNotIn("connected", self.client(300, "127.0.0.1", full).stdout)
        self.assertEqual(self.told(trace), [])


class Go(Connects, unittest.TestCase):
    NAME = "sockward-go"

    @classmethod
    def setUpClass(cls):
        require("go")
        cls.folder = Folder()
        program = cls.folder / cls.NAME
        settings = {"GOCACHE": cls.folder / "cache", "GO111MODULE": "off", "GOFLAGS": "", "CGO_ENABLED": "0"}
        subprocess.run(["go", "build", "-o", program, str(HERE / "client.go")], check=True,
                       env={**os.environ, **settings})
        cls.program = program

    def client(self, limit, host, port):
        return run(self.program, str(limit), f"[{host}]:{port}" if ":" in host else f"{host}:{port}")

    def test_a_name_with_two_addresses(self):
        """The attempt that was refused is told once, and that it got through in the end is not."""
        pathlib.Path(self.folder / "hosts").write_text("::1 both\n127.0.0.1 both\n")
        script = 'mount --bind "$1/hosts" /etc/hosts && exec "$1/sockward-go" 3000 "both:$2"'
        with listener("127.0.0.1") as port, Trace() as trace:
            done = run("unshare", "--mount", "sh", "-c", script, "sh", self.folder.path, str(port))
        self.assertIn("connected", done.stdout, done.stderr)
        self.assertEqual(self.told(trace), [(port, "ECONNREFUSED", "listens_on_other_address")])


class Java(Connects, unittest.TestCase):
    """Its sockets are IPv6 ones, and IPv4 addresses are mapped."""

    NAME = "java"

    @classmethod
    def setUpClass(cls):
        require("javac")
        cls.folder = Folder()
        subprocess.run(["javac", "-d", cls.folder.path, str(HERE / "Client.java")], check=True)

    def client(self, limit, host, port):
        return run("java", "-cp", self.folder.path, "Client", str(limit), host, str(port))


class Rsyslog(unittest.TestCase):
    """/dev/log of a mount namespace of its own, and short queues in a network namespace of its own."""

    SPACE = """set -e
mkdir "$1/dev"; mount -t tmpfs -o mode=755 none "$1/dev"
for name in null zero full random urandom; do
  touch "$1/dev/$name"; mount --bind "/dev/$name" "$1/dev/$name"
done
mount --rbind "$1/dev" /dev
echo 5 >/proc/sys/net/unix/max_dgram_qlen
echo entered; exec sleep 300
"""

    def setUp(self):
        require("rsyslogd")
        require("logger")
        self.folder = Folder()
        self.space = subprocess.Popen(["unshare", "--mount", "--net", "sh", "-c", self.SPACE, "sh",
                                       self.folder.path], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end, self.space)
        self.assertEqual(self.space.stdout.readline(), "entered\n")
        pathlib.Path(self.folder / "conf").write_text(
            'module(load="imuxsock")\n'
            f'global(workDirectory="{self.folder.path}")\n'
            f'*.* action(type="omfile" file="{self.folder / "messages"}")\n')

    def end(self, process):
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()

    def inside(self, *command):
        return ["nsenter", "-t", str(self.space.pid), "--mount", "--net", *command]

    def daemon(self):
        made = subprocess.Popen(self.inside("rsyslogd", "-n", "-f", self.folder / "conf", "-i",
                                            self.folder / "pid"))
        self.addCleanup(self.end, made)
        wait_until(lambda: run(*self.inside("test", "-S", "/dev/log")).returncode == 0, 20, "rsyslogd is up")
        return made

    def log(self, text):
        return run(*self.inside("logger", "--socket-errors=on", "-d", text))

    def await_message(self, text):
        file = pathlib.Path(self.folder / "messages")
        wait_until(lambda: file.exists() and text in file.read_text(encoding="utf-8"), 20, f"{text!r} logged")

    def told(self, trace):
        """(call, errno, cause, who is named) of each record."""
        return [(a["sockward.syscall.name"], a["error.type"], a["sockward.cause"],
                 a.get("sockward.holder.pid")) for a in trace.attributes(sockward__address="unix:/dev/log")]

    def traced(self, *names):
        return Trace("--syscall", "connect,sendto,sendmsg,sendmmsg", *names)

    def test_a_log_that_is_gone_and_one_that_is_there(self):
        with self.traced() as trace:
            self.log("never there")
        self.assertEqual(self.told(trace), [("connect", "ENOENT", "path_missing", None)])
        daemon = self.daemon()
        with self.traced() as trace:
            self.assertEqual(self.log("here I am").returncode, 0)
            self.await_message("here I am")
        self.assertEqual(self.told(trace), [])
        daemon.kill()  # it leaves its socket
        daemon.wait()
        with self.traced() as trace:
            self.log("nobody reads this")
        ((call, error, cause, _),) = self.told(trace)
        self.assertEqual((call, error, cause), ("connect", "ECONNREFUSED", "stale_socket"))

    def test_a_log_that_is_not_read_and_one_that_is(self):
        script = ("import socket, sys\n"
                  "log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); log.setblocking(False)\n"
                  "for n in range(int(sys.argv[1])):\n"
                  "    try: log.sendto(b'<13>no. %d' % n, '/dev/log')\n"
                  "    except BlockingIOError: print('full'); break\n")
        daemon = self.daemon()
        with self.traced() as trace:
            said = run(*self.inside("/usr/bin/python3", "-c", script, "3")).stdout
        self.assertEqual((said, self.told(trace)), ("", []))
        daemon.send_signal(signal.SIGSTOP)
        with self.traced() as trace:
            said = run(*self.inside("/usr/bin/python3", "-c", script, "100")).stdout
        self.assertEqual(said, "full\n")
        self.assertEqual(self.told(trace), [("sendto", "EAGAIN", "accept_queue_full", daemon.pid)])
        daemon.send_signal(signal.SIGCONT)
        self.await_message("no. 3")
        with self.traced() as trace:
            self.assertEqual(self.log("once more").returncode, 0)
        self.assertEqual(self.told(trace), [])


if __name__ == "__main__":
    unittest.main()
