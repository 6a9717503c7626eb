"""The manifests at a real API server (scripts/test-kubernetes): of Kubernetes 1.20, fresh, without and with
the resources of the Prometheus Operator. No kubelet takes part: what is accepted, not what runs."""
import json
import os
import pathlib
import unittest

from cluster import ROOT, Cluster

OVERLAYS = pathlib.Path(os.environ["SOCKWARD_OVERLAYS"])


def overlay(*components, patches=()):
    """A kustomization as a user writes it. Its folder, of which kustomize wants relative paths."""
    folder = OVERLAYS / ("with-" + "-".join(components or ("nothing",)))
    folder.mkdir(parents=True, exist_ok=True)
    base = os.path.relpath(ROOT / "packaging/kubernetes", folder)
    (folder / "kustomization.yaml").write_text(json.dumps({
        "resources": [base], "components": [f"{base}/{name}" for name in components],
        "patches": list(patches)}), encoding="utf-8")
    return str(folder)


def operator_resource(plural, kind, spec):
    """Takes everything, and fills in what the operator's own definition fills in."""
    schema = {"type": "object", "properties": {"spec": spec}}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.monitoring.coreos.com"},
            "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced",
                     "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
                     "versions": [{"name": "v1", "served": True, "storage": True,
                                   "schema": {"openAPIV3Schema": schema}}]}}


def anything(**properties):
    return {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": properties}


RELABELING = anything(action={"type": "string", "default": "replace"})
ENDPOINT = anything(relabelings={"type": "array", "items": RELABELING})
OPERATOR = [operator_resource("podmonitors", "PodMonitor",
                              anything(podMetricsEndpoints={"type": "array", "items": ENDPOINT})),
            operator_resource("prometheusrules", "PrometheusRule", anything())]


class Manifests(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster()
        self.addCleanup(self.cluster.close)

    def apply(self, folder, *flags):
        return self.cluster.kubectl("apply", "-k", folder, *flags, check=False)

    def accepted(self, folder, *flags):
        done = self.apply(folder, *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def pod_template(self):
        return json.loads(self.cluster.kubectl("get", "daemonset", "-n", "sockward", "sockward", "-o",
                                               "json").stdout)["spec"]["template"]

    def make_operator(self):
        self.cluster.apply(*OPERATOR)
        for resource in OPERATOR:
            self.cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s",
                                 f"crd/{resource['metadata']['name']}")

    def test_a_fresh_cluster_without_the_operator_takes_them(self):
        folder = overlay("before-1.30", "without-operator")
        self.assertIn("daemonset.apps/sockward created", self.accepted(folder))
        self.assertIn("daemonset.apps/sockward unchanged", self.accepted(folder))
        refused = self.apply(overlay("before-1.30"))
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn('no matches for kind "PodMonitor"', refused.stderr)

    def test_on_trial_once_the_namespace_is_there(self):
        folder = overlay("before-1.30", "without-operator")
        self.assertNotEqual(self.apply(folder, "--dry-run=server").returncode, 0)
        self.cluster.kubectl("apply", "-f", str(ROOT / "packaging/kubernetes/namespace.yaml"))
        self.assertIn("daemonset.apps/sockward created (server dry run)",
                      self.accepted(folder, "--dry-run=server"))

    def test_before_1_30_apparmor_is_an_annotation(self):
        self.make_operator()
        refused = self.apply(overlay())
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("appArmorProfile", refused.stderr)
        self.accepted(overlay("before-1.30"))
        template = self.pod_template()
        self.assertEqual(template["metadata"]["annotations"],
                         {"container.apparmor.security.beta.kubernetes.io/sockward": "unconfined"})
        self.assertEqual(template["spec"]["containers"][0]["securityContext"]["seccompProfile"],
                         {"type": "RuntimeDefault"})

    def test_a_server_side_apply_after_the_other_finds_no_conflict(self):
        self.make_operator()
        folder = overlay("before-1.30", "events")
        self.accepted(folder)
        self.accepted(folder, "--server-side")
        self.accepted(folder, "--server-side")
        self.accepted(folder)


if __name__ == "__main__":
    unittest.main(verbosity=2)
