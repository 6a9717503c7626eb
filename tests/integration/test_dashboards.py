"""Dashboards and rules: the grafana linter's rules, every name
against the catalogue, every expression on a real Prometheus."""
import json
import pathlib
import re
import subprocess
import tempfile
import time
import unittest

import yaml

from receivers import Alertmanager, Prometheus, Webhook
from support import PROVOKE, ROOT, SOCKWARD, Agent, Folder, enter_own_container, run, wait_until
from test_delivery import fail_on_a_port
from test_hostnames import TestHost

DASHBOARDS = {path.name: json.loads(path.read_text())
              for path in sorted((ROOT / "dashboards/grafana").glob("*.json"))}
ALERTS = yaml.safe_load((ROOT / "dashboards/prometheus/alerts.yml").read_text())["groups"][0]["rules"]
RECORDED = yaml.safe_load((ROOT / "dashboards/prometheus/rules.yml").read_text())["groups"][0]["rules"]
VARIABLES = {"$job": ".+", "$instance": ".+", "$container_name": ".+", "$__rate_interval": "20s",
             "$__range": "5m"}


def catalogue():
    """{name: (type, [labels])}, as the binary lists them."""
    metrics = {}
    for line in run(SOCKWARD, "--list-metrics").stdout.splitlines()[2:]:
        name, kind, labels, _ = [cell.strip() for cell in line.strip("|").split("|")]
        metrics[name.strip("`")] = (kind, [label for label in labels.split(",") if label])
    return metrics


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions():
    """(where, expression) of every panel."""
    return [(f"{name}: {panel['title']}", target["expr"]) for name, dashboard in DASHBOARDS.items()
            for panel in panels(dashboard) for target in panel["targets"]]


SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}")
LABEL = re.compile(r'([a-zA-Z_]+)\s*(?:=~|!~|!=|=)\s*"')


