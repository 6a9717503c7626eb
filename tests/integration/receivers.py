"""Things that records and alerts are sent to: a webhook, a collector,
a journal, a real Alertmanager, a real Prometheus."""
import http.server
import json
import os
import pathlib
import socket
import struct
import threading
import time
import urllib.request

from support import Folder, Program, free_port, require, wait_until


class HttpReceiver:
    """An HTTP server that keeps what was posted to it: (arrival, path, headers, body)."""

    def __init__(self, status=200, delay=0.0):
        self.posts, self.status, self.delay = [], status, delay
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                time.sleep(receiver.delay)
                receiver.posts.append((time.time(), self.path, dict(self.headers), body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path=""):
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Webhook(HttpReceiver):
    def alerts(self, **labels):
        """(arrival, alert) of every notification that carries these labels."""
        found = []
        for arrival, _, _, body in list(self.posts):
            for alert in json.loads(body)["alerts"]:
                if all(alert["labels"].get(k) == v for k, v in labels.items()):
                    found.append((arrival, alert))
        return found


class Alertmanager:
    """The Debian package, on a port and in a folder of its own."""

    def __init__(self, webhook, port=None):
        require("prometheus-alertmanager")
        self.folder, self.port = Folder(), port or free_port()
        pathlib.Path(self.folder / "am.yml").write_text(json.dumps(
            {
                "route": {"receiver": "hook", "group_by": ["..."], "group_wait": "0s", "group_interval": "1s",
                          "repeat_interval": "1h"},
                "receivers": [{"name": "hook",
                               "webhook_configs": [{"url": webhook.url("/hook"), "send_resolved": True}]}]}))
        self.start()

    def start(self):
        self.program = Program("prometheus-alertmanager", f"--config.file={self.folder / 'am.yml'}",
                               f"--storage.path={self.folder / 'data'}",
                               f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address=",
                               "--log.level=error")
        wait_until(self.ready, 20, "Alertmanager is ready")

    def ready(self):
        try:
            return urllib.request.urlopen(f"{self.url()}/-/ready", timeout=1).status == 200
        except OSError:
            return False

    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def active(self):
        """Names of the alerts it knows."""
        return {a["labels"]["alertname"]
                for a in json.load(urllib.request.urlopen(f"{self.url()}/api/v2/alerts", timeout=5))}

    def stop(self):
        self.program.stop()


class Prometheus:
    """The Debian package; `config` is everything but the global section."""

    def __init__(self, config, interval="1s"):
        require("prometheus")
        self.folder, self.port = Folder(), free_port()
        config = {"global": {"scrape_interval": interval, "evaluation_interval": interval}, **config}
        pathlib.Path(self.folder / "prometheus.yml").write_text(json.dumps(config))
        self.program = Program("prometheus", f"--config.file={self.folder / 'prometheus.yml'}",
                               f"--storage.tsdb.path={self.folder / 'data'}",
                               f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=error")
        wait_until(self.ready, 20, "Prometheus is ready")

    def ready(self):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=1).status == 200
        except OSError:
            return False

    def query(self, expression, **more):
        from urllib.parse import urlencode
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urlencode({"query": expression, **more})
        try:
            answer = json.load(urllib.request.urlopen(url, timeout=10))
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}: {error.read().decode()}") from error
        return answer["data"]["result"]

    def targets(self):
        return json.load(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/targets", timeout=10))[
            "data"]["activeTargets"]

    def stop(self):
        self.program.stop()


class Journal:
    """A datagram socket where journald has its own; read in the
    native protocol (systemd, JOURNAL_NATIVE_PROTOCOL)."""

    def __init__(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(10)

    def entry(self):
        data, fields = self.socket.recv(1 << 20), {}
        while data:
            line, _, data = data.partition(b"\n")
            if b"=" in line:
                name, _, value = line.partition(b"=")
            else:
                name, size = line, struct.unpack("<Q", data[:8])[0]
                value, data = data[8:8 + size], data[8 + size + 1:]
            fields.setdefault(name.decode(), []).append(value.decode())
        return fields

    def close(self):
        self.socket.close()
