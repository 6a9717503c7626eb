"""Real programs fail, and the right records appear."""
import pathlib
import subprocess
import unittest

from support import SOCKWARD, Folder, Program, Trace, free_port, require, run, wait_until


class Nginx(unittest.TestCase):
    def test_a_second_nginx_on_the_same_socket_and_port_is_reported(self):
        require("nginx")
        folder = Folder()
        port, path = free_port(), folder / "web.sock"

        def configure(name):
            text = f"""daemon off; master_process off; pid {folder.path}/{name}.pid;
                error_log {folder.path}/{name}.log;
                events {{}} http {{ access_log off; client_body_temp_path {folder.path}/body;
                proxy_temp_path {folder.path}/proxy; fastcgi_temp_path {folder.path}/fastcgi;
                uwsgi_temp_path {folder.path}/uwsgi; scgi_temp_path {folder.path}/scgi;
                server {{ listen unix:{path}; listen 127.0.0.1:{port}; }} }}"""
            pathlib.Path(folder / f"{name}.conf").write_text(text)
            return ["nginx", "-e", folder / f"{name}.log", "-c", folder / f"{name}.conf"]

        first = Program(*configure("first"))
        wait_until(lambda: pathlib.Path(path).exists(), 10, "the first nginx listens")
        with Trace("--errno", "EADDRINUSE", "--comm", "^nginx$") as trace:
            second = subprocess.Popen(configure("second"), stderr=subprocess.DEVNULL)
            self.assertNotEqual(second.wait(30), 0)
        first.stop()
        unix = trace.attributes(sockward__address=f"unix:{path}", process__pid=second.pid)
        tcp = trace.attributes(sockward__address=f"127.0.0.1:{port}", process__pid=second.pid)
        self.assertEqual((len(unix), len(tcp)), (5, 5), "nginx tries five times")
        for attributes in unix + tcp:
            self.assertEqual(attributes["error.type"], "EADDRINUSE")
            self.assertEqual(attributes["sockward.syscall.name"], "bind")
        self.assertEqual(tcp[0]["network.transport"], "tcp")
        self.assertEqual(unix[0]["network.transport"], "unix")


class HostNames(unittest.TestCase):
    def changes(self, script):
        require("hostname")
        with Trace() as trace:
            done = run("unshare", "--uts", "sh", "-ec", script)
            self.assertEqual(done.returncode, 0, done.stderr)
        names = [a for a in trace.attributes() if "sockward.hostname.field" in a]
        return done.stdout.split(), names

    def test_hostname_and_a_sysctl_write_in_a_fresh_namespace(self):
        (before,), names = self.changes("hostname; hostname web-1; sysctl -qw kernel.hostname=web-2; "
                                        "echo example.org > /proc/sys/kernel/domainname; sleep 0.3")
        self.assertEqual([(a["sockward.hostname.old"], a["sockward.hostname.new"], a["sockward.via"],
                           a["sockward.hostname.field"])
                          for a in names],
                         [(before, "web-1", "syscall", "hostname"), ("web-1", "web-2", "sysctl", "hostname"),
                          ("(none)", "example.org", "sysctl", "domainname")])
        self.assertEqual([a["process.executable.name"] for a in names], ["hostname", "sysctl", "sh"])
        self.assertEqual({a["sockward.cause"] for a in names}, {"hostname_changed"})
        self.assertEqual({a["sockward.scope"] for a in names}, {"container"})
        self.assertEqual({a["sockward.confidence"] for a in names}, {"certain"})
        self.assertEqual(len({a["sockward.utsns.inode"] for a in names}), 1)

    def test_a_name_set_and_restored_at_once_is_visible_as_a_flap(self):
        _, names = self.changes("before=$(hostname); hostname other; hostname $before")
        self.assertFalse(any("flap" in line for line in names[0]["sockward.evidence"]))
        self.assertTrue(any(line.startswith("flap: ") for line in names[1]["sockward.evidence"]))

    def test_a_sysctl_write_is_cut_to_64_bytes_as_the_kernel_does(self):
        _, names = self.changes("hostname; printf %080d 7 > /proc/sys/kernel/hostname; hostname; sleep 0.3")
        self.assertEqual(names[0]["sockward.hostname.new"], "0" * 64)
        self.assertEqual(names[0]["sockward.confidence"], "certain")

    def test_a_sysctl_write_at_an_offset_edits_the_middle(self):
        out, names = self.changes("hostname abcdef; hostname; printf XY | dd of=/proc/sys/kernel/hostname "
                                  "bs=1 seek=3 conv=notrunc "
                                  "status=none; hostname")
        self.assertEqual(names[-1]["sockward.hostname.new"], out[-1])
        self.assertEqual(out[-1], "abcXY")

    def test_the_machines_own_name_is_untouched(self):
        before = run("hostname").stdout
        self.changes("hostname; hostname elsewhere")
        self.assertEqual(run("hostname").stdout, before)


class Demo(unittest.TestCase):
    def test_every_scenario_is_seen_with_its_cause(self):
        with Trace() as trace:
            done = run(SOCKWARD, "demo")
        self.assertEqual(done.returncode, 0, done.stdout)
        seen = {(a["sockward.cause"], a["sockward.confidence"]) for a in trace.attributes()}
        for cause in ("path_too_long", "path_truncated", "path_near_limit", "privileged_port",
                      "hostname_changed", "hostname_denied", "hostname_too_long"):
            self.assertIn((cause, "certain"), seen)
        self.assertIn(("address_in_use", "certain"), seen)
        self.assertIn(("symlink_refused", "certain"), seen)
        self.assertIn(("stale_socket_unremovable", "certain"), seen)
        loop = trace.attributes(error__type="ELOOP", sockward__syscall__name="openat2")
        self.assertEqual(loop[0]["sockward.openat2.resolve"],
                         ["RESOLVE_NO_MAGICLINKS", "RESOLVE_NO_SYMLINKS"])
        self.assertEqual(loop[0]["process.executable.name"], "sockward")


if __name__ == "__main__":
    unittest.main()
