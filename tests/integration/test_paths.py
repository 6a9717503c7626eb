"""Where a path leads and who may use it: permissions, roots, policies and links, with real files."""
import ctypes
import os
import pathlib
import socket
import time
import unittest

from calls import LIBC, Traced, bound, fails_to_bind, in_child
from support import Folder, Trace


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
                                   f"{folder.path}/closed has uid 0 (root), gid 0 (root), mode 0700"),
                                  ("docker.sock", "socket_permission",
                                   f"{folder.path}/docker.sock has uid 0 (root), gid 0 (root), mode 0660")):
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
