"""The DaemonSet as shipped on a real node (scripts/test-kubernetes): kubelet, containerd and runc, with an
image of the release binary; what it says of failures in another pod, while it is updated, and what it leaves.
The tests are one story, in the order of their numbers."""
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import time
import unittest
import urllib.request

from cluster import Cluster  # noqa: F401  first: it knows where the next ones are
from images import make_images
from machine import Node
from manifests import overlay
from support import SOCKWARD, Folder, parse_metrics, run, total, wait_until

PINS = "/sys/fs/bpf/sockward"
GIVEN = ["BPF", "PERFMON", "SYS_ADMIN", "SYS_PTRACE", "DAC_READ_SEARCH", "NET_ADMIN", "AUDIT_READ", "SETPCAP"]
KEPT = {"DAC_READ_SEARCH": 2, "NET_ADMIN": 12, "SYS_PTRACE": 19, "SYS_ADMIN": 21, "BPF": 39}
STORM = "until [ -e /tmp/stop ]; do provoke storm 50000 2; echo 100000; done"
STALE = """nginx -e stderr -c /etc/socket.conf & first=$!
sleep 2; kill -9 $first; sleep 1; exec nginx -e stderr -c /etc/socket.conf"""


def pod(name):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"nodeName": "node1", "terminationGracePeriodSeconds": 1, "containers": [
                {"name": "nginx", "image": "localhost/web:1",
                 "command": ["/bin/nginx", "-e", "stderr", "-c", "/etc/port.conf"]}]}}


def patches():
    """None, but for a machine that lets nobody see the root of its first process, through which the agent
    reads the links to the logs."""
    if os.access("/proc/1/root/", os.X_OK):
        return []
    print("the root of process 1 is closed here: /var/log is mounted into the agent's pod")
    spec, name = "/spec/template/spec", {"name": "logs"}
    return [{"target": {"kind": "DaemonSet"}, "patch": json.dumps([
        {"op": "add", "path": f"{spec}/volumes/-", "value": {**name, "hostPath": {"path": "/var/log"}}},
        {"op": "add", "path": f"{spec}/containers/0/volumeMounts/-",
         "value": {**name, "mountPath": "/var/log", "readOnly": True}}])}]


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


