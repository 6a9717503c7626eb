"""The HTTP side: endpoints, access, a scrape that no hostile name can break, a real Prometheus."""
import contextlib
import gzip
import http.client
import json
import os
import pathlib
import socket
import subprocess
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from support import (PROVOKE, SOCKWARD, Agent, Folder, Program, free_port, own_container, require, run,
                     total, wait_until)
from test_counters import Cgroup


def status_of(agent, path, **options):
    try:
        return agent.get(path, **options).status
    except urllib.error.HTTPError as error:
        return error.code


class Endpoints(unittest.TestCase):
    def test_metrics_are_accepted_by_promtool_and_all_in_the_catalogue(self):
        require("promtool")
        with Agent() as agent:
            text = agent.get("/metrics").read()
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                                 check=False)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, b"", b""))
        families = {line.split()[2]: line.split()[3] for line in text.decode().splitlines()
                    if line.startswith("# TYPE")}
        rows = [line.split(" | ") for line in run(SOCKWARD, "--list-metrics").stdout.splitlines()[2:]]
        catalogue = {row[0].strip("| `"): row[1] for row in rows}
        self.assertEqual({name: kind for name, kind in families.items() if catalogue.get(name) != kind}, {})
        missing = set(catalogue) - set(families)
        self.assertLessEqual(missing, {"sockward_bpf_run_seconds_total", "sockward_bpf_runs_total"})

    def test_scrapers_that_would_keep_their_connections_lock_out_nobody(self):
        # A pair of Prometheus and a vmagent with a short interval; then the kubelet asks.
        with Agent() as agent, contextlib.ExitStack() as kept:
            for _ in range(6):
                scraper = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=10)
                kept.callback(scraper.close)
                scraper.request("GET", "/-/ready", headers={"Connection": "keep-alive"})
                self.assertEqual(scraper.getresponse().read(), b"sockward is ready\n")
            begun = time.monotonic()
            self.assertEqual(agent.get("/-/ready").status, 200)
            self.assertLess(time.monotonic() - begun, 2)

    def test_docs_metrics_is_what_the_binary_prints(self):
        page = (pathlib.Path(__file__).resolve().parents[2] / "docs/metrics.md").read_text()
        self.assertIn(run(SOCKWARD, "--list-metrics").stdout.strip(), page)

    def test_series_with_fixed_labels_exist_from_zero(self):
        with Agent() as agent:
            metrics = agent.metrics()
        for series in ('sockward_calls_total{syscall="bind",family="vsock",result="error"}',
                       'sockward_hostname_changes_total{scope="host",route="sysctl",field="hostname"}',
                       'sockward_hostname_change_failures_total{errno="EPERM"}',
                       'sockward_diagnoses_total{cause="path_too_long",syscall="bind",container_name="host"}',
                       'sockward_events_lost_total{reason="ring_full"}'):
            self.assertIn(series, metrics)
        self.assertEqual(sum(m.startswith("sockward_probe_attached{") for m in metrics), 40)
        self.assertGreaterEqual(total(metrics, "sockward_probe_attached"), 19)  # fexit alone brings the rest
        self.assertEqual(total(metrics, "sockward_coverage", operation="bind", route="io_uring"), 0)
        self.assertGreaterEqual(metrics["sockward_uts_namespaces"], 1)

    def test_run_times_of_programs_exist_only_while_they_are_measured(self):
        with Agent() as agent:
            self.assertEqual([m for m in agent.metrics() if "bpf_run" in m], [])
        with Agent("--bpf.stats") as agent:
            subprocess.run([PROVOKE, "storm", "100"], check=True)
            metrics = agent.metrics()
            self.assertGreaterEqual(metrics['sockward_bpf_runs_total{program="bind_tp"}'
                                            if 'sockward_bpf_runs_total{program="bind_tp"}' in metrics
                                            else 'sockward_bpf_runs_total{program="bind_fexit"}'], 100)
            self.assertGreater(total(metrics, "sockward_bpf_run_seconds_total"), 0)

    def test_compression_head_and_health(self):
        with Agent() as agent:
            packed = agent.get("/metrics", headers={"Accept-Encoding": "gzip"})
            self.assertEqual(packed.headers["Content-Encoding"], "gzip")
            self.assertIn(b"sockward_build_info", gzip.decompress(packed.read()))
            self.assertTrue(packed.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
            head = agent.get("/metrics", method="HEAD")
            self.assertEqual((head.status, head.read()), (200, b""))
            self.assertEqual(status_of(agent, "/-/healthy"), 200)
            self.assertEqual(status_of(agent, "/nothing"), 404)

    def test_other_methods_are_refused_at_once_also_without_a_length(self):
        with Agent() as agent:
            for line in (b"POST /metrics", b"DELETE /"):
                request = line + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
                with socket.create_connection(("127.0.0.1", agent.port), 2) as client:
                    client.settimeout(2)
                    client.sendall(request)
                    answer = client.recv(4096)
                self.assertTrue(answer.startswith(b"HTTP/1.1 405 "), answer)
                self.assertIn(b"Allow: GET, HEAD\r\n", answer)

    def test_foreign_host_names_are_refused(self):
        with Agent("--web.allowed-host=node1.example.org") as agent:
            for host, status in (("evil.example.com", 421), ("localhost:9966", 200), ("127.0.0.1", 200),
                                 ("[::1]:1", 200), ("node1.example.org:9966", 200),
                                 ("127.0.0.1.evil.example.com", 421), ("", 421)):
                self.assertEqual(status_of(agent, "/metrics", headers={"Host": host}), status, host)

    def test_diagnoses_are_served_only_when_enabled(self):
        with Agent() as agent:
            self.assertEqual(status_of(agent, "/api/v1/diagnoses"), 404)
            self.assertEqual(status_of(agent, "/api/v1/uts-namespaces"), 404)
            self.assertNotIn(b"<article", agent.get("/").read())
        with Agent("--web.enable-ui") as agent:
            run(SOCKWARD, "demo")
            records = json.load(agent.get("/api/v1/diagnoses?limit=500"))
            self.assertIn("privileged_port", {r["attributes"]["sockward.cause"] for r in records})
            self.assertEqual(len(json.load(agent.get("/api/v1/diagnoses?limit=2"))), 2)
            self.assertEqual(status_of(agent, "/api/v1/diagnoses?limit=x"), 400)
            names = json.load(agent.get("/api/v1/uts-namespaces"))
            inode = int(os.readlink("/proc/self/ns/uts")[5:-1])
            self.assertIn(inode, {n["sockward.utsns.inode"] for n in names})
            page = agent.get("/")
            self.assertIn("default-src 'none'", page.headers["Content-Security-Policy"])
            self.assertIn(b"privileged_port", page.read())


class HostileNames(unittest.TestCase):
    COMM = b'\xff"\\\n<b>\x1b[2J'

    def test_neither_a_command_nor_a_path_nor_a_container_breaks_anything(self):
        container = Cgroup("lxc.payload.<script>\\x1b[31m\udcff\"")
        self.addCleanup(container.remove)
        container.__enter__()
        folder = Folder()
        script = ("import ctypes,socket,sys,os; libc=ctypes.CDLL(None); libc.prctl(15, %r)\n"
                  "s=socket.socket(socket.AF_UNIX)\n"
                  "try: s.bind(b'/proc/\\xff\\x80\\n\"<i>')\n"
                  "except OSError: pass\n"
                  "try: s.bind(%r + b'x' * 200)\n"
                  "except OSError: pass\n") % (self.COMM, os.fsencode(folder.path))
        with Agent("--web.enable-ui", config="probes: {errno: all}\n", output="json") as agent:
            subprocess.run(["python3", "-c", script], preexec_fn=container.enter, check=True)
            wait_until(lambda: [r for r in agent.records()
                                if "\\xff" in r["attributes"]["process.executable.name"]], 10, "the record")
            text = agent.get("/metrics").read().decode()
            self.assertIn("lxc:<script>", text)
            page = agent.get("/").read().decode()
        self.assertNotIn("<script>", page)
        self.assertNotIn("\x1b", page)


class RealPrometheus(unittest.TestCase):
    def test_a_failure_just_provoked_can_be_queried(self):
        require("prometheus")
        folder, port = Folder(), free_port()
        with Agent() as agent:
            config = folder / "prometheus.yml"
            pathlib.Path(config).write_text(f"""global: {{scrape_interval: 1s}}
scrape_configs: [{{job_name: sockward, static_configs: [{{targets: ["127.0.0.1:{agent.port}"]}}]}}]
""")
            prometheus = Program("prometheus", f"--config.file={config}",
                                 f"--storage.tsdb.path={folder.path}/data",
                                 f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn")

            def query(expression):
                url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
                try:
                    result = json.load(urllib.request.urlopen(url, timeout=5))["data"]["result"]
                except OSError:
                    return None
                return float(result[0]["value"][1]) if result else None

            wait_until(lambda: query('up{job="sockward"}') == 1, 30, "prometheus scrapes the agent")
            container = own_container(self)
            failures = ('sum(sockward_call_errors_total{syscall="bind",family="unix",errno="ENOENT",'
                        f'container_name="{container.label}"}})')
            container.run(PROVOKE, "storm", "123")
            wait_until(lambda: (query(failures) or 0) == 123, 15, "prometheus knows the failures")
            prometheus.stop()


if __name__ == "__main__":
    unittest.main()
