"""Records and alerts reach people: pushed alerts, files, the
journal, a collector; and a configuration that changes."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import unittest

from receivers import Alertmanager, HttpReceiver, Journal, Webhook
from support import SCHEMA, SOCKWARD, Agent, Folder, Program, enter_own_container, total, wait_until
from test_hostnames import TestHost


def fail_on_a_port():
    """Two sockets want one port. Returns (wall time of the failing call, port)."""
    with socket.socket() as held, socket.socket() as other:
        held.bind(("127.0.0.1", 0))
        held.listen(1)
        port = held.getsockname()[1]
        began = time.time()
        try:
            other.bind(("127.0.0.1", port))
        except OSError:
            pass
        time.sleep(0.2)
    return began, port


PUSHED = {"alertname": "SockwardPushedAddressInUse"}


class PushedAlerts(unittest.TestCase):
    """Neighbours fail too: alerts are told apart by the container, and the test has one of its own."""

    def setUp(self):
        self.label = enter_own_container(self).label
        self.pushed = {**PUSHED, "container_name": self.label}

    def test_a_failure_reaches_the_webhook_within_a_second_and_is_resolved_complete(self):
        webhook = Webhook()
        manager = Alertmanager(webhook)
        with Agent(config=f"alerts: {{alertmanagers: ['{manager.url()}'], hold: 3s, labels: {{site: lab}}}}\n"
                          f"web: {{external_url: 'http://node1:9966/'}}\n") as agent:
            began, port = fail_on_a_port()
            wait_until(lambda: webhook.alerts(**self.pushed), 10, "the alert")
            arrival, alert = webhook.alerts(**self.pushed)[0]
            self.assertLess(arrival - began, 1.0, "from the call to the person")
            self.assertEqual(alert["status"], "firing")
            for label, value in {"severity": "warning", "cause": "address_in_use", "syscall": "bind",
                                 "error_type": "EADDRINUSE", "site": "lab", "job": "sockward",
                                 "container_name": self.label}.items():
                self.assertEqual(alert["labels"].get(label), value)
            self.assertFalse({"pid", "process", "address"} & set(alert["labels"]), "identity is stable")
            self.assertIn(f"127.0.0.1:{port}", alert["annotations"]["summary"])
            self.assertIn("python3", alert["annotations"]["holder"])
            self.assertEqual(alert["generatorURL"], "http://node1:9966/")
            resolved = wait_until(lambda: [a for _, a in webhook.alerts(**self.pushed)
                                           if a["status"] == "resolved"], 15, "the resolution")
            self.assertEqual(resolved[0]["annotations"]["summary"], alert["annotations"]["summary"],
                             "complete when resolved")
            self.assertGreaterEqual(total(agent.metrics(), "sockward_notifications_sent_total"), 2)
        manager.stop()
        webhook.close()

    def test_an_alertmanager_that_is_away_gets_everything_when_it_is_back(self):
        webhook = Webhook()
        manager = Alertmanager(webhook)
        manager.stop()
        with Agent(config=f"alerts: {{alertmanagers: ['{manager.url()}'], hold: 5m}}\n") as agent:
            fail_on_a_port()
            wait_until(lambda: total(agent.metrics(), "sockward_notifications_errors_total") >= 1, 10,
                       "an error is counted")
            self.assertEqual(total(agent.metrics(), "sockward_notifications_sent_total"), 0)
            manager.start()
            wait_until(lambda: webhook.alerts(**self.pushed), 20, "the alert after the outage")
            metrics = agent.metrics()
            self.assertEqual(total(metrics, "sockward_notifications_dropped_total"), 0)
            # A restart forgets everything: the agent notices at its next post.
            manager.stop()
            with socket.socket() as other:
                try:
                    other.bind(("192.0.2.1", 80))
                except OSError:
                    pass
            errors = "sockward_notifications_errors_total"
            wait_until(lambda: total(agent.metrics(), errors) > total(metrics, errors), 10, "the outage")
            manager.start()
            wait_until(lambda: webhook.alerts(alertname="SockwardPushedAddressNotLocal",
                                              container_name=self.label), 20, "what happened meanwhile")
            # Its own notification log keeps it from telling the first one
            # twice; that it knows it again is what counts.
            wait_until(lambda: PUSHED["alertname"] in manager.active(), 20, "what was active before")
        manager.stop()
        webhook.close()

    def test_every_alertmanager_gets_every_alert_and_a_dead_one_holds_up_nobody(self):
        webhook = Webhook()
        manager = Alertmanager(webhook)
        slow = HttpReceiver(delay=4)
        config = f"alerts: {{alertmanagers: ['http://127.0.0.1:1', '{slow.url()}', '{manager.url()}']}}\n"
        with Agent(config=config):
            began, _ = fail_on_a_port()
            arrival = wait_until(lambda: webhook.alerts(**self.pushed), 10, "the alert")[0][0]
            self.assertLess(arrival - began, 1.0)
        manager.stop()
        webhook.close()
        slow.close()

    def test_a_container_that_renames_the_host_is_a_critical_alert_with_actor_and_route(self):
        webhook = Webhook()
        manager = Alertmanager(webhook)
        with TestHost() as host, Agent(config=f"host: {{uts_namespace: {host.inode}}}\n"
                                              f"alerts: {{alertmanagers: ['{manager.url()}']}}\n"):
            host.run_inside("hostname stolen", container=True)
            alert = wait_until(lambda: webhook.alerts(alertname="SockwardPushedHostRenamed"), 10,
                               "the alert")[0][1]
        self.assertEqual(alert["labels"]["severity"], "critical")
        self.assertEqual(alert["labels"]["route"], "sethostname")
        self.assertEqual(alert["labels"]["scope"], "host")
        self.assertEqual(alert["labels"]["container_name"], "lxc:evil-tenant")
        self.assertEqual((alert["annotations"]["old_name"], alert["annotations"]["new_name"]),
                         ("node1", "stolen"))
        self.assertIn("hostname[", alert["annotations"]["process"])
        manager.stop()
        webhook.close()

    def test_credentials_are_sent_and_a_refusal_is_counted_and_not_repeated(self):
        receiver = HttpReceiver(status=400)
        folder = Folder()
        pathlib.Path(folder / "token").write_text("s3cret\n")
        with Agent(config=f"alerts: {{alertmanagers: ['{receiver.url('/prefix/')}'], bearer_token_file: "
                          f"{folder / 'token'}}}\n") as agent:
            fail_on_a_port()
            wait_until(lambda: self.posts_of(receiver), 10, "the post")
            time.sleep(1.5)
            metrics = agent.metrics()
        (post,) = self.posts_of(receiver)  # a 400 never becomes better
        self.assertEqual(post[1], "/prefix/api/v2/alerts")
        self.assertEqual(post[2]["Authorization"], "Bearer s3cret")
        self.assertGreaterEqual(total(metrics, "sockward_notifications_dropped_total"), 1)
        receiver.close()

    def posts_of(self, receiver):
        return [post for post in receiver.posts if self.label.encode() in post[3]]


class Sinks(unittest.TestCase):
    def test_the_file_rotates_by_size_and_is_opened_anew_on_hangup(self):
        folder = Folder()
        path = folder / "records.json"
        config = f"records: {{file: {path}, file_max_bytes: 8KiB, file_keep: 2, fold: 0}}\n"
        with Agent(config=config) as agent:
            for _ in range(10):
                subprocess.run(["python3", "-c",
                                "import socket\nfor _ in range(4):\n"
                                "  try: socket.socket().bind(('192.0.2.1', 80))\n  except OSError: pass"],
                               check=True)
            wait_until(lambda: os.path.exists(path + ".2"), 10, "two former files")
            time.sleep(0.3)
            names = sorted(n for n in os.listdir(folder.path) if n.startswith("records"))
            self.assertEqual(names, ["records.json", "records.json.1", "records.json.2"])
            for name in names:
                text = pathlib.Path(folder / name).read_text()
                self.assertLessEqual(len(text), 8192 + 4096)
                for line in text.splitlines():
                    SCHEMA.validate(json.loads(line))
            os.rename(path, folder / "moved-away")
            agent.program.process.send_signal(signal.SIGHUP)
            time.sleep(0.3)
            fail_on_a_port()
            wait_until(lambda: os.path.exists(path), 10, "a new file")
            self.assertGreater(total(agent.metrics(), "sockward_sink_records_total", sink="file"), 40)

    def test_a_trace_that_cannot_write_says_how_many_records_were_lost(self):
        with open("/dev/full", "wb") as full:
            trace = Program(SOCKWARD, "trace", "--json", "--errno", "all", "--pid", str(os.getpid()),
                            stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual(trace.process.stderr.readline(), "attached\n")
            for _ in range(30):
                with self.assertRaises(FileNotFoundError):
                    os.unlink("/nonexistent/sockward")
            time.sleep(0.5)
            self.assertEqual(trace.stop(), 1)
        with trace.process.stderr as said:
            self.assertIn("sockward: 30 records could not be written to standard output", said.read())

    def test_a_standard_output_that_takes_nothing_costs_records_that_are_counted(self):
        with Agent(output="json", preexec=lambda: os.dup2(os.open("/dev/full", os.O_WRONLY), 1)) as agent:
            fail_on_a_port()
            wait_until(lambda: total(agent.metrics(), "sockward_events_lost_total", reason="output") > 0, 10,
                       "lost records are counted")
            metrics = agent.metrics()
        self.assertEqual(total(metrics, "sockward_sink_records_total", sink="stdout"), 0)
        self.assertGreater(total(metrics, "sockward_sink_dropped_total", sink="stdout"), 0)

    def test_a_full_disk_costs_lines_that_are_counted_and_leaves_whole_lines(self):
        folder = Folder()
        small = folder / "small"
        os.mkdir(small)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", small], check=True)
        try:
            with Agent(config=f"records: {{file: {small}/r.json, fold: 0}}\n") as agent:
                for _ in range(8):
                    subprocess.run(["python3", "-c",
                                    "import socket\nfor _ in range(4):\n"
                                    "  try: socket.socket().bind(('192.0.2.1', 80))\n  except OSError: pass"],
                                   check=True)
                wait_until(lambda: total(agent.metrics(), "sockward_sink_dropped_total", sink="file") > 0, 10,
                           "dropped lines are counted")
                metrics = agent.metrics()
            lines = pathlib.Path(f"{small}/r.json").read_text().splitlines()
            for line in lines:
                json.loads(line)
            self.assertEqual(len(lines), total(metrics, "sockward_sink_records_total", sink="file"))
            told = (total(metrics, "sockward_sink_records_total", sink="file")
                    + total(metrics, "sockward_sink_dropped_total", sink="file"))
            self.assertGreaterEqual(told, 32)  # neighbours make records too
            self.assertLessEqual(told, total(metrics, "sockward_events_received_total"))
        finally:
            subprocess.run(["umount", small], check=True)

    def test_the_journal_gets_native_fields(self):
        if os.path.exists("/run/systemd/journal/socket"):
            self.skipTest("a real journald runs here")
        journal = Journal("/run/systemd/journal/socket")
        try:
            with Agent(config="records: {journald: true}\n") as agent:
                fail_on_a_port()
                entry = wait_until(lambda: self.entry_of(journal, "EADDRINUSE"), 10, "the entry")
                self.assertEqual(entry["PRIORITY"], ["4"])
                self.assertEqual(entry["SYSLOG_IDENTIFIER"], ["sockward"])
                self.assertEqual(entry["SOCKWARD_CAUSE"], ["address_in_use"])
                self.assertIn("python3", entry["PROCESS_EXECUTABLE_NAME"][0])
                self.assertGreater(len(entry["SOCKWARD_EVIDENCE"]), 1)
                wait_until(
                    lambda: total(agent.metrics(), "sockward_sink_records_total", sink="journald") >= 1, 5,
                    "it is counted")
                journal.close()
                os.unlink("/run/systemd/journal/socket")
                fail_on_a_port()
                wait_until(
                    lambda: total(agent.metrics(), "sockward_sink_dropped_total", sink="journald") >= 1, 5,
                    "a journal that is gone")
        finally:
            journal.close()
            if os.path.exists("/run/systemd/journal/socket"):
                os.unlink("/run/systemd/journal/socket")

    def entry_of(self, journal, error):
        entry = journal.entry()
        own = entry.get("PROCESS_PID") == [str(os.getpid())]
        return entry if own and entry.get("ERROR_TYPE") == [error] else None

    def test_a_collector_gets_otlp_logs_and_an_outage_is_waited_for(self):
        collector = HttpReceiver(status=503)
        with Agent(config=f"otlp: {{url: '{collector.url()}'}}\n") as agent:
            fail_on_a_port()
            wait_until(lambda: collector.posts, 10, "a post")
            collector.status = 200
            wait_until(lambda: total(agent.metrics(), "sockward_sink_records_total", sink="otlp") >= 1, 10,
                       "it is delivered")
            metrics = agent.metrics()
        self.assertEqual(total(metrics, "sockward_sink_dropped_total", sink="otlp"), 0)
        request = json.loads(collector.posts[-1][3])
        self.assertEqual(collector.posts[-1][1], "/v1/logs")
        resource = request["resourceLogs"][0]
        names = {a["key"]: a["value"] for a in resource["resource"]["attributes"]}
        self.assertEqual(names["service.name"], {"stringValue": "sockward"})
        ours = ({"stringValue": "EADDRINUSE"}, {"intValue": str(os.getpid())})
        record = next(r for post in collector.posts
                      for r in json.loads(post[3])["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
                      if all(wanted in [a["value"] for a in r["attributes"]] for wanted in ours))
        attributes = {a["key"]: a["value"] for a in record["attributes"]}
        self.assertEqual(attributes["process.pid"], {"intValue": str(os.getpid())})
        self.assertIn("arrayValue", attributes["sockward.evidence"])
        self.assertRegex(record["timeUnixNano"], r"^\d{19}$")
        self.assertEqual((record["severityNumber"], record["eventName"]), (13, "sockward.call.failed"))
        collector.close()


class Reload(unittest.TestCase):
    def test_outputs_change_on_hangup_and_when_the_file_is_swapped(self):
        folder = Folder()
        for name, output in (("one", "first.json"), ("two", "second.json")):
            os.mkdir(folder / name)
            pathlib.Path(folder / f"{name}/sockward.yml").write_text(
                f"records: {{file: {folder / output}}}\n")
        os.symlink(folder / "one", folder / "current")  # as Kubernetes swaps a ConfigMap
        with Agent(f"--config.file={folder / 'current/sockward.yml'}") as agent:
            fail_on_a_port()
            wait_until(lambda: os.path.getsize(folder / "first.json") > 0, 10, "the first file")
            os.symlink(folder / "two", folder / "next")
            os.rename(folder / "next", folder / "current")
            wait_until(lambda: os.path.exists(folder / "second.json"), 10, "the file is read again")
            fail_on_a_port()
            wait_until(lambda: os.path.getsize(folder / "second.json") > 0, 10, "the second file")
            self.assertEqual(total(agent.metrics(), "sockward_config_last_reload_successful"), 1)
            good = pathlib.Path(folder / "two/sockward.yml").read_text()
            pathlib.Path(folder / "two/sockward.yml").write_text("recrods: {}\n")
            agent.program.process.send_signal(signal.SIGHUP)
            wait_until(lambda: total(agent.metrics(), "sockward_config_last_reload_successful") == 0, 10,
                       "the bad file is told")
            size = os.path.getsize(folder / "second.json")
            fail_on_a_port()
            wait_until(lambda: os.path.getsize(folder / "second.json") > size, 10,
                       "the former configuration stays")
            pathlib.Path(folder / "two/sockward.yml").write_text(good + "limits: {queue_records: 100}\n")
            wait_until(lambda: total(agent.metrics(), "sockward_config_last_reload_successful") == 1, 10,
                       "the good file is read")
            agent.log.seek(0)
            log = agent.log.read()
        self.assertIn("recrods", log)
        self.assertIn("did you mean", log)
        self.assertRegex(log, "only after a restart.*limits")

    def test_command_lines_are_shown_once_the_file_asks_for_them(self):
        folder = Folder()
        path, out = pathlib.Path(folder / "sockward.yml"), pathlib.Path(folder / "records.json")
        path.write_text(f"records: {{file: {out}, fold: 0}}\n")

        def latest():
            own = [json.loads(line) for line in out.read_text().splitlines()]
            own = [r for r in own if r["attributes"]["process.pid"] == os.getpid()]
            return own and own[-1]["attributes"]
        with Agent(f"--config.file={path}", "--web.enable-ui") as agent:
            fail_on_a_port()
            self.assertNotIn("process.command_args", wait_until(latest, 10, "a record"))
            path.write_text(f"records: {{file: {out}, fold: 0, command_args: full}}\n")
            wait_until(lambda: "reloaded" in agent.said(), 10, "the file is read again")
            fail_on_a_port()
            wait_until(lambda: "process.command_args" in latest(), 10, "the command line in the file")
            page = json.load(agent.get("/api/v1/diagnoses"))
            self.assertTrue(any("process.command_args" in r["attributes"] for r in page))

    def test_a_bad_value_is_named_at_the_start(self):
        folder = Folder()
        path = folder / "sockward.yml"
        for text, wanted in (("alerts: {alertmanagers: [nonsense]}", "not a URL"),
                             ("alerts: {causes: [adress_in_use], alertmanagers: ['http://127.0.0.1:1']}",
                              "no cause"), ("alerts: {labels: {a-b: c}}", "label name"),
                             ("alerts: {hold: 0}", "alerts.hold"), ("otlp: {urll: x}", "did you mean"),
                             ("alerts: {alertmanagers: ['http://127.0.0.1:1'], password_file: /nope}",
                              "/nope")):
            pathlib.Path(path).write_text(text + "\n")
            done = subprocess.run([SOCKWARD, "run", f"--config.file={path}",
                                   "--web.listen-address=127.0.0.1:0"], capture_output=True, text=True,
                                  timeout=30)
            self.assertEqual(done.returncode, 2, text)
            self.assertIn(wanted, done.stderr)
