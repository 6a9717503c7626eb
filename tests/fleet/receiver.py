#!/usr/bin/python3
"""receiver.py PORT FILE: the far end of alerts and logs. Appends each post to FILE as a JSON line before it
answers, so that nothing it has answered is lost when it is killed."""
import http.server
import json
import os
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        line = json.dumps({"at": time.time(), "path": self.path, "body": body}) + "\n"
        os.write(self.server.file, line.encode())
        self.answer(b"{}")

    def do_GET(self):
        self.answer(b"here")

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    server.file = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    server.serve_forever()
