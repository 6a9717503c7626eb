"""Who asked systemd-hostnamed for another host name, over a real system bus. Bus, hostnamed and the "host's"
UTS namespace are the test's own."""
import os
import pathlib
import re
import shutil
import subprocess
import time
import unittest

from support import SOCKWARD, Agent, Folder, Program, require, run, total, wait_until
from test_hostnames import TestHost

HOSTNAMED = "/lib/systemd/systemd-hostnamed"
BUS_CONFIG = "/usr/share/dbus-1/system.conf"  # with the policy of every Debian


def bus_config(path):
    """The system bus's own configuration, for a daemon in the foreground that listens elsewhere."""
    text = pathlib.Path(BUS_CONFIG).read_text(encoding="utf-8")
    text = re.sub("<listen>.*?</listen>", f"<listen>unix:path={path}</listen>", text)
    text = re.sub("<includedir>(?=[^/])", f"<includedir>{os.path.dirname(BUS_CONFIG)}/", text)
    # Five seconds by default: who is not known to the bus by then is cut off.
    text = text.replace("</busconfig>", '<limit name="auth_timeout">1000</limit></busconfig>')
    return re.sub(r"<(user|pidfile|servicehelper)>.*?</\1>|<(fork|syslog|standard_system_servicedirs) */>",
                  "", text)


def watched(agent):
    return total(agent.metrics(), "sockward_coverage", operation="sethostname", route="dbus")


class SystemBus:
    """A dbus-daemon, and a hostnamed on it that renames the test's host and writes to a copy of /etc."""

    def __init__(self, host):
        self.host, self.folder = host, Folder()
        self.socket = self.folder / "bus"
        pathlib.Path(self.folder / "bus.conf").write_text(bus_config(self.socket), encoding="utf-8")
        os.mkdir(self.folder / "etc")
        for name in ("passwd", "group", "nsswitch.conf", "machine-id", "os-release"):
            if os.path.exists(f"/etc/{name}"):
                shutil.copy(f"/etc/{name}", self.folder / "etc")
        self.environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.socket}"}
        self.start()

    def start(self):
        pathlib.Path(self.socket).unlink(missing_ok=True)
        self.daemon = Program("dbus-daemon", f"--config-file={self.folder / 'bus.conf'}", "--nofork",
                              "--nopidfile", stderr=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(self.socket), 10, "the bus listens")
        self.hostnamed = Program(
            "nsenter", f"--uts=/proc/{self.host.sleeper.pid}/ns/uts", "unshare", "--mount", "sh", "-c",
            f"mount --bind {self.folder / 'etc'} /etc && mount -t tmpfs none /run; exec {HOSTNAMED}",
            env=self.environment, stderr=subprocess.DEVNULL)
        wait_until(lambda: "org.freedesktop.hostname1" in self.names(), 20, "hostnamed is on the bus")

    def stop(self):
        self.daemon.stop()
        self.hostnamed.stop()

    def names(self):
        return subprocess.run(["busctl", "list", "--acquired"], env=self.environment, capture_output=True,
                              text=True, check=False).stdout

    def rename(self, name):
        """Asks for it. The process that did."""
        # hostnamectl works only where systemd has made this directory.
        asking = subprocess.Popen(["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /run && mkdir -p "
                                   f"/run/systemd/system && exec hostnamectl --transient hostname {name}"],
                                  env=self.environment)
        if asking.wait(30) != 0:
            raise AssertionError("hostnamed refused")
        return asking.pid


def change_to(agent, name):
    def found():
        return next((r["attributes"] for r in agent.records()
                     if r["attributes"].get("sockward.hostname.new") == name), None)
    return wait_until(found, 10, f"a record of {name}")


def change_with_caller(agent, bus, name):
    """Of a few changes the first one whose caller was still there to be named: a busy machine may look for it
    when it has ended. (pid that asked, attributes)"""
    for number in range(4):
        pid = bus.rename(f"{name}-{number}")
        attributes = change_to(agent, f"{name}-{number}")
        if "by a process that has gone" not in str(attributes["sockward.evidence"]):
            break
    return pid, attributes


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for program in ("dbus-daemon", "hostnamectl", "busctl"):
            require(program)

    def test_the_caller_is_named_again_when_the_bus_is_back(self):
        with TestHost() as host:
            bus = SystemBus(host)
            self.addCleanup(bus.stop)
            config = (f"host: {{uts_namespace: {host.inode}, system_bus: {bus.socket}}}\n"
                      "records: {fold: 0}\n")
            file = pathlib.Path(bus.folder / "sockward.yml")
            file.write_text(config, encoding="utf-8")
            self.assertIn("requests to systemd-hostnamed are seen",
                          run(SOCKWARD, "check", f"--config.file={file}").stdout)
            with Agent(output="json", config=config) as agent:
                time.sleep(2)  # longer than the bus waits for a hello
                pid, attributes = change_with_caller(agent, bus, "asked-for")
                self.assertIn(f"asked for over D-Bus (SetHostname) by hostnamectl[{pid}] uid 0",
                              attributes["sockward.evidence"])
                self.assertEqual(attributes["sockward.confidence"], "certain")
                self.assertNotIn("the system bus has ended", agent.said())
                host.run_inside("hostname by-itself")
                self.assertNotIn("D-Bus", str(change_to(agent, "by-itself")["sockward.evidence"]))
                self.assertEqual(watched(agent), 1)
                bus.stop()
                wait_until(lambda: watched(agent) == 0, 5, "the metric says that nothing is seen")
                bus.start()
                wait_until(lambda: "the system bus is there" in agent.said(), 30, "it is watched again")
                wait_until(lambda: watched(agent) == 1, 5, "so does the metric")
                pid, attributes = change_with_caller(agent, bus, "asked-again")
                self.assertIn(f"by hostnamectl[{pid}] uid 0", str(attributes["sockward.evidence"]))

    def test_nobody_is_named_where_the_bus_is_not_watched(self):
        with TestHost() as host:
            bus = SystemBus(host)
            self.addCleanup(bus.stop)
            with Agent(output="json",
                       config=f"host: {{uts_namespace: {host.inode}, system_bus: off}}\n") as agent:
                began = time.monotonic()
                bus.rename("asked-for")
                evidence = change_to(agent, "asked-for")["sockward.evidence"]
                self.assertLess(time.monotonic() - began, 10)
                self.assertIn("systemd-hostnamed, on request over D-Bus", str(evidence))
                self.assertIn("who asked it over D-Bus was not seen", evidence)
                self.assertEqual(watched(agent), 0)


if __name__ == "__main__":
    unittest.main()
