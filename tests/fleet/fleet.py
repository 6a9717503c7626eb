#!/usr/bin/python3
"""fleet.py [--quick]: the checks of scripts/test-fleet, one line each: "ok WHAT" or "WRONG WHAT …"."""
import datetime
import signal
import subprocess
import sys
import time

import parts
from judge import PUSHED, RULE, active, get, logged, missing, own_metric, post, query, told, too_often
from parts import BIN, LOGS, REPEAT, RULES, Node, Part, Places, all_parts
from support import OwnContainer, Program, last_value, total

QUICK = "--quick" in sys.argv[1:]
PATIENCE = 60   # seconds; a busy machine
FAIL = """
import socket, sys, time
held = socket.socket(); held.bind(("127.0.0.1", 0)); held.listen(1)
for _ in range(int(sys.argv[1])):
    with socket.socket() as other:
        try: other.bind(held.getsockname())
        except OSError: time.sleep(float(sys.argv[2]))
"""
# Each with a port of its own at an address that is nobody's here: each a record.
FLOOD = """
import socket
for port in range(1024, 2124):
    with socket.socket() as one:
        try: one.bind(("192.0.2.1", port))
        except OSError: pass
"""
began, wrong = time.monotonic(), 0


def check(right, what, *more):
    global wrong
    wrong += not right
    print(f"ok {what}" if right else f"WRONG {what}: " + " ".join(str(word) for word in more), flush=True)


def note(text):
    print(f"-- {time.monotonic() - began:.0f} s: {text}", flush=True)


class Fleet:
    def __init__(self):
        self.places = Places()
        if QUICK:
            self.places.ports["otel-collector:4318"] = self.places.ports["logs:9099"]
        self.parts = all_parts(self.places, QUICK)
        self.nodes = {name: Node(self.places, name) for name in ("node-a", "node-b")}
        self.instances = [node.instance for node in self.nodes.values()]
        self.while_nobody_listened = None
        self.boxes, self.since = [], {}  # since: of its present life, with the time before that it was dead

    def start(self):
        for name, part in {**self.parts, **self.nodes}.items():
            self.since[name] = time.time()
            part.start()

    def fail(self, calls=3, pause=0.2):
        """A program in a container of its own wants a port that is taken. The container's label."""
        box = OwnContainer()
        box.__enter__()
        self.boxes.append(box)
        box.run(sys.executable, "-c", FAIL, str(calls), str(pause))
        return box.label

    def flood(self, boxes=6):
        """More records than an agent keeps for a collector that is away (4,096)."""
        for _ in range(boxes):
            box = OwnContainer()
            box.__enter__()
            self.boxes.append(box)
            box.run(sys.executable, "-c", FLOOD)

    def go_on_failing(self):
        box = OwnContainer()
        box.__enter__()
        self.boxes.append(box)
        Program(sys.executable, "-c", FAIL, "100000", "0.5", preexec_fn=box.enter)
        return box.label

    def part(self, name):
        return self.nodes.get(name) or self.parts[name]

    def kill(self, *names):
        for name in names:
            self.part(name).kill()
            self.since[name] = time.time()

    def again(self, *names):
        for name in names:
            self.part(name).start()

    def ask(self, name, expression):
        port = {"victoria-metrics": 8428}.get(name, 9090)
        return query(self.places.at(f"{name}:{port}"), expression)

    def has_samples_of(self, name, at):
        """Of both nodes, by the writer that kept them meanwhile."""
        port, writer = (9090, ',replica="a"') if name == "prometheus-all" else (8428, "")
        return len(query(self.places.at(f"{name}:{port}"),
                         f'count_over_time(up{{job="sockward"{writer}}}[4s])', time=round(at, 3))) == 2

    def stop(self):
        for node in self.nodes.values():
            node.stop()
        for part in self.parts.values():
            part.program.stop(signal.SIGKILL)
        for box in self.boxes:
            box.remove()


def arrived(what, boxes, instances, names=(RULE, PUSHED)):
    lost = not last_value(lambda: not missing(boxes, instances, names), PATIENCE)
    check(not lost, what, "never told:", missing(boxes, instances, names) if lost else "")


