"""Events on pods, at a real API server: one that scripts/test-kubernetes has built, with etcd, and no
kubelet. The pod is an object made by hand, its container a cgroup and a log link as the kubelet leaves
them."""
import json
import os
import pathlib
import signal
import time
import unittest

import yaml

from cluster import Cluster  # first: it knows where the next ones are
from support import Agent, wait_until
from test_kubernetes_events import Pod, delivered, in_records, losses


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
