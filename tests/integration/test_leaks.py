"""Starting and stopping leaves nothing behind, and does not take long."""
import json
import os
import subprocess
import time
import unittest

from support import SOCKWARD, Agent, run


def kernel_objects():
    """Ids of programs, maps and links that exist now. Those that a process has
    open are not left behind: neighbours load programs too."""
    kinds = {}
    for kind in ("prog", "map", "link"):
        kinds[kind] = {item["id"] for item in json.loads(run("bpftool", "-j", kind, "show").stdout or "[]")
                       if not item.get("pids")}
    return kinds


class Leaks(unittest.TestCase):
    def test_fifty_starts_and_stops_leave_no_program_map_link_or_process(self):
        before = kernel_objects()
        for _ in range(50):
            done = subprocess.run([SOCKWARD, "trace", "--json", "--duration", "0.05"], capture_output=True,
                                  timeout=30, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        time.sleep(1)  # the kernel frees maps after a grace period
        left = kernel_objects()
        for _ in range(10):  # what a neighbour was freeing meanwhile is gone a little later
            after = kernel_objects()
            left = {kind: (left[kind] & after[kind]) - before[kind] for kind in before}
            if not any(left.values()):
                break
            time.sleep(1)
        self.assertEqual(left, {kind: set() for kind in before})

    def test_scrapes_and_failures_open_no_files(self):
        with Agent() as agent:
            folder = f"/proc/{agent.program.process.pid}/fd"
            agent.metrics()
            before = len(os.listdir(folder))
            for _ in range(30):
                agent.metrics()
                subprocess.run(["python3", "-c",
                                "import socket\ntry: socket.socket().bind(('192.0.2.1', 80))\n"
                                "except OSError: pass"], check=True)
            self.assertLessEqual(len(os.listdir(folder)), before + 2)