def unit_tests():
    """Both programs' own tests of the rules, started: they take a while, and little of it is work."""
    started = {}
    for name in ("alerts", "rules"):
        # The same cases; vmalert-tool has a name of its own for those of expressions.
        cases = (RULES / f"tests/{name}_test.yml").read_text(encoding="utf-8").replace("../", f"{RULES}/")
        for tool, kind, flags in (("promtool", "promql", ["test", "rules"]),
                                  ("vmalert-tool", "metricsql", ["unittest", "-disableAlertgroupLabel"])):
            file = LOGS / f"{tool}-{name}_test.yml"
            file.write_text(cases.replace("promql_expr_test", f"{kind}_expr_test"), encoding="utf-8")
            where = [f"-files={file}"] if tool == "vmalert-tool" else [str(file)]
            started[f"{tool} passes {name}_test.yml"] = subprocess.Popen(
                [BIN / tool, *flags, *where], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return started


def judge_unit_tests(started):
    for what, process in started.items():
        said = process.communicate()[0]
        check(process.returncode == 0, what, said[-900:])


def everything_lives(fleet):
    box = fleet.fail()
    arrived("with every part up a failure is told by rule and pushed, for each agent", [box],
            fleet.instances)
    for name, address, metric in (
            ("prometheus-a", "prometheus-a:9090", "prometheus_notifications_sent_total"),
            ("prometheus-b", "prometheus-b:9090", "prometheus_notifications_sent_total"),
            ("vmalert", "vmalert:8880", "vmalert_alerts_sent_total")):
        def sent(address=fleet.places.at(address), metric=metric):
            return own_metric(address, metric)
        check(last_value(lambda now=sent: len(now()) == 2 and all(now()), 60),
              f"{name} told both Alertmanagers itself", sent())
    return box


def one_identity(fleet, box):
    """Prometheus a, b and vmalert evaluate the same rules: their alerts are one, for both Alertmanagers."""
    for which in (0, 1):
        known = active(fleet.places.at(f"alertmanager-{which}:9093"), container_name=box)
        keys = sorted((alert["alertname"], alert["instance"]) for alert in known)
        wanted = sorted((name, instance) for name in (RULE, PUSHED) for instance in fleet.instances)
        check(keys == wanted, f"alertmanager-{which} knows one alert per rule and node, whoever evaluated it",
              known)
        check(all("replica" not in alert and alert.get("cluster") == "lab" for alert in known),
              f"no alert in alertmanager-{which} has a replica label, each has its cluster", known)


def series(fleet, box):
    """Remote write, federation and de-duplication."""
    counter = f'sockward_diagnoses_total{{cause="address_in_use",container_name="{box}"}}'
    total_of = f"sum({counter})"
    here = last_value(lambda: fleet.ask("prometheus-a", total_of), 20)
    for name, wanted in (("prometheus-b", here), ("victoria-metrics", here)):
        found = last_value(lambda: fleet.ask(name, total_of) == wanted, 30)
        check(found, f"{name} counts what prometheus-a counts", fleet.ask(name, total_of), wanted)
    check(last_value(lambda: len(fleet.ask("victoria-metrics", "up{job='sockward'}")) == 2, 30),
          "victoria-metrics has one series per node, from vmagent and both Prometheus",
          fleet.ask("victoria-metrics", "up{job='sockward'}"))
    both = last_value(lambda: len(fleet.ask("prometheus-all", "up{job='sockward'}")) == 4, 30)
    check(both, "prometheus-all has each node's series once per replica, by remote write",
          fleet.ask("prometheus-all", "up{job='sockward'}"))
    nodes = 'max without(replica) (cause:sockward_nodes:count10m{cause="address_in_use"})'
    check(last_value(lambda: list(fleet.ask("prometheus-all", nodes).values()) == [2], 30),
          "prometheus-all knows by federation on how many nodes the cause occurs",
          fleet.ask("prometheus-all", nodes))
    mean = 'sum(cause:sockward_diagnoses:increase10m{cause="address_in_use",replica="a"})'
    check(last_value(lambda: any(fleet.ask("prometheus-all", mean).values()), 30),
          "prometheus-all has the causes over all nodes by federation", fleet.ask("prometheus-all", mean))
    for name in ("a", "b"):
        rules = get(fleet.places.at(f"prometheus-{name}:9090"), "/api/v1/rules")["data"]["groups"]
        bad = [rule["name"] for group in rules for rule in group["rules"] if rule["health"] != "ok"]
        check(rules and not bad, f"every rule is healthy in prometheus-{name}", bad)
    groups = get(fleet.places.at("vmalert:8880"), "/api/v1/rules")["data"]["groups"]
    bad = [(rule["name"], rule.get("lastError")) for group in groups for rule in group["rules"]
           if rule["health"] not in ("ok",)]
    check(groups and not bad, "every rule is healthy in vmalert", bad)


def round_of(fleet, *names):
    """Killed, a failure, started again, another failure."""
    title = ", ".join(names)
    note(f"killed: {title}")
    if any(name.startswith("alertmanager") for name in names):
        time.sleep(2)  # what it has told, its peer knows by then
    fleet.kill(*names)
    living = [node.instance for name, node in fleet.nodes.items() if name not in names]
    meanwhile = fleet.fail(calls=7)
    if "otel-collector" in names:
        fleet.flood()
    if "receiver" in names:
        fleet.while_nobody_listened = meanwhile
    evaluators = {"prometheus-a", "prometheus-b", "vmalert"}
    if "receiver" in names:
        time.sleep(4)
        check(missing([meanwhile], living), f"({title} dead) nothing is told")
    elif evaluators <= set(names):
        arrived(f"({title} dead) a failure is pushed", [meanwhile], living, [PUSHED])
        check(missing([meanwhile], living, [RULE]), f"({title} dead) no rule speaks")
    else:
        arrived(f"({title} dead) a failure is told", [meanwhile], living)
    fleet.again(*names)
    after = fleet.fail()
    arrived(f"({title} back) a failure is told", [after], fleet.instances)
    arrived(f"({title} back) what failed meanwhile is told, of each node", [meanwhile],
            fleet.instances)
    for name in set(names) & {"prometheus-all", "victoria-metrics"}:
        check(last_value(lambda at=fleet.since[name] + 3, name=name: fleet.has_samples_of(name, at), 40),
              f"({name} back) it is sent the samples of the time when it was dead")
    for name in set(names) & set(fleet.nodes):
        counted = total(fleet.nodes[name].agent.metrics(), "sockward_call_errors_total", syscall="bind",
                        errno="EADDRINUSE", container_name=meanwhile)
        check(counted == 7, f"({name} back) the calls that failed meanwhile are counted", counted)


def nothing_twice(fleet, steady):
    labels = {box.label for box in fleet.boxes}
    ours = {key: when for key, when in told().items() if key[2] in labels and key[0] in (RULE, PUSHED)}
    # While the receiver was dead both Alertmanagers went on trying, each for itself: each may have told it.
    waited = {key: ours.pop(key) for key in list(ours) if key[2] == fleet.while_nobody_listened}
    first = {key: [at for at in when if at < when[0] + REPEAT - 1] for key, when in waited.items()}
    if not QUICK:  # there nothing waited
        check(first and all(len(when) <= 2 for when in first.values()),
              "what waited for the receiver is told by each Alertmanager once at most", first)
    twice = too_often(ours)
    check(ours and not twice, f"no alert is told twice within the repeat interval ({len(ours)} alerts, "
          f"{sum(map(len, ours.values()))} notifications)", twice)
    if QUICK:
        return
    repeats = [len(ours.get((RULE, instance, steady), [])) for instance in fleet.instances]
    check(min(repeats) >= 2, "what goes on failing is told again after the repeat interval", repeats)


def records_arrived(fleet):
    """Each record that an agent wrote is at the far end of OpenTelemetry, or counted as dropped."""
    for name, node in fleet.nodes.items():
        def lost():
            written = {(stamp(r["timestamp"]), r["body"]) for r in node.agent.records()}
            there = set(logged(name, fleet.since[name]))
            metrics = node.agent.metrics()
            dropped = total(metrics, "sockward_sink_dropped_total", sink="otlp")
            return len(written), len(written - there), dropped, len(there - written)
        even = last_value(lambda: (lambda n: n[0] > 0 and n[1] == n[2])(lost()), 40)
        if not QUICK:
            check(lost()[2] > 0, f"{name}: more records than it keeps for a dead collector are dropped",
                  lost())
        check(even, f"{name}: each record is at the far end of OpenTelemetry or counted as dropped",
              "written, missing, dropped, unknown:", lost())
        check(lost()[3] == 0, f"{name}: nothing is at the far end that the agent did not write", lost())


def stamp(text):
    """Nanoseconds of an RFC 3339 time."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc).timestamp()
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0") or 0)


def renamed_node(fleet):
    """A container renames node-a: its agent calls it the host, the other one does not."""
    box = OwnContainer()
    box.__enter__()
    fleet.boxes.append(box)
    a, b = fleet.nodes["node-a"], fleet.nodes["node-b"]
    box.run("nsenter", f"--uts=/proc/{a.sleeper.process.pid}/ns/uts", "sh", "-c",
            "hostname stolen; sleep 0.5")
    name = "SockwardHostRenamedByContainer"
    check(last_value(lambda: told("/pager").get((name, a.instance, box.label)), PATIENCE),
          "a renamed node wakes the pager", sorted(told("/pager")))
    time.sleep(5)
    check(len(told("/pager").get((name, a.instance, box.label), [])) == 1, "… once", told("/pager"))
    check(not told().get((name, b.instance, box.label)), "the other node is not called renamed")


def controls(fleet):
    """The look-alikes: without what the files say, alerts are doubled, and these checks see it."""
    text = open(fleet.places.folder / "prometheus-b.yml", encoding="utf-8").read()
    line = next(line for line in text.splitlines() if "labeldrop" in line and "both" in line)
    fleet.places.put("prometheus-b.yml", text.replace(line, "").replace("alert_relabel_configs:", ""))
    post(fleet.places.at("prometheus-b:9090"), "/-/reload")
    address = fleet.places.at("alertmanager-0:9093")
    check(last_value(lambda: active(address, replica="b"), 40),
          "(control) without alert_relabel_configs prometheus-b's alerts are others", active(address)[:2])
    lone_port = parts.free_port()
    lone = Part("alertmanager-alone", [
        BIN / "prometheus-alertmanager",
        f"--config.file={fleet.places.folder / 'alertmanager.example.yml'}",
        f"--storage.path={fleet.places.folder / 'alone'}", f"--web.listen-address=127.0.0.1:{lone_port}",
        "--cluster.listen-address="], f"http://127.0.0.1:{lone_port}/-/ready")
    lone.start()
    labels = {"alertname": "SockwardControl", "severity": "warning", "instance": "x", "container_name": "x"}
    for port in (address, fleet.places.at("alertmanager-1:9093"), f"127.0.0.1:{lone_port}"):
        post(port, "/api/v2/alerts", [{"labels": labels}])
    key = ("SockwardControl", "x", "x")
    last_value(lambda: len(told()[key]) > 1, 20)
    time.sleep(5)
    check(len(told()[key]) == 2 and too_often({key: told()[key]}),
          "(control) an Alertmanager outside of the cluster tells it again, and that is seen", told()[key])
    lone.program.stop(signal.SIGKILL)


def systems():
    """Rows for docs/proven.md: system, version, and which checks are its own."""
    version = parts.version
    rows = [("Prometheus, a pair and one over it", version("engines", "prometheus"),
             "prometheus|promtool|rule|once|twice|repeat|renamed"),
            ("Alertmanager, two clustered", version("engines", "prometheus-alertmanager"),
             "told|twice|lertmanager|repeat|pushed|renamed"),
            ("VictoriaMetrics, vmagent, vmalert", version("engines", "victoria-metrics"),
             "victoria|vmagent|vmalert")]
    if not QUICK:
        rows.append(("OpenTelemetry collector", version("otel", "golang-opentelemetry-collector-dev"),
                     "collector|far end"))
    (LOGS / "systems").write_text("".join("\t".join(row) + "\n" for row in rows))


def main():
    systems()
    cases = unit_tests()
    fleet = Fleet()
    try:
        fleet.start()
        note("all parts are up")
        steady = fleet.go_on_failing()
        box = everything_lives(fleet)
        one_identity(fleet, box)
        series(fleet, box)
        judge_unit_tests(cases)
        if not QUICK:
            for names in [[name] for name in ("node-a", "node-b", *fleet.parts)]:
                round_of(fleet, *names)
            round_of(fleet, "prometheus-a", "prometheus-b")
            round_of(fleet, "prometheus-a", "prometheus-b", "vmalert")
        records_arrived(fleet)
        nothing_twice(fleet, steady)
        renamed_node(fleet)
        controls(fleet)
    finally:
        fleet.stop()
    note("done")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
