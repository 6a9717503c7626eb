"""Events on pods, at an API server that is slow, refuses, is away or means well. What a real one takes:
scripts/test-kubernetes."""
import http.server
import json
import os
import pathlib
import re
import ssl
import subprocess
import threading
import time
import unittest

from support import SOCKWARD, Agent, Cgroup, Folder, free_port, own_container, pids_root, total, wait_until

PATIENCE = 90  # seconds: on a busy machine a program may take ten to start
LOGS = pathlib.Path("/var/log/containers")
FAIL = """
import socket, sys, time
ports, times, port = (int(a) for a in sys.argv[1:])
held = [socket.socket() for _ in range(ports)]
for s in held:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
    s.listen(1)
    print(s.getsockname()[1], flush=True)
for _ in range(times):
    for s in held:
        with socket.socket() as other:
            try: other.bind(s.getsockname())
            except OSError: pass
time.sleep(0.3)
"""


class Pod(Cgroup):
    """A cgroup as the kubelet makes them, and the link to its log that names it."""

    def __init__(self, test, name, uid=None):
        number = os.urandom(32).hex()
        self.namespace, self.name, self.container = "shop", name, "nginx"
        self.uid = uid or f"{number[:8]}-{number[8:12]}"
        super().__init__(f"kubepods/pod{self.uid}/{number}")
        self.link = LOGS / f"{name}_{self.namespace}_{self.container}-{number}.log"
        for folder in (LOGS, self.link):
            if not folder.exists():
                folder.touch() if folder == self.link else folder.mkdir(parents=True)
                test.addCleanup(folder.unlink if folder == self.link else self.remove_folder)
        self.__enter__()
        test.addCleanup(self.remove)

    @staticmethod
    def remove_folder():
        if not os.listdir(LOGS):
            LOGS.rmdir()

    def remove(self):
        super().remove()
        try:
            os.rmdir(os.path.join(pids_root(), "kubepods"))
        except OSError:
            pass

    def fail(self, ports=1, times=1, port=0):
        """Binds taken ports in the pod; each fails so many times. `self.port` is the last one."""
        done = subprocess.run(["python3", "-c", FAIL, str(ports), str(times), str(port)], check=True,
                              preexec_fn=self.enter, stdout=subprocess.PIPE)
        self.port = int(done.stdout.split()[-1])


class Api:
    """Just so much of an API server as Events need; `says`: another status for every request."""

    def __init__(self, test, port=0, tls=None):
        self.events, self.requests, self.says, self.delay, self.retry_after = {}, [], None, 0.0, None
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, method):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                api.requests.append((time.monotonic(), method, self.path, dict(self.headers), body))
                time.sleep(api.delay)
                status = api.says or api.take(method, self.path, body)
                said = json.dumps({"kind": "Status", "code": status, "message": f"events say {status}"})
                try:
                    self.send_response(status)
                    if api.says and api.retry_after:
                        self.send_header("Retry-After", str(api.retry_after))
                    self.send_header("Content-Length", str(len(said)))
                    self.end_headers()
                    self.wfile.write(said.encode())
                except OSError:
                    pass  # the agent waits no longer

            def do_POST(self):
                self.answer("POST")

            def do_PATCH(self):
                self.answer("PATCH")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        test.addCleanup(self.close)

    def take(self, method, path, body):
        if method == "POST":
            name = body["metadata"]["name"]
            if name in self.events:
                return 409
            self.events[name] = body
            return 201
        name = path.rsplit("/", 1)[1]
        if name not in self.events:
            return 404
        self.events[name].update(body)
        return 200

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def in_records(agent, pod):
    """Records about the pod that should become Events."""
    return [r for r in agent.records()
            if r["attributes"].get("k8s.pod.name") == pod.name and r["severity_text"] != "INFO"
            and r["attributes"]["sockward.cause"] != "unknown"]


def losses(metrics, **labels):
    return total(metrics, "sockward_pod_events_lost_total", **labels)


def delivered(metrics):
    return total(metrics, "sockward_sink_records_total", sink="kubernetes")


