"""Events on pods, at a real API server: one that scripts/test-kubernetes has built, with etcd, and no
kubelet. The pod is an object made by hand, its container a cgroup and a log link as the kubelet leaves
them."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from support import Agent, Folder, Program, free_port, wait_until  # noqa: E402
from test_kubernetes_events import Pod, delivered, in_records, losses  # noqa: E402

PROGRAMS = pathlib.Path(os.environ["SOCKWARD_KUBERNETES"])
SUBJECTS = {"apiserver": ("/CN=apiserver", "IP:127.0.0.1,IP:10.96.0.1"),
            "admin": ("/O=system:masters/CN=admin", "")}
FLAGS = ["--bind-address=127.0.0.1", "--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=RBAC",
         "--client-ca-file=ca.crt", "--tls-cert-file=apiserver.crt", "--tls-private-key-file=apiserver.key",
         "--service-account-key-file=sa.pub", "--service-account-signing-key-file=sa.key",
         "--service-account-issuer=https://kubernetes.default.svc", "--endpoint-reconciler-type=none",
         # Without a controller manager no service account has a secret, which this plugin wants for a pod.
         "--disable-admission-plugins=ServiceAccount"]


class Cluster:
    """An API server and its etcd on loopback, with an authority of their own."""

    def __init__(self):
        self.folder = Folder()
        self.path = pathlib.Path(self.folder.path)
        self.port, self.store = free_port(), free_port()
        self.make_certificates()
        client, peer = (f"http://127.0.0.1:{port}" for port in (self.store, free_port()))
        self.log = open(self.path / "log", "wb")
        self.etcd = Program(str(PROGRAMS / "etcd"), "--data-dir", str(self.path / "etcd"),
                            f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
                            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
                            f"--initial-cluster=default={peer}", stdout=self.log, stderr=self.log)
        self.start()

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.path)

    def make_certificates(self):
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt",
                     "-days", "2", "-subj", "/CN=test-ca")
        self.openssl("genrsa", "-out", "sa.key", "2048")
        self.openssl("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub")
        for name, (subject, names) in SUBJECTS.items():
            self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
                         f"{name}.csr", "-subj", subject)
            (self.path / "extensions").write_text("extendedKeyUsage=serverAuth,clientAuth\n"
                                                  + (f"subjectAltName={names}\n" if names else ""))
            self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                         "-CAcreateserial", "-days", "2", "-out", f"{name}.crt", "-extfile", "extensions")

    def start(self):
        self.server = Program(str(PROGRAMS / "kube-apiserver"), f"--secure-port={self.port}",
                              f"--etcd-servers=http://127.0.0.1:{self.store}", *FLAGS, cwd=self.path,
                              stdout=self.log, stderr=self.log)
        wait_until(lambda: self.kubectl("get", "--raw=/readyz", check=False).stdout == "ok", 180,
                   "the API server is ready")

    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def kubectl(self, *arguments, token=None, check=True, **options):
        who = ([f"--token={token}"] if token else
               [f"--client-certificate={self.path}/admin.crt", f"--client-key={self.path}/admin.key"])
        done = subprocess.run([str(PROGRAMS / "kubectl"), "--kubeconfig=/dev/null", f"--server={self.url()}",
                               f"--certificate-authority={self.path}/ca.crt", *who, *arguments],
                              capture_output=True, text=True, timeout=120, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done

    def apply(self, *objects):
        self.kubectl("apply", "-f", "-", input="---\n".join(yaml.safe_dump(o) for o in objects))

    def events(self):
        return json.loads(self.kubectl("get", "events.v1.events.k8s.io", "-n", "shop", "-o", "json").stdout)[
            "items"]

    def close(self):
        self.server.stop()
        self.etcd.stop()
        self.log.close()


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cluster = Cluster()
        cls.addClassCleanup(cluster.close)
        rendered = yaml.safe_load_all(cluster.kubectl("kustomize", os.environ["SOCKWARD_OVERLAY"]).stdout)
        cls.shipped = [o for o in rendered if o["kind"] in ("Namespace", "ServiceAccount", "ClusterRole",
                                                            "ClusterRoleBinding")]
        assert len(cls.shipped) == 4, cls.shipped
        cluster.apply(*cls.shipped)
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        cls.token = json.loads(cluster.kubectl(
            "create", "--raw=/api/v1/namespaces/sockward/serviceaccounts/sockward/token", "-f", "-",
            input=json.dumps(request)).stdout)["status"]["token"]
        cls.token_file = cluster.folder / "token"
        pathlib.Path(cls.token_file).write_text(cls.token)

    def setUp(self):
        self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        name = "web-" + os.urandom(3).hex()
        self.cluster.apply({"apiVersion": "v1", "kind": "Pod",
                            "metadata": {"name": name, "namespace": "shop"},
                            "spec": {"nodeName": "node1", "automountServiceAccountToken": False,
                                     "containers": [{"name": "nginx", "image": "none"}]}})
        self.pod = Pod(self, name, self.get("metadata.uid", name))

    def get(self, field, name):
        return self.cluster.kubectl("get", "pod", "-n", "shop", name, "-o", f"jsonpath={{.{field}}}").stdout

    def agent(self, **more):
        settings = {"events": True, "api_url": self.cluster.url(), "token_file": self.token_file,
                    "ca_file": self.cluster.folder / "ca.crt", **more}
        return Agent(output="json", environment={"NODE_NAME": "node1"},
                     config=json.dumps({"kubernetes": settings, "records": {"fold": 0}}))

    def own_events(self):
        return [e for e in self.cluster.events() if e["regarding"]["name"] == self.pod.name]

    def described(self):
        return self.cluster.kubectl("describe", "pod", "-n", "shop", self.pod.name).stdout

    def expect_all_accounted_for(self, agent, records):
        wait_until(lambda: len(in_records(agent, self.pod)) == records, 30, f"{records} records")
        wait_until(lambda: delivered(agent.metrics()) + losses(agent.metrics()) == records, 60,
                   f"{records} records are accounted for")

    def test_kubectl_shows_the_diagnosis_and_repeats_are_a_series(self):
        with self.agent() as agent:
            began = time.monotonic()
            self.pod.fail()
            wait_until(lambda: "AddressInUse" in self.described(), 30, "kubectl describe pod shows it")
            print(f"\nshown by kubectl describe pod after {time.monotonic() - began:.1f} s")
            self.assertEqual(len(self.own_events()), 1)
            time.sleep(1)
            self.pod.fail(times=1, port=self.pod.port)
            self.pod.fail(times=3, port=self.pod.port)
            wait_until(lambda: self.own_events()[0].get("series", {}).get("count") == 5, 60, "a series of 5")
            self.expect_all_accounted_for(agent, 5)
            self.assertEqual(losses(agent.metrics()), 0)
        (event,) = self.own_events()
        self.assertEqual(event["regarding"]["uid"], self.pod.uid)
        shown = self.described()
        self.assertIn("x5", shown)
        print("$ kubectl describe pod -n shop " + self.pod.name)
        print(shown[shown.index("Events:"):])
        print("$ kubectl get events -n shop")
        print(self.cluster.kubectl("get", "events", "-n", "shop").stdout)

    def test_the_service_account_may_do_that_and_nothing_else(self):
        def may(*what):
            return self.cluster.kubectl("auth", "can-i", *what, token=self.token,
                                        check=False).stdout.strip() == "yes"
        for verb in ("create", "patch"):
            self.assertTrue(may(verb, "events.events.k8s.io", "-n", "shop"), verb)
        for verb in ("get", "list", "watch", "update", "delete", "deletecollection"):
            self.assertFalse(may(verb, "events.events.k8s.io", "-n", "shop"), verb)
        for resource in ("events", "pods", "secrets", "configmaps", "nodes", "serviceaccounts", "pods/exec"):
            for verb in ("get", "list", "create", "patch", "delete"):
                self.assertFalse(may(verb, resource, "-n", "shop"), (verb, resource))
        done = self.cluster.kubectl("get", "pods", "-n", "shop", token=self.token, check=False)
        self.assertIn("Forbidden", done.stderr)

    def test_an_api_server_that_hangs_or_is_down_loses_nothing(self):
        with self.agent() as agent:
            self.cluster.server.process.send_signal(signal.SIGSTOP)
            self.pod.fail()
            wait_until(lambda: len(in_records(agent, self.pod)) == 1, 10, "the record")
            wait_until(lambda: "cannot create Events" in agent.said(), 30, "the log says so")
            self.cluster.server.process.send_signal(signal.SIGCONT)
            wait_until(self.own_events, 60, "the Event after the pause")
            self.cluster.server.stop(signal.SIGKILL)
            self.pod.fail(ports=2)
            self.assertEqual(losses(agent.metrics()), 0)
            time.sleep(2)
            self.cluster.start()
            wait_until(lambda: len(self.own_events()) == 3, 90, "the Events after the outage")
            self.expect_all_accounted_for(agent, 3)
            self.assertEqual(losses(agent.metrics()), 0)

    def test_without_the_rights_what_is_lost_is_counted_and_said_with_the_next_step(self):
        (binding,) = [o for o in self.shipped if o["kind"] == "ClusterRoleBinding"]
        self.cluster.kubectl("delete", "clusterrolebinding", binding["metadata"]["name"])
        self.addCleanup(self.cluster.apply, binding)
        with self.agent() as agent:
            self.pod.fail(ports=2)
            self.expect_all_accounted_for(agent, 2)
            self.assertEqual(losses(agent.metrics(), reason="forbidden"), 2)
            said = [line for line in agent.said().splitlines() if "cannot create Events" in line]
            self.assertEqual(len(said), 1)
            print("\n" + said[0])
            self.assertIn("packaging/kubernetes/events", said[0])
            self.cluster.apply(binding)
            wait_until(lambda: (self.pod.fail(), delivered(agent.metrics()))[1], 60, "it goes on")
        self.assertTrue(self.own_events())

    def test_beyond_the_limit_of_a_pod_they_are_left_out_and_counted(self):
        with self.agent(pod_rate=2) as agent:
            self.pod.fail(ports=6)
            self.expect_all_accounted_for(agent, 6)
            self.assertEqual(losses(agent.metrics(), reason="rate"), 4)
        self.assertEqual(len(self.own_events()), 2)

    def test_z_a_namespace_that_goes_away_is_no_matter_of_rights(self):
        self.cluster.kubectl("delete", "namespace", "shop", "--wait=false")
        with self.agent() as agent:
            self.pod.fail()
            self.expect_all_accounted_for(agent, 1)
            self.assertEqual(losses(agent.metrics(), reason="gone"), 1)
            self.assertNotIn("rights", agent.said())


if __name__ == "__main__":
    unittest.main(verbosity=2)
