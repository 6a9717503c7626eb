"""Who renames the host: a container in the host's UTS namespace. The
"host" here is a namespace of the test's own."""
import ctypes
import json
import os
import pathlib
import socket
import subprocess
import time
import unittest

from receivers import HttpReceiver
from support import Agent, Folder, total, wait_until

CLONE_NEWUTS = 0x04000000
LIBC = ctypes.CDLL(None, use_errno=True)


def cgroup_root():
    lines = [line.split() for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    v1 = next((m[4] for m in lines if "cgroup" in m and "pids" in m[-1].split(",")), None)
    return v1 or next(m[4] for m in lines if "cgroup2" in m)


class TestHost:
    """A UTS namespace that plays the host's, kept open by a sleeper."""

    def __enter__(self):
        self.sleeper = subprocess.Popen(["unshare", "--uts", "sh", "-c",
                                         "hostname node1; echo ready; exec sleep 60"], stdout=subprocess.PIPE,
                                        text=True)
        assert self.sleeper.stdout.readline() == "ready\n"
        self.inode = os.stat(f"/proc/{self.sleeper.pid}/ns/uts").st_ino
        self.cgroup = pathlib.Path(cgroup_root()) / "lxc.payload.evil-tenant"
        self.cgroup.mkdir(exist_ok=True)
        return self

    def __exit__(self, *error):
        self.sleeper.kill()
        self.sleeper.wait()
        self.sleeper.stdout.close()
        wait_until(self.remove_cgroup, 5, "the cgroup is empty")

    def remove_cgroup(self):
        try:
            self.cgroup.rmdir()
            return True
        except OSError:
            return False

    def run_inside(self, command, container=False, user=None):
        join = f'echo $$ >"{self.cgroup}/cgroup.procs"; ' if container else ""
        drop = f"setpriv --reuid {user} --clear-groups " if user else ""
        return subprocess.run(["nsenter", f"--uts=/proc/{self.sleeper.pid}/ns/uts", "sh", "-c",
                               f"{join}exec {drop}sh -c '{command}; sleep 0.3'"],
                              stderr=subprocess.DEVNULL, check=False)


class Renames(unittest.TestCase):
    def test_a_container_that_renames_the_host_is_critical_by_both_routes(self):
        with TestHost() as host, Agent(
                config=f"host: {{uts_namespace: {host.inode}}}\nrecords: {{fold: 0}}\n",
                output="json") as agent:
            host.run_inside("hostname stolen-by-call", container=True)
            host.run_inside("echo stolen-by-sysctl >/proc/sys/kernel/hostname", container=True)
            host.run_inside("hostname by-the-host-itself")
            time.sleep(0.3)
            records = {r["attributes"]["sockward.hostname.new"]: r for r in agent.records()
                       if r["event_name"] == "sockward.hostname.changed"}
            metrics = agent.metrics()
        for name, via in (("stolen-by-call", "syscall"), ("stolen-by-sysctl", "sysctl")):
            record = records[name]
            self.assertEqual(record["severity_text"], "ERROR", record)
            self.assertEqual(record["attributes"]["sockward.scope"], "host")
            self.assertEqual(record["attributes"]["container.name"], "evil-tenant")
            self.assertEqual(record["attributes"]["sockward.via"], via)
            self.assertEqual(record["attributes"]["sockward.confidence"], "certain")
        self.assertEqual(records["by-the-host-itself"]["severity_text"], "WARN")
        self.assertEqual(total(metrics, "sockward_hostname_changes_total", scope="host", route="sethostname",
                               field="hostname"), 2)
        self.assertEqual(total(metrics, "sockward_hostname_changes_total", scope="host", route="sysctl",
                               field="hostname"), 1)
        self.assertEqual(total(metrics, "sockward_diagnoses_total", cause="hostname_changed",
                               container_name="lxc:evil-tenant"), 2)

    def test_a_denied_attempt_in_the_hosts_namespace_is_told_and_counted(self):
        with TestHost() as host, Agent(config=f"host: {{uts_namespace: {host.inode}}}\n",
                                       output="json") as agent:
            host.run_inside("hostname evil", container=True, user="nobody")
            time.sleep(0.3)
            denied = [r for r in agent.records() if r["attributes"]["sockward.cause"] == "hostname_denied"
                      and r["attributes"].get("container.name") == "evil-tenant"]
            metrics = agent.metrics()
        self.assertEqual([r["severity_text"] for r in denied], ["ERROR"])
        self.assertEqual(denied[0]["attributes"]["sockward.scope"], "host")
        # Neighbours' too.
        self.assertGreaterEqual(total(metrics, "sockward_hostname_change_failures_total", errno="EPERM"), 1)

    def test_a_fresh_namespace_of_a_container_is_information(self):
        with TestHost() as host, Agent(config=f"host: {{uts_namespace: {host.inode}}}\n",
                                       output="json") as agent:
            host.run_inside("unshare --uts hostname inside", container=True)
            time.sleep(0.3)
            record = next(r for r in agent.records()
                          if r["attributes"].get("sockward.hostname.new") == "inside")
            metrics = agent.metrics()
        self.assertEqual(record["severity_text"], "INFO")
        self.assertEqual(record["attributes"]["sockward.scope"], "container")
        self.assertEqual(total(metrics, "sockward_hostname_changes_total", scope="host"), 0)
        self.assertGreaterEqual(total(metrics, "sockward_uts_namespaces_created_total", route="unshare"), 1)

    def test_every_output_carries_the_new_name_from_then_on(self):
        collector, folder = HttpReceiver(), Folder()
        file = pathlib.Path(folder / "records.json")
        with TestHost() as host, Agent(
                "--web.enable-ui", output="json",
                config=f"host: {{uts_namespace: {host.inode}}}\nrecords: {{fold: 0, file: {file}}}\n"
                       f"otlp: {{url: '{collector.url()}'}}\n") as agent:
            host.run_inside("hostname renamed-since")
            port = socket.socket()
            port.bind(("127.0.0.1", 0))
            with socket.socket() as second, self.assertRaises(OSError):
                second.bind(port.getsockname())
            own = f"127.0.0.1:{port.getsockname()[1]}"

            def resources():
                return {"stdout": self.host_of(agent.records(), own),
                        "file": self.host_of(map(json.loads, file.read_text().splitlines()), own),
                        "page": self.host_of(json.load(agent.get("/api/v1/diagnoses")), own),
                        "otlp": self.otlp_host(collector, own)}
            found = wait_until(lambda: all(resources().values()) and resources(), 10, "the record everywhere")
        port.close()
        collector.close()
        self.assertEqual(found, dict.fromkeys(found, "renamed-since"))

    @staticmethod
    def host_of(records, address):
        return next((r["resource"]["host.name"] for r in records
                     if r["attributes"].get("sockward.address") == address), None)

    @staticmethod
    def otlp_host(collector, address):
        for _, _, _, body in list(collector.posts):
            for logs in json.loads(body)["resourceLogs"]:
                text = json.dumps(logs["scopeLogs"])
                if address in text:
                    attributes = {a["key"]: a["value"] for a in logs["resource"]["attributes"]}
                    return attributes["host.name"]["stringValue"]
        return None

    def test_the_machines_own_name_is_untouched(self):
        before = pathlib.Path("/proc/sys/kernel/hostname").read_text()
        with TestHost() as host:
            host.run_inside("hostname somewhere-else")
        self.assertEqual(pathlib.Path("/proc/sys/kernel/hostname").read_text(), before)