class Events(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.token = pathlib.Path(self.folder / "token")
        self.token.write_text("first\n")
        self.pod = Pod(self, "web-" + os.urandom(3).hex())

    def agent(self, port, more="", **options):
        return Agent(output="json", **options,
                     config=f"kubernetes: {{events: true, token_file: {self.token}, ca_file: '', "
                            f"api_url: 'http://127.0.0.1:{port}'{more}}}\nrecords: {{fold: 0}}\n")

    def all_accounted_for(self, agent, records):
        """Each record is in an Event, or lost for a reason that is counted."""
        wait_until(lambda: len(in_records(agent, self.pod)) == records, PATIENCE, f"{records} records")
        wait_until(lambda: delivered(agent.metrics()) + losses(agent.metrics()) >= records, PATIENCE,
                   "every record is accounted for")
        metrics = agent.metrics()
        self.assertEqual(delivered(metrics) + losses(metrics), records)
        self.assertEqual(losses(metrics), sum(total(metrics, f"sockward_sink_{what}_total", sink="kubernetes")
                                              for what in ("dropped", "suppressed")))
        return metrics

    def test_the_first_failure_is_an_event_on_the_pod_and_repeats_are_its_series(self):
        api = Api(self)
        with self.agent(api.port, environment={"NODE_NAME": "node-7"}) as agent:
            self.pod.fail(times=4)
            wait_until(lambda: any(e.get("series", {}).get("count") == 4 for e in api.events.values()), 20,
                       "a series of four")
            self.all_accounted_for(agent, 4)
            (record, *_) = in_records(agent, self.pod)
        ((name, event),) = api.events.items()
        _, method, path, headers, _ = api.requests[0]
        self.assertEqual((method, path), ("POST", "/apis/events.k8s.io/v1/namespaces/shop/events"))
        self.assertEqual(headers["Authorization"], "Bearer first")
        self.assertEqual(event["regarding"], {"apiVersion": "v1", "kind": "Pod", "namespace": "shop",
                                              "name": self.pod.name, "uid": self.pod.uid,
                                              "fieldPath": "spec.containers{nginx}"})
        self.assertEqual((event["type"], event["reason"], event["action"]),
                         ("Warning", "AddressInUse", "Bind"))
        self.assertEqual((event["reportingController"], event["reportingInstance"]),
                         ("sockward.io/agent", "node-7"))
        self.assertTrue(event["note"].startswith(record["body"]), event["note"])
        self.assertIn("Next: ", event["note"])
        self.assertRegex(event["note"], r"python3\[\d+\] uid 0 in k8s:shop/")
        self.assertEqual(event["eventTime"], record["timestamp"][:26] + "Z")
        self.assertRegex(event["series"]["lastObservedTime"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        for _, method, path, headers, _ in api.requests[1:]:
            self.assertEqual((method, path, headers["Content-Type"]),
                             ("PATCH", f"/apis/events.k8s.io/v1/namespaces/shop/events/{name}",
                              "application/merge-patch+json"))

    def test_a_failure_outside_pods_and_one_whose_cause_is_unknown_are_none(self):
        api = Api(self)
        other = own_container(self)
        with self.agent(api.port) as agent:
            subprocess.run(["python3", "-c", FAIL, "1", "1", "0"], check=True, preexec_fn=other.enter,
                           stdout=subprocess.DEVNULL)
            self.pod.fail()
            self.all_accounted_for(agent, 1)
        self.assertEqual({e["regarding"]["name"] for e in api.events.values()}, {self.pod.name})

    def test_the_token_is_read_again_for_each_request(self):
        api = Api(self)
        with self.agent(api.port):
            self.pod.fail()
            wait_until(lambda: api.events, PATIENCE, "the first")
            self.token.write_text("second\n")
            self.pod.fail()
            wait_until(lambda: len(api.events) == 2, PATIENCE, "the second")
        self.assertEqual([headers["Authorization"] for _, method, _, headers, _ in api.requests
                          if method == "POST"], ["Bearer first", "Bearer second"])

    def test_an_api_that_refuses_loses_what_is_counted_and_is_said_once(self):
        api = Api(self)
        for status, reason in ((403, "forbidden"), (404, "gone"), (422, "refused")):
            api.says = status
            with self.subTest(status), self.agent(api.port) as agent:
                self.pod.fail(ports=3)
                metrics = self.all_accounted_for(agent, 3)
                self.assertEqual(losses(metrics, reason=reason), 3)
                said = [line for line in agent.said().splitlines() if "cannot create Events" in line]
                self.assertEqual(len(said), 1, said)
                self.assertIn(f"it answered {status}: events say {status}", said[0])
                self.assertIn("next: ", said[0])
                if status == 403:
                    self.assertIn("packaging/kubernetes/events", said[0])
                api.says = None  # the rights are there now
                self.pod.fail()
                wait_until(lambda: delivered(agent.metrics()) == 1, PATIENCE, "it recovers")

    def test_an_api_that_is_away_gets_everything_when_it_is_back(self):
        port = free_port()
        with self.agent(port) as agent:
            self.pod.fail(ports=2)
            wait_until(lambda: "cannot create Events" in agent.said(), PATIENCE, "the outage is said")
            wait_until(lambda: len(in_records(agent, self.pod)) == 2, PATIENCE, "the records")
            self.assertEqual((losses(agent.metrics()), delivered(agent.metrics())), (0, 0))
            came = time.time()
            api = Api(self, port)
            metrics = self.all_accounted_for(agent, 2)
            self.assertEqual(losses(metrics), 0)
        self.assertEqual(len(api.events), 2)
        for event in api.events.values():
            self.assertLess(event["eventTime"], time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(came + 1)))

    def test_a_busy_api_is_asked_again_when_it_says(self):
        api = Api(self)
        api.says, api.retry_after = 429, 3
        with self.agent(api.port) as agent:
            self.pod.fail()
            wait_until(lambda: api.requests, PATIENCE, "the first try")
            api.says = None
            wait_until(lambda: api.events, PATIENCE, "it is created")
            metrics = self.all_accounted_for(agent, 1)
        self.assertGreater(api.requests[1][0] - api.requests[0][0], 2.9)
        self.assertEqual(losses(metrics), 0)

    def test_an_answer_that_was_lost_makes_no_second_event(self):
        api = Api(self)
        api.delay = 6  # longer than the agent waits
        with self.agent(api.port) as agent:
            self.pod.fail()
            wait_until(lambda: api.requests, PATIENCE, "the first try")
            time.sleep(5.2)
            api.delay = 0
            metrics = self.all_accounted_for(agent, 1)
        self.assertEqual((len(api.events), losses(metrics)), (1, 0))

    def test_a_slow_api_holds_up_nothing(self):
        api = Api(self)
        api.delay = 4
        with self.agent(api.port) as agent:
            self.pod.fail(ports=20)
            wait_until(lambda: len(in_records(agent, self.pod)) == 20, PATIENCE, "the records")
            self.assertLess(len(api.requests), 10, "other outputs have them all before this one")
            self.assertEqual(losses(agent.metrics(), reason="rate"), 10)
            began = time.monotonic()
            agent.program.stop()
            self.assertLess(time.monotonic() - began, 20, "it stops all the same")

    def test_a_pod_has_its_share_and_what_is_left_out_is_counted(self):
        api = Api(self)
        with self.agent(api.port, ", pod_rate: 2") as agent:
            self.pod.fail(ports=10)
            metrics = self.all_accounted_for(agent, 10)
            self.assertEqual(losses(metrics, reason="rate"), 8)
            self.assertEqual(total(metrics, "sockward_sink_suppressed_total", sink="kubernetes"), 8)
            other = Pod(self, "other-" + os.urandom(3).hex())
            other.fail()
            wait_until(lambda: len(api.events) == 3, PATIENCE, "another pod has its own")

    def test_what_waits_when_the_agent_stops_is_lost_within_seconds(self):
        with self.agent(free_port()) as agent:
            self.pod.fail()
            wait_until(lambda: in_records(agent, self.pod), PATIENCE, "the record")
            began = time.monotonic()
            agent.program.stop()
            self.assertLess(time.monotonic() - began, 30)

    def test_tls_trusts_the_authority_it_was_given_and_no_other(self):
        ca, other = self.authority("one"), self.authority("other")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(ca / "server.crt", ca / "server.key")
        api = Api(self, tls=context)
        in_pod = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(api.port)}
        trusted = pathlib.Path(self.folder / "ca.crt")
        trusted.write_text((other / "ca.crt").read_text())
        with Agent("--kubernetes.events", output="json", environment=in_pod,
                   config=f"kubernetes: {{token_file: {self.token}, ca_file: {trusted}}}\n") as agent:
            self.pod.fail()
            wait_until(lambda: "cannot create Events" in agent.said(), PATIENCE, "it is not trusted")
            self.assertFalse(api.requests)
            trusted.write_text((ca / "ca.crt").read_text())  # as the kubelet renews it
            wait_until(lambda: api.events, PATIENCE, "the new authority is read")
            self.all_accounted_for(agent, 1)

    def authority(self, name):
        """A certificate authority, and a server's certificate of it for 127.0.0.1."""
        folder = pathlib.Path(self.folder / name)
        folder.mkdir()

        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt",
                "-days", "2", "-subj", f"/CN={name}")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr",
                "-subj", "/CN=server")
        (folder / "extensions").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-out", "server.crt", "-extfile", "extensions")
        return folder

    def test_what_is_missing_is_named_at_the_start(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("KUBERNETES_")}
        for more, said in ((["--kubernetes.events"], "KUBERNETES_SERVICE_HOST"),
                           (self.config("api_url: 'https://127.0.0.1:1', token_file: /none"), "/none")):
            done = subprocess.run([SOCKWARD, "run", "--web.listen-address=127.0.0.1:0", *more],
                                  capture_output=True, text=True, timeout=60, env=environment)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(said, done.stderr)
            self.assertTrue(re.search("next: ", done.stderr))

    def config(self, text):
        path = pathlib.Path(self.folder / "sockward.yml")
        path.write_text(f"kubernetes: {{events: true, {text}}}\n")
        return [f"--config.file={path}"]


if __name__ == "__main__":
    unittest.main()