class OnANode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.node = node = Node(make_images(cls.folder.path))
        cls.addClassCleanup(node.close)
        cls.kubectl = node.cluster.kubectl
        cls.overlay = overlay("before-1.30", "without-operator", "events", patches=patches())

    def agent(self):
        """The agent's pod that is not on its way out."""
        pods = json.loads(self.kubectl("get", "pods", "-n", "sockward", "-o", "json").stdout)["items"]
        (found,) = [p for p in pods if "deletionTimestamp" not in p["metadata"]]
        return found

    def metrics(self):
        url = f"http://{self.agent()['status']['podIP']}:9966/metrics"
        return parse_metrics(urllib.request.urlopen(url, timeout=10).read().decode())

    def log(self):
        return self.kubectl("logs", "-n", "sockward", self.agent()["metadata"]["name"]).stdout

    def records(self, **wanted):
        """Attributes of the records with these; '__' stands for '.'."""
        pairs = {name.replace("__", "."): value for name, value in wanted.items()}
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        found = [line["attributes"] for line in lines if "attributes" in line]
        return [a for a in found if all(a.get(name) == value for name, value in pairs.items())]

    def rollout(self):
        self.kubectl("rollout", "status", "-n", "sockward", "daemonset/sockward", "--timeout=110s")

    def web(self, *words, check=True):
        return self.kubectl("exec", "-n", "shop", "web", "--", *words, check=check)

    def described(self, name):
        return self.kubectl("describe", "pod", "-n", "shop", name).stdout

    def processes(self, uid):
        """What /proc says of each process of a pod, by number."""
        found = {}
        for pid in set(self.node.cgroups.processes()):
            with contextlib.suppress(OSError):  # one that has just ended
                if uid in pathlib.Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8"):
                    found[pid] = status_of(pid)
        return found

    def given(self, namespace, name):
        """What the runtime was told of the container."""
        told = 'jsonpath={.status.containerStatuses[0].containerID}'
        number = self.kubectl("get", "pod", "-n", namespace, name, "-o", told).stdout.rpartition("/")[2]
        return json.loads(self.node.ctr("containers", "info", number))["Spec"]

    def test_1_the_daemonset_becomes_ready(self):
        began = time.monotonic()
        self.kubectl("apply", "-k", self.overlay)
        self.rollout()
        print(f"\nready {time.monotonic() - began:.0f} s after kubectl apply")
        print(self.kubectl("get", "pods", "-n", "sockward", "-o", "wide").stdout)
        self.assertEqual(self.agent()["status"]["containerStatuses"][0]["restartCount"], 0)
        self.node.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        wait_until(lambda: self.kubectl("get", "serviceaccount", "-n", "shop", "default", check=False).stdout,
                   60, "the namespace has its service account")
        self.node.cluster.apply(pod("web"), pod("calm"))
        self.kubectl("wait", "--for=condition=Ready", "-n", "shop", "pod/web", "pod/calm", "--timeout=110s")

    def test_2_it_is_as_confined_as_the_manifest_says(self):
        agent = self.given("sockward", self.agent()["metadata"]["name"])
        other = self.given("shop", "web")
        self.assertEqual(set(agent["process"]["capabilities"]["bounding"]), {f"CAP_{name}" for name in GIVEN})
        self.assertEqual(agent["linux"]["seccomp"]["defaultAction"], "SCMP_ACT_ERRNO")
        self.assertTrue(agent["root"]["readonly"] and agent["process"]["noNewPrivileges"])
        self.assertNotIn("seccomp", other["linux"], "a pod that asks for nothing")
        self.assertFalse(other["root"].get("readonly") or other["process"].get("noNewPrivileges"))
        kept = sum(1 << number for number in KEPT.values())
        processes = [process for process in self.processes(self.agent()["metadata"]["uid"]).values()
                     if process["Name"].startswith("sockward")]
        for kind in ("CapBnd", "CapPrm", "CapEff"):
            held = [int(process[kind], 16) for process in processes]
            self.assertEqual(max(held), kept, kind)
            self.assertFalse([capabilities for capabilities in held if capabilities & ~kept], kind)

    def test_3_a_taken_port_bears_the_names_of_the_pod(self):
        done = self.web("nginx", "-e", "stderr", "-c", "/etc/port.conf", check=False)
        self.assertIn("bind() to 0.0.0.0:8080 failed (98", done.stderr)
        found = wait_until(lambda: self.records(sockward__address="0.0.0.0:8080"), 30, "a record")[0]
        print("\n" + json.dumps({k: v for k, v in found.items() if k.startswith(("k8s", "sockward"))}))
        self.assertEqual([found[f"k8s.{what}.name"] for what in ("namespace", "pod", "container")],
                         ["shop", "web", "nginx"])
        self.assertEqual(found["k8s.pod.uid"], self.uid("web"))
        # nginx of the other pod holds the same port in another network namespace: it is not the holder.
        self.assertEqual((found["sockward.cause"], found["sockward.holder.pid"]),
                         ("address_in_use", self.listener("web")))
        # runc gave it its host name, as it does for every pod. Nothing failed there.
        self.assertEqual({record["sockward.cause"] for record in self.records(k8s__pod__name="calm")},
                         {"hostname_changed"})

    def test_3_the_same_outside_of_pods_bears_no_names(self):
        with socket.socket() as held, socket.socket() as late:
            held.bind(("127.0.0.1", 0))
            held.listen()
            port = held.getsockname()[1]
            with self.assertRaises(OSError):
                late.bind(held.getsockname())
            found = wait_until(lambda: self.records(sockward__address=f"127.0.0.1:{port}",
                                                    sockward__holder__pid=os.getpid()), 30, "a record")[0]
        self.assertEqual([name for name in found if name.startswith("k8s.")], [])

    def uid(self, name):
        return self.kubectl("get", "pod", "-n", "shop", name, "-o", "jsonpath={.metadata.uid}").stdout

    def listener(self, name):
        """nginx of this pod, as the machine numbers it."""
        found = self.processes(self.uid(name))
        (pid,) = [pid for pid, process in found.items() if process["Name"] == "nginx"]
        return pid

    def test_4_a_stale_socket_and_the_metrics_of_both(self):
        done = self.web("sh", "-c", STALE, check=False)
        self.assertIn("bind() to unix:/run/web.sock failed (98", done.stderr)
        found = wait_until(lambda: self.records(sockward__cause="stale_socket"), 30, "a record")[0]
        self.assertEqual((found["k8s.pod.name"], found["k8s.container.name"]), ("web", "nginx"))
        metrics = self.metrics()
        for family in ("inet", "unix"):
            self.assertEqual(total(metrics, "sockward_call_errors_total", syscall="bind", errno="EADDRINUSE",
                                   family=family, container_name="k8s:shop/web/nginx"), 5, family)
        self.assertEqual(total(metrics, "sockward_call_errors_total", syscall="bind",
                               container_name="k8s:shop/calm/nginx"), 0)

    def test_5_events_are_on_the_pod_and_repeats_are_series(self):
        shown = wait_until(lambda: self.described("web").count("(x5 over") >= 2 and self.described("web"), 60,
                           "kubectl describe pod shows two series of 5")
        print("\n$ kubectl describe pod -n shop web\n" + shown[shown.index("Events:"):])
        for reason in ("AddressInUse", "StaleSocket"):
            self.assertIn(reason, shown)
        self.assertNotIn("sockward", self.described("calm"))
        metrics = self.metrics()
        self.assertEqual(total(metrics, "sockward_pod_events_lost_total"), 0)

    def failing(self, metrics):
        return (total(metrics, "sockward_call_errors_total", syscall="bind", errno="ENOENT", family="unix",
                      container_name="k8s:shop/web/nginx")
                + sum(total(metrics, "sockward_missed_calls_total", program=f"bind_{kind}")
                      for kind in ("tp", "fexit")))

    def test_6_a_rolling_update_in_a_storm_loses_no_count(self):
        before, former = self.failing(self.metrics()), self.agent()["metadata"]["name"]
        storm = subprocess.Popen([*self.node.cluster.command(), "exec", "-n", "shop", "web", "--", "sh", "-c",
                                  STORM], stdout=subprocess.PIPE, text=True)
        self.addCleanup(lambda: storm.poll() is None and storm.kill())
        wait_until(lambda: self.failing(self.metrics()) > before, 60, "the storm has begun")
        self.kubectl("rollout", "restart", "-n", "sockward", "daemonset/sockward")
        self.rollout()
        self.assertNotEqual(self.agent()["metadata"]["name"], former)
        first = self.failing(self.metrics())
        wait_until(lambda: self.failing(self.metrics()) > first, 60, "the storm goes on under the new one")
        self.web("/bin/busybox", "touch", "/tmp/stop")
        output, _ = storm.communicate(timeout=120)
        made = sum(int(line) for line in output.splitlines() if line.isdigit())
        self.assertIn("adopted", self.log())
        self.assertNotRegex(self.log(), "level=(warning|error)")
        wait_until(lambda: self.failing(self.metrics()) - before >= made, 30, "all are counted")
        counted = self.failing(self.metrics()) - before
        print(f"\nmade {made}, counted and missed {counted:.0f}")
        self.assertEqual(counted, made)
        self.assertEqual(self.agent()["status"]["containerStatuses"][0]["restartCount"], 0)

    def test_7_deleted_and_detached_it_leaves_nothing(self):
        self.kubectl("delete", "daemonset", "-n", "sockward", "sockward")
        wait_until(lambda: not self.kubectl("get", "pods", "-n", "sockward", "-o", "name").stdout, 90,
                   "the pod has gone")
        self.assertTrue(os.listdir(PINS), "the programs wait for the next one")
        done = run(SOCKWARD, "detach")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.listdir("/sys/fs/bpf"), self.node.at_first)


if __name__ == "__main__":
    unittest.main(verbosity=2, failfast=False)
