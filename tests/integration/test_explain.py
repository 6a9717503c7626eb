"""explain and scan: what is foretold is what the kernel then does."""
import ctypes
import errno
import json
import os
import pathlib
import re
import socket
import time
import unittest

from support import SOCKWARD, Folder, Program, run, wait_until

NOBODY = 65534
CLONE_NEWNET, CLONE_NEWUTS = 0x40000000, 0x04000000
LIBC = ctypes.CDLL(None, use_errno=True)


def really(call, address, family, kind, uid):
    """The errno of the real call, made by a child with this user; 0 when it works."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 255
        try:
            if uid:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
            with socket.socket(family, kind) as attempt:
                code = getattr(attempt, f"{call}_ex", None)
                code = code(address) if code else (attempt.bind(address) or 0)
        except OSError as error:
            code = error.errno
        os.write(write, bytes([code]))
        os._exit(0)
    os.waitpid(child, 0)
    code = os.read(read, 1)[0]
    os.close(read)
    os.close(write)
    return code


class Explain(unittest.TestCase):
    def foretold(self, address, *flags):
        done = run(SOCKWARD, "explain", address, *flags)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        found = re.search(r"would fail with (E[A-Z0-9]+)", done.stdout)
        self.assertEqual(done.returncode, 1 if found else 0, done.stdout)
        return (getattr(errno, found[1]) if found else 0), done.stdout

    def check(self, text, call, address, family, uid=0, cause=None, kind=socket.SOCK_STREAM):
        flags = (["--connect"] if call == "connect" else []) + (["--user", "nobody"] if uid else [])
        told, output = self.foretold(text, *flags)
        happened = really(call, address, family, kind, uid)
        self.assertEqual(told, happened, output)
        if cause:
            self.assertRegex(output, rf"cause +{cause} ", output)

    def test_unix_paths_end_as_foretold(self):
        folder = Folder()
        live = socket.socket(socket.AF_UNIX)
        live.bind(folder / "live")
        live.listen(1)
        os.chmod(folder / "live", 0o600)
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(folder / "stale")
        pathlib.Path(folder / "file").write_text("")
        os.mkdir(folder / "closed", 0o700)
        os.mkdir(folder / "sticky")
        os.chmod(folder / "sticky", 0o1777)
        os.symlink(folder / "loop", folder / "loop")
        os.symlink(folder / "live", folder / "link")
        cases = [("live", "bind", 0, "address_in_use"), ("live", "bind", NOBODY, "address_in_use"), ("live", "connect", 0, None),
                 ("live", "connect", NOBODY, "socket_permission"), ("link", "connect", 0, None), ("link", "bind", 0, "path_occupied"),
                 ("stale", "bind", 0, "stale_socket"), ("stale", "connect", 0, "stale_socket"), ("file", "bind", 0, "path_occupied"),
                 ("file", "connect", 0, "path_occupied"), ("new", "bind", NOBODY, "directory_not_writable"), ("new", "connect", NOBODY, None),
                 ("closed/x", "bind", NOBODY, "directory_not_searchable"), ("closed/x", "connect", NOBODY, "directory_not_searchable"),
                 ("sticky/mine", "bind", NOBODY, None), ("missing/x", "bind", 0, None), ("file/x", "bind", 0, None),
                 ("loop", "connect", 0, "symlink_loop"), ("loop/x", "bind", 0, "symlink_loop"), ("n" * 60, "bind", 0, None)]
        for name, call, uid, cause in cases:
            with self.subTest(name=name, call=call, uid=uid):
                self.check(f"unix:{folder / name}", call, folder / name, socket.AF_UNIX, uid, cause)
        live.close()

    def test_a_path_that_does_not_fit(self):
        told, output = self.foretold("unix:/tmp/" + "x" * 120)
        self.assertEqual(told, errno.EINVAL)
        self.assertRegex(output, "cause +path_too_long ")

    def test_internet_and_abstract_names_end_as_foretold(self):
        server = socket.create_server(("127.0.0.1", 0))
        port = server.getsockname()[1]
        held = socket.socket(socket.AF_UNIX)
        held.bind("\0explained")
        held.listen(1)
        free = socket.create_server(("127.0.0.1", 0))
        free_port = free.getsockname()[1]
        free.close()
        inet = socket.AF_INET
        self.check(f"tcp:127.0.0.1:{port}", "bind", ("127.0.0.1", port), inet, 0, "address_in_use")
        self.check(f"tcp:*:{port}", "bind", ("0.0.0.0", port), inet, 0, "address_in_use")
        self.check(f"tcp:[::]:{port}", "bind", ("::", port), socket.AF_INET6, 0, "address_in_use")
        self.check(f"tcp:localhost:{port}", "connect", ("127.0.0.1", port), inet)
        self.check(f"tcp:127.0.0.1:{free_port}", "connect", ("127.0.0.1", free_port), inet)
        self.check(f"tcp:127.0.0.1:{free_port}", "bind", ("127.0.0.1", free_port), inet)
        self.check(f"udp:127.0.0.1:{port}", "bind", ("127.0.0.1", port), inet, kind=socket.SOCK_DGRAM)
        self.check("tcp:127.0.0.1:81", "bind", ("127.0.0.1", 81), inet, NOBODY, "privileged_port")
        self.check("tcp:192.0.2.1:8080", "bind", ("192.0.2.1", 8080), inet, 0, "address_not_local")
        self.check("unix:@explained", "bind", "\0explained", socket.AF_UNIX, 0, "address_in_use")
        self.check("unix:@explained", "connect", "\0explained", socket.AF_UNIX)
        self.check("unix:@nobody-has-it", "connect", "\0nobody-has-it", socket.AF_UNIX)
        server.close()
        held.close()

    def test_as_another_process_with_its_namespace_and_directory(self):
        folder = Folder()
        ready = folder / "ready"

        def other():
            LIBC.unshare(CLONE_NEWNET)
            os.chdir(folder.path)
            pathlib.Path(ready).write_text("")
            time.sleep(20)

        server = socket.create_server(("127.0.0.1", 0))
        port = server.getsockname()[1]
        child = os.fork()
        if child == 0:
            other()
            os._exit(0)
        wait_until(lambda: os.path.exists(ready), 5, "the other process")
        told, output = self.foretold(f"tcp:*:{port}", "--pid", str(child))
        self.assertEqual(told, 0, output)
        self.assertEqual(self.foretold(f"tcp:*:{port}")[0], errno.EADDRINUSE)
        self.assertEqual(self.foretold("unix:ready", "--pid", str(child))[0], errno.EADDRINUSE)
        os.kill(child, 9)
        os.waitpid(child, 0)
        server.close()

    def test_what_cannot_be_asked_is_a_usage_error_with_an_example(self):
        for wrong in ("tcp:1.2.3.4", "unix:", "http://x", "tcp:127.0.0.1:99999", "udp::53"):
            done = run(SOCKWARD, "explain", wrong)
            self.assertEqual(done.returncode, 2, wrong)
            self.assertIn("tcp:127.0.0.1:80", done.stderr)
        self.assertEqual(run(SOCKWARD, "explain", "tcp:127.0.0.1:80", "--user", "no-such-user").returncode, 2)
        self.assertEqual(run(SOCKWARD, "explain", "tcp:127.0.0.1:80", "--pid", "4194304").returncode, 1)


class Scan(unittest.TestCase):
    def test_names_listeners_stale_files_and_sockets_near_the_limit(self):
        folder = Folder()
        near = folder.path + "/" + "n" * (100 - len(folder.path) - 1)
        live = socket.socket(socket.AF_UNIX)
        live.bind(near)
        live.listen(1)
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(folder / "st\xe4le\x1b[31m")
        server = socket.create_server(("127.0.0.1", 0))
        child = os.fork()
        if child == 0:
            LIBC.unshare(CLONE_NEWUTS)
            LIBC.sethostname(b"scanned", 7)
            LIBC.setdomainname(b"example.org", 11)
            pathlib.Path(folder / "ready").write_text("")
            time.sleep(20)
            os._exit(0)
        wait_until(lambda: os.path.exists(folder / "ready"), 5, "the namespace")
        found = json.loads(run(SOCKWARD, "scan", "--json").stdout)
        text = run(SOCKWARD, "scan").stdout
        os.kill(child, 9)
        os.waitpid(child, 0)
        names = [u for u in found["uts_namespaces"] if u["hostname"] == "scanned"]
        self.assertEqual([(u["domainname"], u["first_pid"], u["processes"]) for u in names], [("example.org", child, 1)])
        address = f"tcp:127.0.0.1:{server.getsockname()[1]}"
        self.assertIn(os.getpid(), [s["process.pid"] for s in found["listeners"] if s["address"] == address])
        self.assertEqual({s["path_bytes"] for s in found["near_limit"] if s["address"] == "unix:" + near}, {100})
        stale = [s["path"] for s in found["stale_sockets"] if s["path"].startswith(folder.path)]
        self.assertEqual(len(stale), 1)
        self.assertIn("\\x1b[31m", stale[0])
        self.assertNotIn("\x1b", text)
        self.assertIn("scanned", text)

    def test_a_node_of_a_thousand_processes_is_scanned_in_two_seconds(self):
        crowd = Program("/usr/bin/python3", "-c", "import os,time\nfor _ in range(1000):\n  if os.fork() == 0: time.sleep(60); os._exit(0)\nprint('up', flush=True); time.sleep(60)",
                        stdout=-1, text=True, start_new_session=True)
        self.assertEqual(crowd.process.stdout.readline(), "up\n")
        began = time.monotonic()
        done = run(SOCKWARD, "scan")
        took = time.monotonic() - began
        os.killpg(crowd.process.pid, 9)
        crowd.process.stdout.close()
        self.assertEqual(done.returncode, 0)
        self.assertLess(took, 2)
