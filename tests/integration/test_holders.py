"""Who holds an address: real programs, real namespaces, and no certainty that was not earned."""
import ctypes
import os
import pathlib
import socket
import subprocess
import time
import unittest

from support import Folder, Program, Trace, free_port, require, run, wait_until

CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWNS = 0x20000000, 0x40000000, 0x00020000
LIBC = ctypes.CDLL(None, use_errno=True)


def fails_to_bind(address, family=socket.AF_UNIX, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as attempt:
        try:
            attempt.bind(address)
        except OSError as error:
            return error.errno
    return 0


def bound(address, family=socket.AF_UNIX, kind=socket.SOCK_STREAM, listen=True):
    held = socket.socket(family, kind)
    held.bind(address)
    if listen and kind == socket.SOCK_STREAM:
        held.listen(1)
    return held


def in_child(body, wait=True):
    """Runs body() in a child process; it stays a moment for the agent's look."""
    child = os.fork()
    if child == 0:
        try:
            body()
            time.sleep(0.3)
        finally:
            os._exit(0)
    if wait:
        os.waitpid(child, 0)
    return child


class Traced(unittest.TestCase):
    def one(self, trace, **wanted):
        found = trace.attributes(process__pid=wanted.pop("pid", os.getpid()), **wanted)
        self.assertEqual(len(found), 1,
                         [(a["sockward.address"], a["sockward.cause"]) for a in trace.attributes()
                          if a.get("sockward.address")])
        return found[0]

    def expect(self, attributes, cause, confidence, **more):
        self.assertEqual((attributes["sockward.cause"], attributes["sockward.confidence"]),
                         (cause, confidence), attributes["sockward.evidence"])
        for name, value in more.items():
            self.assertEqual(attributes.get(name.replace("__", ".")), value)


class RealServers(Traced):
    def test_nginx_twice_names_the_first(self):
        require("nginx")
        folder, port = Folder(), free_port()
        path = folder / "web.sock"

        def configure(name):
            temp = "".join(f"{kind}_temp_path {folder.path}/{kind};"
                           for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
            pathlib.Path(folder / f"{name}.conf").write_text(
                f"daemon off; master_process off; pid {folder.path}/{name}.pid; error_log "
                f"{folder.path}/{name}.log; events {{}} http {{ access_log off; "
                f"client_body_temp_path {folder.path}/body; {temp} server {{ listen unix:{path}; listen "
                f"127.0.0.1:{port}; }} }}")
            return ["nginx", "-e", folder / f"{name}.log", "-c", folder / f"{name}.conf"]

        first = Program(*configure("first"))  # older than the agent: known from its first scan
        wait_until(lambda: pathlib.Path(path).exists(), 10, "nginx listens")
        with Trace("--errno", "EADDRINUSE") as trace:
            second = subprocess.Popen(configure("second"), stderr=subprocess.DEVNULL)
            second.wait(30)
        first.stop()
        for address in (f"unix:{path}", f"127.0.0.1:{port}"):
            for attributes in trace.attributes(process__pid=second.pid, sockward__address=address):
                self.expect(attributes, "address_in_use", "certain", sockward__holder__kind="process",
                            sockward__holder__comm="nginx", sockward__holder__pid=first.process.pid)

    def test_a_redis_that_is_alive_holds_its_port(self):
        require("redis-server")
        port = free_port()
        with Trace("--errno", "EADDRINUSE") as trace:
            first = Program("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                            "--daemonize", "no", stdout=subprocess.DEVNULL)
            wait_until(lambda: run("redis-cli", "-p", str(port), "ping").stdout == "PONG\n", 10,
                       "redis answers")
            second = subprocess.run(["redis-server", "--port", str(port), "--bind", "127.0.0.1"],
                                    stdout=subprocess.DEVNULL, check=False)
            self.assertNotEqual(second.returncode, 0)
        first.stop()
        found = trace.attributes(sockward__address=f"127.0.0.1:{port}")
        self.assertTrue(found)
        self.expect(found[0], "address_in_use", "certain", sockward__holder__pid=first.process.pid)
        self.assertIn("same program", found[0]["sockward.advice"])


class Inet(Traced):
    def test_wildcards_udp_and_ipv6(self):
        with Trace("--errno", "EADDRINUSE") as trace:
            tcp = bound(("127.0.0.1", 0), socket.AF_INET)
            udp = bound(("0.0.0.0", 0), socket.AF_INET, socket.SOCK_DGRAM)
            any4 = bound(("0.0.0.0", 0), socket.AF_INET)
            ports = [s.getsockname()[1] for s in (tcp, udp, any4)]
            fails_to_bind(("0.0.0.0", ports[0]), socket.AF_INET)
            fails_to_bind(("127.0.0.1", ports[1]), socket.AF_INET, socket.SOCK_DGRAM)
            fails_to_bind(("::", ports[2]), socket.AF_INET6)
            time.sleep(0.3)
        for address, confidence in ((f"0.0.0.0:{ports[0]}", "certain"), (f"127.0.0.1:{ports[1]}", "certain"),
                                    (f"[::]:{ports[2]}", "certain")):
            self.expect(self.one(trace, sockward__address=address), "address_in_use", confidence,
                        sockward__holder__pid=os.getpid())
        for held in (tcp, udp, any4):
            held.close()

    def test_connections_and_time_wait_without_a_listener(self):
        with Trace("--errno", "EADDRINUSE") as trace:
            listener = bound(("127.0.0.1", 0), socket.AF_INET)
            port = listener.getsockname()[1]
            client = socket.create_connection(("127.0.0.1", port))
            server, _ = listener.accept()
            listener.close()
            fails_to_bind(("127.0.0.1", port), socket.AF_INET)
            time.sleep(0.3)
            server.close()
            time.sleep(0.1)
            client.close()
            time.sleep(0.1)
            fails_to_bind(("127.0.0.1", port), socket.AF_INET)
            time.sleep(0.3)
        found = trace.attributes(sockward__address=f"127.0.0.1:{port}")
        self.assertEqual([a["sockward.cause"] for a in found],
                         ["connection_still_open", "address_in_time_wait"])
        self.assertEqual({a["sockward.confidence"] for a in found}, {"likely"})

    def test_an_address_that_is_nowhere_and_a_range_that_is_used_up(self):
        def body():
            if LIBC.unshare(CLONE_NEWNET) != 0:
                return
            run("ip", "link", "set", "lo", "up")
            pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("20000 20001")
            held = [bound(("127.0.0.1", 0), socket.AF_INET) for _ in range(2)]
            fails_to_bind(("127.0.0.1", 0), socket.AF_INET)
            fails_to_bind(("192.0.2.7", 80), socket.AF_INET)
            del held

        with Trace() as trace:
            child = in_child(body)
        self.expect(self.one(trace, pid=child, sockward__address="127.0.0.1:0"), "ports_exhausted", "certain")
        self.expect(self.one(trace, pid=child, sockward__address="192.0.2.7:80"), "address_not_local",
                    "certain")


class AbstractNames(Traced):
    def collide(self, name, extra):
        """Two children in pid namespaces of their own; the holder leaves as soon as the other was refused."""
        ready, refused = os.pipe(), os.pipe()

        def contender(body):
            child = os.fork()
            if child == 0:
                LIBC.unshare(CLONE_NEWPID)
                inner = os.fork()  # the first one inside
                if inner == 0:
                    body()
                    os._exit(0)
                os.waitpid(inner, 0)
                os._exit(0)
            return child

        def holder():
            held = bound("\0" + name)
            os.write(ready[1], b"x")
            os.read(refused[0], 1)
            held.close()

        def other():
            if extra:
                LIBC.unshare(extra)
            os.read(ready[0], 1)
            fails_to_bind("\0" + name)
            os.write(refused[1], b"x")

        for child in (contender(holder), contender(other)):
            os.waitpid(child, 0)

    def test_one_network_namespace_and_two_pid_namespaces_collide(self):
        with Trace("--errno", "EADDRINUSE") as trace:
            self.collide("/crtools-fd-3-0", 0)
            time.sleep(0.2)
        found = trace.attributes(sockward__address="unix:@/crtools-fd-3-0")
        self.assertEqual(len(found), 1)
        self.assertEqual(found[0]["sockward.cause"], "abstract_name_collision")
        self.assertNotEqual(found[0]["sockward.holder.pidns.inode"], found[0]["sockward.pidns.inode"])
        self.assertIn("criu", found[0]["sockward.advice"])

    def test_two_network_namespaces_do_not(self):
        with Trace("--errno", "EADDRINUSE") as trace:
            self.collide("/crtools-fd-4-0", CLONE_NEWNET)
            time.sleep(0.2)
        self.assertEqual(trace.attributes(sockward__address="unix:@/crtools-fd-4-0"), [])


class SocketFiles(Traced):
    def ergo(self, path):
        """The two calls of the program: it ignores what unlink says."""
        def body():
            os.setgroups([])
            os.setresuid(65534, 65534, 65534)
            try:
                os.unlink(path)
            except OSError:
                pass
            fails_to_bind(path)
        return body

    def test_the_ergo_story_in_a_sticky_and_in_a_foreign_directory(self):
        folder = Folder()
        for name, mode, error in (("sticky", 0o1777, "EPERM"), ("foreign", 0o755, "EACCES")):
            directory = folder / name
            os.mkdir(directory)
            os.chmod(directory, mode)
            bound(f"{directory}/ws.sock").close()
            with Trace() as trace:
                child = in_child(self.ergo(f"{directory}/ws.sock"))
            found = self.one(trace, pid=child, sockward__syscall__name="bind")
            self.expect(found, "stale_socket_unremovable", "certain")
            self.assertTrue(any(f"unlink {error}" in line for line in found["sockward.evidence"]),
                            found["sockward.evidence"])

    def test_the_ergo_story_on_a_read_only_file_system(self):
        folder = Folder()
        path = folder / "ro/ws.sock"
        os.mkdir(folder / "ro")

        def prepare_and_fail():
            LIBC.unshare(CLONE_NEWNS)
            run("mount", "--make-rprivate", "/")
            run("mount", "-t", "tmpfs", "tmpfs", folder / "ro")
            bound(path).close()
            run("mount", "-o", "remount,ro", folder / "ro")
            time.sleep(0.1)  # a file changed within the clock's granularity of the call proves nothing of it
            self.ergo(path)()

        with Trace() as trace:
            child = in_child(prepare_and_fail)
        found = self.one(trace, pid=child, sockward__syscall__name="bind")
        # Made after the agent started: that it was dead is proven only if a scan came between.
        self.expect(found, "stale_socket_unremovable", found["sockward.confidence"])
        unlink = self.one(trace, pid=child, sockward__syscall__name="unlink")
        self.expect(unlink, "read_only_filesystem", "certain")

    def test_the_same_path_with_a_live_listener_is_in_use(self):
        folder = Folder()
        path = folder / "ws.sock"
        held = bound(path)

        def body():
            # Inherited: the caller would hold it too, and come first where its number is the lower one.
            held.close()
            self.ergo(path)()

        with Trace() as trace:
            child = in_child(body)
        held.close()
        self.expect(self.one(trace, pid=child, sockward__syscall__name="bind"), "address_in_use", "certain",
                    sockward__holder__pid=os.getpid())

    def test_a_holder_that_dies_right_after_the_failing_bind_is_no_certain_stale_socket(self):
        folder = Folder()
        with Trace("--errno", "EADDRINUSE") as trace:
            for i in range(30):
                held = bound(folder / f"race{i}")
                fails_to_bind(folder / f"race{i}")
                held.close()
            time.sleep(0.5)
        found = [a for a in trace.attributes(process__pid=os.getpid()) if "race" in a["sockward.address"]]
        self.assertEqual(len(found), 30)
        for attributes in found:
            self.assertFalse(attributes["sockward.cause"] == "stale_socket"
                             and attributes["sockward.confidence"] == "certain", attributes)

    def test_other_things_at_the_path(self):
        folder = Folder()
        pathlib.Path(folder / "file").write_text("")
        os.mkdir(folder / "directory")
        os.symlink("nowhere", folder / "link")
        bound(folder / "stale").close()
        with Trace() as trace:
            for name in ("file", "directory", "link", "stale"):
                fails_to_bind(folder / name)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect_ex(folder / "stale")
            time.sleep(0.3)
        for name in ("file", "directory", "link"):
            self.expect(self.one(trace, sockward__address="unix:" + folder / name), "path_occupied",
                        "certain")
        for call in ("bind", "connect"):
            self.expect(self.one(trace, sockward__address="unix:" + folder / "stale",
                                 sockward__syscall__name=call), "stale_socket", "certain")

    def test_paths_are_looked_up_below_the_callers_root_and_links_do_not_lead_out(self):
        folder = Folder()
        os.mkdir(folder / "jail")
        os.symlink("/etc", folder / "jail/escape")
        pathlib.Path(folder / "jail/x").write_text("")

        def body():
            os.chroot(folder / "jail")
            os.chdir("/")
            fails_to_bind("/x")
            fails_to_bind("/escape/passwd")

        with Trace("--errno", "all", "--syscall", "bind") as trace:
            child = in_child(body)
        self.expect(self.one(trace, pid=child, sockward__address="unix:/x"), "path_occupied", "certain")
        outside = self.one(trace, pid=child, sockward__address="unix:/escape/passwd")
        self.assertEqual(outside["error.type"], "ENOENT")


class Permissions(Traced):
    """As an ordinary user, against real files; the replay names the component."""

    def as_nobody(self, body, groups=()):
        def run_body():
            os.setgroups(list(groups))
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            body()
        return in_child(run_body)

    def connect(self, path):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect_ex(path)

    def test_directories_and_sockets_that_deny(self):
        folder = Folder()
        os.mkdir(folder / "closed")
        os.mkdir(folder / "readable")
        held = bound(folder / "docker.sock")
        os.chmod(folder / "docker.sock", 0o660)
        inside = bound(folder / "closed/x")
        os.chmod(folder / "closed", 0o700)
        time.sleep(0.1)  # file times lie a tick behind
        with Trace() as trace:
            child = self.as_nobody(lambda: (fails_to_bind(folder / "readable/new"),
                                            self.connect(folder / "closed/x"),
                                            self.connect(folder / "docker.sock")))
        for path, cause, what in (("readable/new", "directory_not_writable",
                                   f"{folder.path}/readable has uid 0"),
                                  ("closed/x", "directory_not_searchable",
                                   f"{folder.path}/closed has uid 0, gid 0, mode 0700"),
                                  ("docker.sock", "socket_permission",
                                   f"{folder.path}/docker.sock has uid 0, gid 0, mode 0660")):
            found = self.one(trace, pid=child, sockward__address="unix:" + folder / path)
            self.expect(found, cause, "certain")
            self.assertTrue(found["sockward.evidence"][0].startswith(what), found["sockward.evidence"])
        self.assertIn("group root (gid 0)", found["sockward.advice"])
        held.close()
        inside.close()

    def test_a_link_into_a_closed_directory_is_followed(self):
        folder = Folder()
        os.mkdir(folder / "closed")
        held = bound(folder / "closed/x")
        os.chmod(folder / "closed/x", 0o777)
        os.chmod(folder / "closed", 0o700)
        os.symlink("closed/x", folder / "link")
        time.sleep(0.1)
        with Trace() as trace:
            child = self.as_nobody(lambda: self.connect(folder / "link"))
        found = self.one(trace, pid=child, sockward__address="unix:" + folder / "link")
        self.expect(found, "directory_not_searchable", "certain")
        self.assertTrue(found["sockward.evidence"][0].startswith(f"{folder.path}/closed has"))
        held.close()

    def test_a_true_loop_shows_its_circle(self):
        folder = Folder()
        os.symlink(folder / "b", folder / "a")
        os.symlink(folder / "a", folder / "b")
        with Trace() as trace:
            fails_to_bind(folder / "a/x")
            time.sleep(0.3)
        found = self.one(trace, sockward__address="unix:" + folder / "a/x")
        self.expect(found, "symlink_loop", "certain")
        self.assertIn(f"{folder.path}/a -> {folder.path}/b -> {folder.path}/a", found["sockward.evidence"][1])


class DeadCallers(Traced):
    """The caller is gone when the agent looks: what it could see is taken from its root, or not at all."""

    def vanish(self, body):
        child = os.fork()
        if child == 0:
            body()
            os.kill(os.getpid(), 9)
        os.waitpid(child, 0)
        return child

    def test_a_dead_callers_chroot_is_not_taken_for_the_hosts_root(self):
        folder, decoy = Folder(), Folder()
        os.makedirs(folder / ("jail" + decoy.path))
        stale = decoy / "x"
        bound(folder / ("jail" + stale)).close()
        pathlib.Path(stale).write_text("a file here, a socket there")
        time.sleep(0.1)

        def jailed():
            os.chroot(folder / "jail")
            os.chdir("/")
            fails_to_bind(stale)

        with Trace() as trace:
            children = [self.vanish(jailed) for _ in range(20)]
            plain = [self.vanish(lambda: fails_to_bind(stale)) for _ in range(20)]
            time.sleep(0.5)
        for child in children:
            self.assertNotEqual(self.one(trace, pid=child)["sockward.cause"], "path_occupied",
                                "that is the host's file")
        for child in plain:
            self.expect(self.one(trace, pid=child), "path_occupied", "certain")


class Policies(Traced):
    def test_a_landlock_denial_is_a_policy_and_never_certain(self):
        folder = Folder()
        make_socket, create_ruleset, restrict_self, no_new_privs = 1 << 9, 444, 446, 38
        ruleset = (ctypes.c_uint64 * 1)(make_socket)
        if LIBC.syscall(create_ruleset, None, 0, 1) < 1:
            self.skipTest("this kernel has no Landlock")

        def body():
            fd = LIBC.syscall(create_ruleset, ruleset, 8, 0)
            LIBC.prctl(no_new_privs, 1, 0, 0, 0)
            LIBC.syscall(restrict_self, fd, 0)
            fails_to_bind(folder / "denied")

        with Trace() as trace:
            child = in_child(body)
        found = self.one(trace, pid=child, sockward__address="unix:" + folder / "denied")
        self.expect(found, "policy_denied", "likely", sockward__policy="unknown")

    def test_a_connect_in_progress_is_counted_and_is_no_failure(self):
        listener = bound(("127.0.0.1", 0), socket.AF_INET)
        with Trace() as trace, socket.socket() as client:
            client.setblocking(False)
            self.assertEqual(client.connect_ex(listener.getsockname()), 115)  # EINPROGRESS
            time.sleep(0.3)
        listener.close()
        self.assertEqual(trace.attributes(process__pid=os.getpid(), sockward__syscall__name="connect"), [])


class Symlinks(Traced):
    def test_the_first_symlink_of_a_refused_path_is_named(self):
        folder = Folder()
        os.mkdir(folder / "home")
        os.mkdir(folder / "home/rootfs")
        os.symlink(folder / "home", folder / "opt")

        def body():
            how = (ctypes.c_uint64 * 3)(os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, 0, 0x2 | 0x4)
            LIBC.syscall(437, -100, (folder / "opt/rootfs").encode(), how, 24)  # openat2

        with Trace() as trace:
            child = in_child(body)
        found = self.one(trace, pid=child, sockward__syscall__name="openat2")
        self.expect(found, "symlink_refused", "certain")
        self.assertIn(f"{folder.path}/opt is a symbolic link to {folder.path}/home",
                      found["sockward.evidence"])


if __name__ == "__main__":
    unittest.main()
