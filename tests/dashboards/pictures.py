"""A workload under an agent and a Prometheus; then pictures of the dashboards and of the agent's page.

  pictures.py ROOT SECONDS      run from the folder with shot.mjs, page.mjs and bundle.js
"""
import os
import pathlib
import random
import socket
import subprocess
import sys
import time

ROOT, SECONDS = pathlib.Path(sys.argv[1]), int(sys.argv[2])
sys.path.insert(0, str(ROOT / "tests/integration"))
from receivers import Prometheus  # noqa: E402
from support import SOCKWARD, Agent, Folder  # noqa: E402
from test_hostnames import TestHost, cgroup_root  # noqa: E402

BODY = """
import os, random, socket, sys, time
procs = sys.argv[1]
if procs: open(procs, "w").write(str(os.getpid()))
def attempt(body):
    try: body()
    except OSError: pass
kind, folder = sys.argv[2], sys.argv[3]
if kind == "port":
    held = socket.create_server(("127.0.0.1", 0)); port = held.getsockname()[1]
    for _ in range(random.randint(1, 5)): attempt(lambda: socket.socket().bind(("127.0.0.1", port)))
elif kind == "stale":
    path = f"{folder}/s{time.monotonic_ns()}"; socket.socket(socket.AF_UNIX).bind(path)
    attempt(lambda: socket.socket(socket.AF_UNIX).connect(path)); os.unlink(path)
elif kind == "near":
    path = folder + "/" + "n" * (random.randint(98, 107) - len(folder))
    socket.socket(socket.AF_UNIX).bind(path); os.unlink(path)
elif kind == "ok":
    for _ in range(20):
        path = folder + "/" + "o" * random.randint(2, 60)
        socket.socket(socket.AF_UNIX).bind(path); os.unlink(path)
elif kind == "denied":
    os.setgid(65534); os.setuid(65534); attempt(lambda: socket.socket().bind(("127.0.0.1", 80)))
elif kind == "folder":
    os.setgid(65534); os.setuid(65534); attempt(lambda: socket.socket(socket.AF_UNIX).bind("/run/x.sock"))
elif kind == "refused":
    for port in (5432, 6379, 8080): attempt(lambda: socket.create_connection(("127.0.0.1", port), 1))
elif kind == "nowhere": attempt(lambda: socket.socket().bind(("192.0.2.9", 80)))
elif kind == "long": os.execv("/bin/false", ["false", "--socket", folder + "/" + "l" * 120 + "/x.sock"])
time.sleep(0.3)
"""


def workload(agent, host):
    folder = Folder()
    os.chmod(folder.path, 0o777)
    # A name that would be markup, if it could.
    hostile = folder / "<script>window.hit=1<-script><img src=x onerror='window.hit=1'>\x1b[31m\u202e"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(hostile)
    with socket.socket(socket.AF_UNIX) as other:
        try:
            other.connect(hostile)
        except OSError:
            time.sleep(0.3)
    names = ["docker-" + "%064x.scope" % random.getrandbits(256), "lxc.payload.web-1", "lxc.payload.irc", ""]
    for name in names:
        if name:
            (pathlib.Path(cgroup_root()) / name).mkdir(exist_ok=True)
    weights = {"port": 4, "stale": 2, "near": 1, "ok": 8, "denied": 1, "folder": 1, "nowhere": 1, "long": 1,
               "refused": 2}
    end = time.monotonic() + SECONDS
    renamed = False
    while time.monotonic() < end:
        children = []
        for _ in range(3):
            name = random.choice(names)
            procs = str(pathlib.Path(cgroup_root()) / name / "cgroup.procs") if name else ""
            kind = random.choices(list(weights), list(weights.values()))[0]
            children.append(subprocess.Popen(["python3", "-c", BODY, procs, kind, folder.path],
                                             stderr=subprocess.DEVNULL))
        for child in children:
            child.wait()
        if not renamed and time.monotonic() > end - SECONDS / 2:
            renamed = True
            host.run_inside("hostname stolen-one", container=True)
            host.run_inside("hostname evil", user="nobody")
            subprocess.run([SOCKWARD, "demo"], stdout=subprocess.DEVNULL, check=False)
        if renamed and time.monotonic() > end - SECONDS / 4 and time.monotonic() < end - SECONDS / 4 + 1.5:
            host.run_inside(f"hostname stolen-{time.monotonic_ns()}", container=True)
    for name in names:
        if name:
            (pathlib.Path(cgroup_root()) / name).rmdir()


def main():
    with TestHost() as host, Agent(
            "--bpf.stats", "--web.enable-ui",
            config=f"host: {{uts_namespace: {host.inode}}}\nrecords: {{fold: 0}}\n") as agent:
        prometheus = Prometheus({"scrape_configs": [{"job_name": "sockward",
                                                     "static_configs": [
                                                         {"targets": [f"127.0.0.1:{agent.port}"]}]}]}, "2s")
        workload(agent, host)
        time.sleep(4)
        done = subprocess.run(["node", "shot.mjs", f"http://127.0.0.1:{prometheus.port}",
                               str(ROOT / "dashboards/grafana"), str(ROOT / "docs/pictures"),
                               str(int(time.time())), str(SECONDS)], check=False)
        page = subprocess.run(["node", "page.mjs", f"http://127.0.0.1:{agent.port}/",
                               str(ROOT / "docs/pictures")], check=False)
        prometheus.stop()
    return done.returncode or page.returncode


if __name__ == "__main__":
    sys.exit(main())
