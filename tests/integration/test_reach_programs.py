"""Programs that do not reach a log, a service manager or a server by MPTCP; each beside a look-alike."""
import contextlib
import errno
import os
import pathlib
import select
import socket
import subprocess
import unittest

from support import Folder, Trace, free_port, require, run
from test_outcomes import busy_server

SENDS = "connect,sendto,sendmsg,sendmmsg"


@contextlib.contextmanager
def receiver(path, mode=0o666):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(path)
        os.chmod(path, mode)
        yield server


def failures_of(folder, name, *command, **options):
    """How many calls to this name failed, as strace saw them: programs try again on their own."""
    path = folder / "strace"
    run("strace", "-f", "-qq", "-o", path, "-e", f"trace={SENDS}", *command, **options)
    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    return sum(name.removeprefix("unix:").lstrip("@") in line and " = -1 E" in line for line in lines)


class LogsAndNotifications(unittest.TestCase):
    def told(self, trace, program, names):
        """{name: what was told of it, once for each record}"""
        found = {name: [] for name in names}
        for a in trace.attributes(process__executable__name=program):
            if a.get("sockward.address") in found:
                found[a["sockward.address"]].append(
                    (a["sockward.syscall.name"], a["error.type"], a["sockward.cause"]))
        return found

    def test_systemd_notify_where_nobody_listens(self):
        require("systemd-notify")
        require("strace")
        folder = Folder()
        with receiver(folder / "dead"):
            pass  # a manager that has ended: its socket file stays
        abstract = "@sockward-notify-" + pathlib.Path(folder.path).name
        expected = {f"unix:{folder / 'missing'}": ("sendmsg", "ENOENT", "path_missing"),
                    f"unix:{folder / 'dead'}": ("sendmsg", "ECONNREFUSED", "stale_socket"),
                    f"unix:{abstract}": ("sendmsg", "ECONNREFUSED", "nothing_listens"),
                    f"unix:{folder / 'alive'}": None}
        made = {}
        with receiver(folder / "alive") as alive, Trace("--syscall", SENDS) as trace:
            for name in expected:
                to = {**os.environ, "NOTIFY_SOCKET": name.removeprefix("unix:")}
                made[name] = failures_of(folder, name, "systemd-notify", "--no-block", "--ready", env=to)
            run("systemd-notify", "--no-block", "--ready")  # without a socket it does nothing
            self.assertIn(b"READY=1", alive.recv(1000))
        self.assertEqual([count > 0 for count in made.values()], [True, True, True, False], made)
        self.assertEqual(self.told(trace, "systemd-notify", expected),
                         {name: [what] * made[name] for name, what in expected.items()})

    def test_logger_where_nobody_reads(self):
        require("logger")
        require("strace")
        folder = Folder()
        with receiver(folder / "dead"):
            pass
        expected = {f"unix:{folder / 'missing'}": ("connect", "ENOENT", "path_missing"),
                    f"unix:{folder / 'dead'}": ("connect", "ECONNREFUSED", "stale_socket"),
                    f"unix:{folder / 'alive'}": None}
        with receiver(folder / "alive") as alive, Trace("--syscall", SENDS) as trace:
            made = {name: failures_of(folder, name, "logger", "--socket-errors=on", "-d", "-u",
                                      name.removeprefix("unix:"), "hello") for name in expected}
            self.assertIn(b"hello", alive.recv(1000))
        self.assertEqual([count > 0 for count in made.values()], [True, True, False], made)
        self.assertEqual(self.told(trace, "logger", expected),
                         {name: [what] * made[name] for name, what in expected.items()})

    def test_a_log_whose_reader_ends_while_a_program_is_connected(self):
        folder = Folder()
        script = ("import socket, sys\n"
                  "log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                  "log.connect(sys.argv[1])\n"
                  "log.send(b'one'); print('sent', flush=True); sys.stdin.readline()\n"
                  "try: log.send(b'two')\n"
                  "except ConnectionRefusedError: print('refused')\n")
        for ends in (True, False):
            path = folder / f"log-{ends}"
            with contextlib.ExitStack() as stack:
                server = stack.enter_context(receiver(path))
                # Where the name of a peer that has gone is not known, a record must be asked for.
                trace = stack.enter_context(Trace("--syscall", SENDS, "--errno", "ECONNREFUSED"))
                child = subprocess.Popen(["/usr/bin/python3", "-c", script, path], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
                self.assertEqual(child.stdout.readline(), "sent\n")
                if ends:
                    server.close()
                said, _ = child.communicate("\n")
            told = [(a["error.type"], a["sockward.cause"]) for a in trace.attributes(process__pid=child.pid)]
            self.assertEqual(said, "refused\n" if ends else "")
            self.assertEqual(told, [("ECONNREFUSED", "nothing_listens")] if ends else [])


class Mptcp(unittest.TestCase):
    """A connection of MPTCP has a TCP socket below it, which has outcomes, too: one record all the same."""

    def made(self, port, seconds, blocking=False):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262) as client:
            client.setblocking(blocking)
            ended = client.connect_ex(("127.0.0.1", port))
            if ended == errno.EINPROGRESS and select.select([], [client], [], seconds)[1]:
                ended = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            return ended

    def test_each_end_is_told_once(self):
        try:
            socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).close()
        except OSError as error:
            self.skipTest(f"this kernel has no MPTCP: {error}")
        with contextlib.ExitStack() as stack:
            full = stack.enter_context(busy_server())
            open_ports = []
            for protocol in (0, 262):  # MPTCP to plain TCP falls back
                server = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol))
                server.bind(("127.0.0.1", 0))
                server.listen(5)
                open_ports.append(server.getsockname()[1])
            closed, blocking = free_port(), free_port()
            trace = stack.enter_context(Trace("--pid", str(os.getpid())))
            self.assertEqual(self.made(closed, 5), errno.ECONNREFUSED)
            self.assertEqual(self.made(blocking, 5, blocking=True), errno.ECONNREFUSED)
            self.assertEqual(self.made(full, 1.3), errno.EINPROGRESS)
            self.assertEqual(self.made(full, 0.2), errno.EINPROGRESS)
            for port in open_ports:
                self.assertEqual(self.made(port, 5), 0)
        told = sorted((a["network.peer.port"], a["error.type"], a["sockward.cause"])
                      for a in trace.attributes())
        self.assertEqual(told, sorted([(closed, "ECONNREFUSED", "nothing_listens"),
                                       (blocking, "ECONNREFUSED", "nothing_listens"),
                                       (full, "given_up", "no_answer")]))


if __name__ == "__main__":
    unittest.main()
