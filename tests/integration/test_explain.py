"""explain and scan: what explain predicts is what the kernel then does."""
import ctypes
import errno
import json
import os
import pathlib
import re
import socket
import subprocess
import time
import unittest

from support import SOCKWARD, Folder, Program, Trace, require, run, wait_until

NOBODY = 65534
CLONE_NEWNET, CLONE_NEWUTS = 0x40000000, 0x04000000
MS_BIND, IPPROTO_MPTCP = 4096, 262
LIBC = ctypes.CDLL(None, use_errno=True)


def really(call, address, family, kind, uid, network=None):
    """The errno (or 0) of the real call, by a child of this user in the network namespace of a process."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 255
        try:
            if network:
                LIBC.setns(os.open(f"/proc/{network}/ns/net", os.O_RDONLY), CLONE_NEWNET)
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


class Network:
    """A process in a network namespace of its own, until the end of the `with`."""

    def __enter__(self):
        read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            LIBC.unshare(CLONE_NEWNET)
            os.write(write, b"x")
            time.sleep(120)
            os._exit(0)
        os.read(read, 1)
        os.close(read)
        os.close(write)
        return self

    def __exit__(self, *error):
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)

    def run(self, *command):
        return subprocess.run(["nsenter", f"--net=/proc/{self.pid}/ns/net", *command], check=True,
                              capture_output=True, text=True)

    def set(self, name, value):
        self.run("sh", "-c", f"echo {value} > /proc/sys/net/{name}")


class Explain(unittest.TestCase):
    def predicted(self, address, *flags):
        done = run(SOCKWARD, "explain", address, *flags)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        found = re.search(r"would fail with (E[A-Z0-9]+)", done.stdout)
        self.assertEqual(done.returncode, 1 if found else 0, done.stdout)
        return (getattr(errno, found[1]) if found else 0), done.stdout

    def check(self, text, call, address, family, uid=0, cause=None, kind=socket.SOCK_STREAM, network=None):
        flags = (["--connect"] if call == "connect" else []) + (["--user", "nobody"] if uid else [])
        flags += ["--pid", str(network.pid)] if network else []
        told, output = self.predicted(text, *flags)
        happened = really(call, address, family, kind, uid, network.pid if network else None)
        self.assertEqual(told, happened, f"{os.strerror(happened)} happened: {output}")
        if happened == 0:
            self.assertIn("nothing that can be seen on this host prevents it", output)
        if cause:
            self.assertRegex(output, rf"cause +{cause} ", output)

    def test_unix_paths_end_as_predicted(self):
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
        cases = [("live", "bind", 0, "address_in_use"), ("live", "bind", NOBODY, "address_in_use"),
                 ("live", "connect", 0, None), ("live", "connect", NOBODY, "socket_permission"),
                 ("link", "connect", 0, None), ("link", "bind", 0, "path_occupied"),
                 ("stale", "bind", 0, "stale_socket"), ("stale", "connect", 0, "stale_socket"),
                 ("file", "bind", 0, "path_occupied"), ("file", "connect", 0, "path_occupied"),
                 ("new", "bind", NOBODY, "directory_not_writable"), ("new", "connect", NOBODY, None),
                 ("file", "connect", NOBODY, None),
                 ("closed/no/x", "bind", NOBODY, "directory_not_searchable"),
                 ("closed/no/x", "connect", NOBODY, "directory_not_searchable"),
                 ("closed/x", "bind", NOBODY, "directory_not_searchable"),
                 ("closed/x", "connect", NOBODY, "directory_not_searchable"),
                 ("sticky/mine", "bind", NOBODY, None), ("missing/x", "bind", 0, None),
                 ("file/x", "bind", 0, None), ("loop", "connect", 0, "symlink_loop"),
                 ("loop/x", "bind", 0, "symlink_loop"), ("n" * 60, "bind", 0, None)]
        for name, call, uid, cause in cases:
            with self.subTest(name=name, call=call, uid=uid):
                self.check(f"unix:{folder / name}", call, folder / name, socket.AF_UNIX, uid, cause)
        live.close()

    def test_file_systems_without_sockets(self):
        for path in ("/proc/x", "/proc/sys/x", "/sys/x", "/dev/pts/x"):
            with self.subTest(path=path):
                self.check("unix:" + path, "bind", path, socket.AF_UNIX)

    def test_a_mounted_socket_whose_file_is_gone(self):
        folder = Folder()
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(folder / "source")
        pathlib.Path(folder / "mounted").write_text("")
        self.assertEqual(LIBC.mount(os.fsencode(folder / "source"), os.fsencode(folder / "mounted"), None,
                                    MS_BIND, None), 0)
        self.addCleanup(LIBC.umount2, os.fsencode(folder / "mounted"), 2)
        os.unlink(folder / "source")
        for call in ("bind", "connect"):
            self.check(f"unix:{folder / 'mounted'}", call, folder / "mounted", socket.AF_UNIX, 0,
                       "mounted_socket_gone")

    def test_what_a_server_does_to_a_client(self):
        folder = Folder()
        with socket.socket(socket.AF_UNIX) as full, socket.socket(
                socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams, socket.socket(socket.AF_UNIX) as idle:
            full.bind(folder / "full")
            full.listen(0)
            clients = [socket.socket(socket.AF_UNIX) for _ in range(2)]
            for client in clients:
                client.setblocking(False)
            self.assertEqual([client.connect_ex(folder / "full") for client in clients], [0, errno.EAGAIN])
            self.assertEqual(self.predicted(f"unix:{folder / 'full'}", "--connect")[0], 0)
            idle.bind(folder / "idle")
            self.check(f"unix:{folder / 'idle'}", "connect", folder / "idle", socket.AF_UNIX, 0,
                       "nothing_listens")
            datagrams.bind(folder / "datagrams")
            self.check(f"unix:{folder / 'datagrams'}", "connect", folder / "datagrams", socket.AF_UNIX,
                       kind=socket.SOCK_DGRAM)
            self.assertEqual(really("connect", folder / "datagrams", socket.AF_UNIX, socket.SOCK_STREAM, 0),
                             errno.EPROTOTYPE)
            self.assertRegex(self.predicted(f"unix:{folder / 'datagrams'}", "--connect")[1],
                             r"(?s)stream\s+socket.*EPROTOTYPE")
            for client in clients:
                client.close()

    def test_a_path_that_does_not_fit(self):
        told, output = self.predicted("unix:/tmp/" + "x" * 120)
        self.assertEqual(told, errno.EINVAL)
        self.assertRegex(output, "cause +path_too_long ")

    def test_internet_and_abstract_names_end_as_predicted(self):
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

    def test_addresses_as_records_print_them(self):
        server = socket.create_server(("127.0.0.1", 0))
        port = server.getsockname()[1]
        self.check(f"127.0.0.1:{port}", "bind", ("127.0.0.1", port), socket.AF_INET, 0, "address_in_use")
        self.check(f"127.0.0.1:{port}", "connect", ("127.0.0.1", port), socket.AF_INET)
        self.check(f"[::ffff:127.0.0.1]:{port}", "connect", ("::ffff:127.0.0.1", port), socket.AF_INET6)
        self.check(f"0.0.0.0:{port}", "connect", ("0.0.0.0", port), socket.AF_INET)
        server.close()
        folder = Folder()
        with socket.socket(socket.AF_UNIX) as odd, socket.socket(socket.AF_UNIX) as hidden:
            odd.bind(folder / "a\x1bb")
            odd.listen(1)
            hidden.bind("\0a\0b")
            self.check(f"unix:{folder.path}/a\\x1bb", "connect", folder / "a\x1bb", socket.AF_UNIX)
            self.check("unix:@a\\x00b", "bind", "\0a\0b", socket.AF_UNIX, 0, "address_in_use")
            self.check("unix:@a\\x00b", "connect", "\0a\0b", socket.AF_UNIX)

    def test_ports_that_connections_and_other_kinds_of_sockets_keep(self):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP) as server:
            server.bind(("127.0.0.1", 0))
            server.listen(1)
            address = server.getsockname()
            self.check(f"tcp:127.0.0.1:{address[1]}", "bind", address, socket.AF_INET, 0, "address_in_use")
            self.check(f"tcp:127.0.0.1:{address[1]}", "connect", address, socket.AF_INET)
        server = socket.create_server(("127.0.0.1", 0))
        address = server.getsockname()
        client = socket.create_connection(address)
        accepted = server.accept()[0]
        self.check("tcp:127.0.0.1:%d" % client.getsockname()[1], "bind", client.getsockname(), socket.AF_INET)
        server.close()
        self.check(f"tcp:*:{address[1]}", "bind", ("0.0.0.0", address[1]), socket.AF_INET, 0,
                   "connection_still_open")
        accepted.close()
        client.close()
        self.check(f"tcp:*:{address[1]}", "bind", ("0.0.0.0", address[1]), socket.AF_INET, 0,
                   "address_in_time_wait")

    def test_addresses_that_mean_no_host(self):
        inet, inet6, datagram = socket.AF_INET, socket.AF_INET6, socket.SOCK_DGRAM
        self.check("tcp:224.0.0.1:8999", "bind", ("224.0.0.1", 8999), inet)
        self.check("tcp:224.0.0.1:8999", "connect", ("224.0.0.1", 8999), inet)
        self.check("udp:255.255.255.255:8999", "connect", ("255.255.255.255", 8999), inet, kind=datagram)
        self.check("tcp:[ff02::1]:8999", "bind", ("ff02::1", 8999), inet6)
        self.check("tcp:[ff02::1]:8999", "connect", ("ff02::1", 8999), inet6)
        self.check("tcp:[2001:db8::1]:81", "bind", ("2001:db8::1", 81), inet6, NOBODY, "privileged_port")
        self.check("tcp:[2001:db8::1]:8999", "bind", ("2001:db8::1", 8999), inet6, 0, "address_not_local")

    def test_a_network_namespace_without_loopback_or_ipv6(self):
        require("ip")
        require("nsenter")
        four, six = ("127.0.0.1", 8999), ("::1", 8999)
        with Network() as network:
            def both(*calls):
                for call in calls:
                    self.check("tcp:127.0.0.1:8999", call, four, socket.AF_INET, network=network)
                    self.check("tcp:[::1]:8999", call, six, socket.AF_INET6, network=network)

            both("bind", "connect")  # before it is up for the first time
            network.run("ip", "link", "set", "lo", "up")
            both("bind", "connect")
            network.run("ip", "link", "set", "lo", "down")
            both("bind")  # connect would wait for an answer that cannot come
            self.assertRegex(self.predicted("tcp:127.0.0.1:8999", "--connect", "--pid", str(network.pid))[1],
                             r"(?s)nothing that can be seen.*loopback\s+interface\s+is\s+down")
            network.run("ip", "link", "set", "lo", "up")
            network.set("ipv6/conf/all/disable_ipv6", 1)
            for call in ("bind", "connect"):
                self.check("tcp:[::1]:8999", call, six, socket.AF_INET6, 0, "address_not_local",
                           network=network)
            network.set("ipv4/ip_nonlocal_bind", 1)
            self.check("tcp:192.0.2.1:8999", "bind", ("192.0.2.1", 8999), socket.AF_INET, network=network)

    def test_link_local_addresses_and_those_that_are_not_ready(self):
        require("ip")
        require("nsenter")
        with Network() as network:
            network.run("ip", "link", "add", "one", "type", "veth", "peer", "name", "two")
            network.set("ipv6/conf/one/dad_transmits", 100)
            for name in ("lo", "one", "two"):
                network.run("ip", "link", "set", name, "up")
            network.run("ip", "addr", "add", "fe80::7/64", "dev", "one", "nodad")
            network.run("ip", "addr", "add", "2001:db8::7/64", "dev", "one")
            index = {name: int(number) for number, name in
                     re.findall(r"(?m)^(\d+): (\w+)", network.run("ip", "-o", "link").stdout)}
            for call in ("bind", "connect"):
                for text, scope in (("fe80::7%one", index["one"]), (f"fe80::7%{index['one']}", index["one"]),
                                    ("fe80::7", 0), ("fe80::7%two", index["two"]), ("fe80::7%999", 999)):
                    if (call, scope) == ("connect", index["two"]):
                        continue  # the other end of the cable has it: waits for an answer
                    with self.subTest(call=call, text=text):
                        cause = "scope_missing" if scope == 0 else None
                        self.check(f"tcp:[{text}]:8999", call, ("fe80::7", 8999, 0, scope), socket.AF_INET6,
                                   0, cause, network=network)
            self.check("tcp:[2001:db8::7]:8999", "bind", ("2001:db8::7", 8999), socket.AF_INET6, 0,
                       "address_not_ready", network=network)
            done = run(SOCKWARD, "explain", "tcp:[fe80::7%three]:8999", "--pid", str(network.pid))
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, "(?s)three.*one")

    def test_trace_looks_for_a_link_local_address_on_the_interface_of_the_call(self):
        require("ip")
        require("nsenter")
        with Network() as network, Trace() as trace:
            network.run("ip", "link", "add", "one", "type", "veth", "peer", "name", "two")
            network.set("ipv6/conf/one/dad_transmits", 100)
            for name in ("one", "two"):
                network.run("ip", "link", "set", name, "up")
            network.run("ip", "addr", "add", "fe80::7/64", "dev", "one")  # not ready there
            index = int(network.run("ip", "-o", "link", "show", "two").stdout.split(":")[0])
            happened = really("bind", ("fe80::7", 8999, 0, index), socket.AF_INET6, socket.SOCK_STREAM, 0,
                              network.pid)
            self.assertEqual(happened, errno.EADDRNOTAVAIL)
        found = trace.attributes(sockward__address=f"[fe80::7%{index}]:8999")
        self.assertEqual([one["sockward.cause"] for one in found], ["address_not_local"])

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
        told, output = self.predicted(f"tcp:*:{port}", "--pid", str(child))
        self.assertEqual(told, 0, output)
        self.assertEqual(self.predicted(f"tcp:*:{port}")[0], errno.EADDRINUSE)
        self.assertEqual(self.predicted("unix:ready", "--pid", str(child))[0], errno.EADDRINUSE)
        os.kill(child, 9)
        os.waitpid(child, 0)
        server.close()

    def test_what_cannot_be_asked_is_a_usage_error_with_an_example(self):
        for wrong in ("tcp:1.2.3.4", "unix:", "http://x", "tcp:127.0.0.1:99999", "udp::53", "/run/x",
                      "localhost:80", "[::1]"):
            done = run(SOCKWARD, "explain", wrong)
            self.assertEqual(done.returncode, 2, wrong)
            self.assertIn("tcp:127.0.0.1:80", done.stderr)
            self.assertIn(wrong, done.stderr)
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
        self.assertEqual([(u["domainname"], u["first_pid"], u["processes"]) for u in names],
                         [("example.org", child, 1)])
        address = f"tcp:127.0.0.1:{server.getsockname()[1]}"
        self.assertIn(os.getpid(), [s["process.pid"] for s in found["listeners"] if s["address"] == address])
        self.assertEqual({s["path_bytes"] for s in found["near_limit"] if s["address"] == "unix:" + near},
                         {100})
        stale = [s["path"] for s in found["stale_sockets"] if s["path"].startswith(folder.path)]
        self.assertEqual(len(stale), 1)
        self.assertIn("\\x1b[31m", stale[0])
        self.assertNotIn("\x1b", text)
        self.assertIn("scanned", text)

    def test_a_node_of_a_thousand_processes_is_scanned_in_two_seconds(self):
        crowd = Program("/usr/bin/python3", "-c",
                        "import os,time\nfor _ in range(1000):\n"
                        "  if os.fork() == 0: time.sleep(60); os._exit(0)\n"
                        "print('up', flush=True); time.sleep(60)", stdout=-1, text=True,
                        start_new_session=True)
        self.assertEqual(crowd.process.stdout.readline(), "up\n")
        began = time.monotonic()
        done = run(SOCKWARD, "scan")
        took = time.monotonic() - began
        os.killpg(crowd.process.pid, 9)
        crowd.process.stdout.close()
        self.assertEqual(done.returncode, 0)
        self.assertLess(took, 2)