class Linter(unittest.TestCase):
    """The rules of grafana/dashboard-linter, and the project's own."""

    def each(self):
        for name, dashboard in DASHBOARDS.items():
            with self.subTest(dashboard=name):
                yield dashboard

    def test_three_dashboards_written_by_the_script(self):
        self.assertEqual(len(DASHBOARDS), 3)
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([ROOT / "scripts/make-dashboards", folder], check=True)
            for name in DASHBOARDS:
                self.assertEqual(pathlib.Path(folder, name).read_text(),
                                 (ROOT / "dashboards/grafana" / name).read_text(),
                                 "run ./scripts/make-dashboards")

    def test_templates(self):
        for dashboard in self.each():
            variables = {v["name"]: v for v in dashboard["templating"]["list"]}
            self.assertEqual((variables["datasource"]["type"], variables["datasource"]["label"]),
                             ("datasource", "Data source"))
            for name, label in (("job", "Job"), ("instance", "Instance"), ("container_name", "Container")):
                v = variables[name]
                self.assertEqual((v["type"], v["label"], v["multi"], v["allValue"], v["refresh"],
                                  v["datasource"]["uid"]), ("query", label, True, ".+", 2, "${datasource}"))
                self.assertTrue(v["definition"].startswith("label_values("))
            self.assertFalse(dashboard["editable"])
            self.assertEqual(dashboard["schemaVersion"], 39)
            self.assertEqual([(r["id"], r["version"]) for r in dashboard["__requires"]],
                             [("grafana", "10.4.0")])
            self.assertLessEqual(len(dashboard["uid"]), 40)
            self.assertFalse({"id", "__inputs"} & set(dashboard))

    def test_panels(self):
        for dashboard in self.each():
            for panel in panels(dashboard):
                self.assertIn(panel["type"], ("timeseries", "stat", "table", "bargauge", "text"))
                self.assertTrue(panel["title"] and panel["description"], panel)
                self.assertEqual(panel["datasource"]["uid"], "${datasource}")
                if panel["type"] == "text":
                    continue
                self.assertTrue(panel["targets"])
                self.assertTrue(panel["fieldConfig"]["defaults"]["unit"], panel["title"])
                for target in panel["targets"]:
                    self.assertEqual(target["datasource"]["uid"], "${datasource}")
            places = [(p["gridPos"]["x"], p["gridPos"]["y"], p["gridPos"]["w"], p["gridPos"]["h"])
                      for p in dashboard["panels"]]
            for i, (x, y, w, h) in enumerate(places):
                self.assertLessEqual(x + w, 24)
                for other in places[i + 1:]:
                    apart = (x + w <= other[0] or other[0] + other[2] <= x or y + h <= other[1]
                             or other[1] + other[3] <= y)
                    self.assertTrue(apart, "panels overlap")

    def test_queries(self):
        counters = {name for name, (kind, _) in catalogue().items() if kind == "counter"}
        for where, expr in expressions():
            with self.subTest(where=where):
                for metric, labels in SELECTOR.findall(expr):
                    self.assertIn('job=~"$job"', labels)
                    self.assertIn('instance=~"$instance"', labels)
                    if metric in counters or metric.endswith("_bucket"):
                        self.assertRegex(expr, r"(rate|increase)\(" + re.escape(metric) + r"\{",
                                         "a counter stands in rate or increase only")
                for window in re.findall(r"offset (\S+?)\)", expr):
                    self.assertIn(window, ("$__rate_interval", "$__range"))
                for function, window in re.findall(r"(rate|increase)\([^\[]*\[([^\]]*)\]", expr):
                    self.assertIn(window,
                                  ("$__rate_interval",) if function == "rate"
                                  else ("$__rate_interval", "$__range"))

    def test_every_metric_and_label_is_in_the_catalogue_and_every_metric_is_shown_or_told_of(self):
        metrics = catalogue()
        recorded = {rule["record"] for rule in RECORDED}
        texts = (expressions() + [(rule["alert"], rule["expr"]) for rule in ALERTS] + [
            (rule["record"], rule["expr"]) for rule in RECORDED])
        used = set()
        for where, expr in texts:
            for name in re.findall(r"\b((?:sockward|process)_[a-z_]+)",
                                   re.sub(r"[a-z_]+:[a-z_]+:[a-z0-9_]+", "", expr)):
                base = re.sub(r"_(bucket|sum|count)$", "", name)
                self.assertIn(base, metrics, where)
                used.add(base)
            for name in re.findall(r"[a-z_]+:[a-z_]+:[a-z0-9_]+", expr):
                self.assertIn(name, recorded, where)
            for metric, labels in SELECTOR.findall(expr):
                base = re.sub(r"_(bucket|sum|count)$", "", metric)
                if base in metrics:
                    self.assertLessEqual(set(LABEL.findall(labels)),
                                         {"job", "instance", "le"} | set(metrics[base][1]), where)
        told = (ROOT / "docs/metrics.md").read_text()
        for name in metrics:
            self.assertIn(f"`{name}`", told)
        self.assertEqual({n for n in metrics if n.startswith("sockward_")} - used, set(),
                         "no panel and no rule shows it")


class Rules(unittest.TestCase):
    def test_promtool_and_amtool_accept_them_and_their_cases_pass(self):
        rules = [str(ROOT / f"dashboards/prometheus/{name}.yml") for name in ("alerts", "rules")]
        for command in (["promtool", "check", "rules", "--lint=all", "--lint-fatal", *rules],
                        ["promtool", "test", "rules",
                         *(str(ROOT / f"dashboards/prometheus/tests/{name}_test.yml")
                           for name in ("alerts", "rules"))],
                        ["amtool", "check-config",
                         str(ROOT / "dashboards/alertmanager/alertmanager.example.yml")]):
            done = run(*command)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_alert_has_its_runbook_its_words_and_its_cases(self):
        cases = (ROOT / "dashboards/prometheus/tests/alerts_test.yml").read_text()
        pages = {path.stem for path in (ROOT / "docs/runbooks").glob("*.md")}
        self.assertEqual(pages, {rule["alert"] for rule in ALERTS})
        for rule in ALERTS:
            self.assertRegex(rule["alert"], "^Sockward[A-Z]")
            self.assertIn(rule["labels"]["severity"], ("critical", "warning", "info"))
            self.assertRegex(rule["annotations"]["summary"], r"^[A-Z].*\.$")
            self.assertEqual(rule["annotations"]["runbook_url"], f"docs/runbooks/{rule['alert']}.md")
            self.assertIn(f"alertname: {rule['alert']}\n", cases)

    def test_routes(self):
        config = ROOT / "dashboards/alertmanager/alertmanager.example.yml"
        for labels, receiver in (("alertname=SockwardHostRenamedByContainer severity=critical", "pager"),
                                 ("alertname=SockwardPushedHostRenamed severity=critical", "pager"),
                                 ("alertname=SockwardAddressInUse severity=warning", "team"),
                                 ("alertname=SockwardPathNearLimit severity=info", "nobody"),
                                 ("alertname=Else severity=critical", "nobody")):
            self.assertEqual(run("amtool", "config", "routes", "test", f"--config.file={config}",
                                 *labels.split()).stdout.strip(), receiver)


