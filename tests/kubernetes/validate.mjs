// validate.mjs FILE…: every document of rendered kustomizations against the schemas of Kubernetes and of the Prometheus Operator.
import {readFileSync} from "node:fs";
import {loadAll} from "js-yaml";
const models = {
  "v1/Namespace": ["kubernetes-models/v1", "Namespace"],
  "v1/ServiceAccount": ["kubernetes-models/v1", "ServiceAccount"],
  "v1/ConfigMap": ["kubernetes-models/v1", "ConfigMap"],
  "apps/v1/DaemonSet": ["kubernetes-models/apps/v1", "DaemonSet"],
  "rbac.authorization.k8s.io/v1/ClusterRole": ["kubernetes-models/rbac.authorization.k8s.io/v1", "ClusterRole"],
  "rbac.authorization.k8s.io/v1/ClusterRoleBinding": ["kubernetes-models/rbac.authorization.k8s.io/v1", "ClusterRoleBinding"],
  "monitoring.coreos.com/v1/PodMonitor": ["@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1", "PodMonitor"],
  "monitoring.coreos.com/v1/PrometheusRule": ["@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1", "PrometheusRule"],
};
let bad = 0;
const seen = new Set();
for (const document of process.argv.slice(2).flatMap((file) => loadAll(readFileSync(file, "utf8"))).filter(Boolean)) {
  const kind = `${document.apiVersion}/${document.kind}`;
  const name = `${kind} ${document.metadata.name}`;
  seen.add(kind);
  if (!models[kind]) { console.log(`WRONG ${name}: no schema is known`); bad++; continue; }
  try {
    const {[models[kind][1]]: Model} = await import(models[kind][0]);
    new Model(document).validate();
    console.log(`ok ${name}`);
  } catch (error) { console.log(`WRONG ${name}: ${error.message}`); bad++; }
}
for (const kind of Object.keys(models)) if (!seen.has(kind)) { console.log(`WRONG ${kind}: is missing`); bad++; }
process.exit(bad ? 1 : 0);
