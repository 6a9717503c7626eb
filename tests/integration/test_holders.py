"""Who holds an address: real programs, real namespaces, and no certainty that was not earned."""
import os
import pathlib
import socket
import subprocess
import time
import unittest

from calls import CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, LIBC, Traced, bound, fails_to_bind, in_child
from support import Folder, Program, Trace, free_port, require, run, wait_until


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


if __name__ == "__main__":
    unittest.main()
