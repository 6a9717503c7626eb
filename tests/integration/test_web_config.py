"""TLS, mutual TLS, users, headers: the web configuration file,
with a real Prometheus; and requests that mean harm."""
import base64
import crypt
import os
import pathlib
import socket
import ssl
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.request

from receivers import Prometheus
from support import (PROVOKE, SOCKWARD, Agent, Folder, own_container, path_through_a_loop, run, total,
                     wait_until)


def bcrypt(password):
    return crypt.crypt(password, "$2b$05$" + "abcdefghijklmnopqrstuu")


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-days", "2", "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test-ca")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder.path, check=True, capture_output=True)

    def issue(self, name):
        pathlib.Path(self.folder / "ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                     f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", f"{name}.crt")


class SecureAgent(Agent):
    """An agent with a web configuration; ready() and get() speak TLS."""

    def __init__(self, folder, web, *flags, client=None):
        pathlib.Path(folder / "web.yml").write_text(web)
        super().__init__(f"--web.config.file={folder / 'web.yml'}", *flags)
        self.context = ssl.create_default_context(cafile=folder / "ca.crt")
        if client:
            self.context.load_cert_chain(folder / f"{client}.crt", folder / f"{client}.key")

    def get(self, path, headers=None, method="GET"):
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", headers=headers or {},
                                         method=method)
        return urllib.request.urlopen(request, timeout=10, context=self.context)


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class Secured(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.authority = Authority(cls.folder)
        for name in ("server", "client", "renewed"):
            cls.authority.issue(name)

    def scrape(self, agent, **config):
        prometheus = Prometheus({"scrape_configs": [{"job_name": "sockward", "scheme": "https",
                                                     "static_configs": [
                                                         {"targets": [f"127.0.0.1:{agent.port}"]}],
                                                     **config}]})
        try:
            wait_until(lambda: prometheus.targets() and prometheus.targets()[0]["health"] != "unknown", 20,
                       "a scrape")
            return prometheus.targets()[0]["health"], prometheus.targets()[0]["lastError"]
        finally:
            prometheus.stop()

    def test_prometheus_scrapes_over_tls_with_a_password(self):
        web = ("tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
               f"basic_auth_users: {{prometheus: '{bcrypt('right')}'}}\n"
               "http_server_config: {headers: {Strict-Transport-Security: max-age=3600}}\n")
        with SecureAgent(self.folder, web) as agent:
            tls = {"tls_config": {"ca_file": self.folder / "ca.crt"}}
            self.assertEqual(self.scrape(agent, **tls,
                                         basic_auth={"username": "prometheus", "password": "right"})[0], "up")
            health, error = self.scrape(agent, **tls,
                                        basic_auth={"username": "prometheus", "password": "wrong"})
            self.assertEqual(health, "down")
            self.assertIn("401", error)
            for headers in ({}, basic("prometheus", "wrong"), basic("nobody", "right"),
                            {"Authorization": "Basic !!"}, {"Authorization": "Bearer x"}):
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    agent.get("/metrics", headers)
                self.assertEqual(refused.exception.code, 401)
                self.assertIn("Basic", refused.exception.headers["WWW-Authenticate"])
            self.assertEqual(agent.get("/-/healthy").status, 200, "health stays open")
            answer = agent.get("/", basic("prometheus", "right"))
            self.assertIn("what failed, and why", answer.read().decode(),
                          "users see the page without --web.enable-ui")
            self.assertEqual(answer.headers["Strict-Transport-Security"], "max-age=3600")
            self.assertEqual(agent.get("/api/v1/diagnoses", basic("prometheus", "right")).status, 200)

    def test_mutual_tls(self):
        web = ("tls_server_config: {cert_file: server.crt, key_file: server.key, "
               "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt, min_version: TLS13}\n")
        with SecureAgent(self.folder, web, client="client") as agent:
            tls = {"ca_file": self.folder / "ca.crt"}
            self.assertEqual(self.scrape(agent,
                                         tls_config={**tls, "cert_file": self.folder / "client.crt",
                                                     "key_file": self.folder / "client.key"})[0], "up")
            self.assertEqual(self.scrape(agent, tls_config=tls)[0], "down", "no certificate")
            old = ssl.create_default_context(cafile=self.folder / "ca.crt")
            old.maximum_version = ssl.TLSVersion.TLSv1_2
            address = ("127.0.0.1", agent.port)
            with self.assertRaises(ssl.SSLError), socket.create_connection(address) as plain:
                old.wrap_socket(plain, server_hostname="127.0.0.1")

    def test_a_renewed_certificate_needs_no_restart_and_a_broken_one_changes_nothing(self):
        folder = Folder()
        for name in ("ca.crt", "server.crt", "server.key"):
            pathlib.Path(folder / name).write_bytes(pathlib.Path(self.folder / name).read_bytes())

        def subject():
            with socket.create_connection(("127.0.0.1", agent.port)) as plain, agent.context.wrap_socket(
                    plain, server_hostname="127.0.0.1") as secure:
                return dict(pair[0] for pair in secure.getpeercert()["subject"])["commonName"]

        with SecureAgent(folder,
                         "tls_server_config: {cert_file: server.crt, key_file: server.key}\n") as agent:
            self.assertEqual(subject(), "server")
            for end in ("key", "crt"):
                pathlib.Path(folder / f"new.{end}").write_bytes(
                    pathlib.Path(self.folder / f"renewed.{end}").read_bytes())
                os.rename(folder / f"new.{end}", folder / f"server.{end}")
            wait_until(lambda: subject() == "renewed", 10, "the new certificate")
            pathlib.Path(folder / "server.crt").write_text("garbage")
            time.sleep(1.5)
            self.assertEqual(subject(), "renewed")
            pathlib.Path(folder / "web.yml").write_text("tls_server_config: {cert_flie: x}\n")
            wait_until(lambda: "sockward_config_last_reload_successful 0"
                               in agent.get("/metrics").read().decode(), 10, "the metric tells")
            self.assertEqual(subject(), "renewed")

    def test_examples_are_accepted_by_promtool_and_unknown_keys_are_refused_by_name(self):
        for name in ("web.example.yml",):
            example = pathlib.Path(__file__).resolve().parents[2] / "docs/examples" / name
            text = example.read_text()
            pathlib.Path(self.folder / name).write_text(text)
            checked = run("promtool", "check", "web-config", self.folder / name)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
            done = run(SOCKWARD, "check", f"--web.config.file={self.folder / name}")
            self.assertNotEqual(done.returncode, 2, done.stderr)
        for text, wanted in (("tls_server_cnofig: {}", "tls_server_config"),
                             ("tls_server_config: {cert_file: server.crt, key_file: server.key, "
                              "cipher_suites: [x]}", "cipher_suites"),
                             ("basic_auth_users: {a: plain}", "bcrypt"),
                             ("rate_limit: {burst: 1}", "rate_limit"),
                             ("tls_server_config: {cert_file: nope.crt, key_file: server.key}", "nope.crt"),
                             ("tls_server_config: {cert_file: server.crt, key_file: client.key}",
                              "belong together")):
            pathlib.Path(self.folder / "bad.yml").write_text(text + "\n")
            done = run(SOCKWARD, "run", "--web.listen-address=127.0.0.1:0",
                       f"--web.config.file={self.folder / 'bad.yml'}")
            self.assertEqual(done.returncode, 2, text)
            self.assertIn(wanted, done.stderr)


class Harm(unittest.TestCase):
    def test_slow_oversized_malformed_and_many_requests_do_not_disturb_the_event_path(self):
        container = own_container(self)
        with Agent() as agent:
            stop = threading.Event()
            held = []

            def trickle():
                while not stop.is_set():
                    try:
                        one = socket.create_connection(("127.0.0.1", agent.port), 2)
                        one.send(b"GET /metrics HTTP/1.1\r\nHost: 127")
                        held.append(one)
                    except OSError:
                        pass
                    time.sleep(0.01)

            def garbage():
                payloads = [b"\x00\xff" * 4096 + b"\r\n\r\n", b"GET " + b"/" * 70000 + b" HTTP/1.1\r\n\r\n",
                            b"POST /metrics HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n",
                            b"GET / HTTP/9.9\r\n" + b"A: b\r\n" * 5000 + b"\r\n", b"\r\n" * 100]
                n = 0
                while not stop.is_set():
                    try:
                        with socket.create_connection(("127.0.0.1", agent.port), 2) as one:
                            one.send(payloads[n % len(payloads)])
                    except OSError:
                        pass
                    n += 1

            threads = [threading.Thread(target=body) for body in (trickle, garbage, garbage)]
            for thread in threads:
                thread.start()
            time.sleep(0.5)
            container.run(PROVOKE, "storm", "20000", "1")
            stop.set()
            for thread in threads:
                thread.join()
            for one in held:
                one.close()
            wait_until(lambda: agent.ready(), 30, "it answers again")
            metrics = agent.metrics()
        self.assertEqual(container.failures(metrics, syscall="bind", family="unix", errno="ENOENT"), 20000,
                         "no call went uncounted")
        self.assertEqual(total(metrics, "sockward_events_lost_total"), 0, "no record was lost")

    def test_ten_thousand_short_lived_containers_of_hostile_names_stay_under_the_cap(self):
        from test_hostnames import cgroup_root
        top = pathlib.Path(cgroup_root())
        path = path_through_a_loop()
        with Agent(config="metrics: {container_name_cap: 50}\n") as agent:
            body = """
import ctypes, os, socket, sys
top, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
made = socket.socket(socket.AF_UNIX)
for n in range(first, first + count):
    path = os.fsencode(top) + b"/lxc.payload.\\xff\\xfe\\"{}\\\\n" + str(n).encode()
    os.mkdir(path)
    procs = open(path + b"/cgroup.procs", "w"); procs.write(str(os.getpid())); procs.close()
    try: made.bind(sys.argv[4])
    except OSError: pass
    procs = open(os.fsencode(top) + b"/cgroup.procs", "w"); procs.write(str(os.getpid())); procs.close()
    os.rmdir(path)
"""
            workers = [subprocess.Popen(["python3", "-c", body, str(top), str(n * 5000), "5000", path])
                       for n in range(2)]
            while any(w.poll() is None for w in workers):
                text = agent.get("/metrics").read().decode("utf-8")
                self.assertEqual(run("promtool", "check", "metrics", input=text).returncode, 0)
                time.sleep(0.5)
            self.assertEqual([w.returncode for w in workers], [0, 0])
            text = agent.get("/metrics").read().decode("utf-8")
            metrics = agent.metrics()
        names = {line.split('container_name="')[1].split('"')[0] for line in text.splitlines()
                 if 'container_name="' in line}
        self.assertLessEqual(len(names), 52)
        self.assertLess(len(text.splitlines()), 3000)
        self.assertEqual(total(metrics, "sockward_call_errors_total", syscall="bind", family="unix",
                               errno="ELOOP"), 10000)