def scrape(agent, **more):
    return {"scrape_configs": [{"job_name": "sockward",
                                "static_configs": [{"targets": [f"127.0.0.1:{agent.port}"]}]}], **more}


class OnARealPrometheus(unittest.TestCase):
    # Nothing of this kind happens in the workload, and a filter leaves no zero behind.
    QUIET = set()

    def workload(self, host):
        folder = Folder()
        fail_on_a_port()
        import socket
        with socket.socket(socket.AF_UNIX) as near:
            near.bind(folder.path + "/" + "n" * (103 - len(folder.path)))
        with socket.socket(socket.AF_UNIX) as refused:
            try:
                refused.connect(folder / "nobody")
            except OSError:
                pass
        subprocess.run([PROVOKE, "all", folder.path], capture_output=True, check=False)
        host.run_inside(f"hostname stolen-{time.monotonic_ns()}", container=True)
        host.run_inside("hostname evil", user="nobody")

    def test_every_expression_answers_after_a_workload(self):
        with TestHost() as host, Agent(
                "--bpf.stats",
                config=f"host: {{uts_namespace: {host.inode}}}\nrecords: {{fold: 0}}\n") as agent:
            rules = Folder()
            for name in ("rules", "alerts"):
                pathlib.Path(rules / f"{name}.yml").write_text(
                    (ROOT / f"dashboards/prometheus/{name}.yml").read_text())
            prometheus = Prometheus(scrape(agent, rule_files=[rules / "*.yml"]))
            time.sleep(2.5)  # a sample before anything happens
            for _ in range(2):
                self.workload(host)
                time.sleep(2)
            time.sleep(2)
            empty = []
            for where, expr in expressions() + [(r["record"], r["expr"]) for r in RECORDED]:
                for name, value in VARIABLES.items():
                    expr = expr.replace(name, value)
                self.assertNotIn("$", expr, where)
                if not prometheus.query(expr):
                    empty.append(where)
            for rule in ALERTS:
                prometheus.query(rule["expr"])
            prometheus.stop()
        self.assertEqual(set(empty), self.QUIET)

    def test_a_failure_goes_through_scrape_rule_and_alertmanager_to_the_webhook_and_is_resolved(self):
        label = enter_own_container(self).label  # neighbours fail too
        webhook = Webhook()
        manager = Alertmanager(webhook)
        rules = Folder()
        for name in ("rules", "alerts"):  # the same rules, at the pace of a test
            text = (ROOT / f"dashboards/prometheus/{name}.yml").read_text()
            pathlib.Path(rules / f"{name}.yml").write_text(text.replace("[10m]", "[12s]").replace(
                "offset 10m", "offset 12s"))
        with Agent() as agent:
            prometheus = Prometheus(scrape(agent, rule_files=[rules / "*.yml"],
                                           alerting={"alertmanagers": [
                                               {"static_configs": [{"targets": [
                                                   f"127.0.0.1:{manager.port}"]}]}]}))
            time.sleep(3)
            fail_on_a_port()
            labels = {"alertname": "SockwardAddressInUse", "container_name": label, "cause": "address_in_use"}
            alert = wait_until(lambda: webhook.alerts(**labels), 30, "the alert")[0][1]
            self.assertEqual(alert["status"], "firing")
            self.assertEqual(alert["annotations"]["runbook_url"], "docs/runbooks/SockwardAddressInUse.md")
            self.assertIn(f"in {label} on 127.0.0.1", alert["annotations"]["description"])
            wait_until(lambda: [a for _, a in webhook.alerts(**labels) if a["status"] == "resolved"], 60,
                       "it is resolved")
            prometheus.stop()
        manager.stop()
        webhook.close()
