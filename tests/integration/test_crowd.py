"""A hundred thousand sockets: the agent's memory stays bounded, nothing
is concluded from what it did not look at, and listeners are found."""
import ctypes
import json
import os
import resource
import signal
import socket
import time
import unittest

from support import Agent, Folder, Trace, fork, run, total

CLONE_NEWNET = 0x40000000
FIRST_PORT = 7000
PROCESSES, SOCKETS = 7, 15_000  # 105,000 lines of /proc/net/unix with names of 107 bytes: more than 16 MiB


def crowd_member(number, came):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    held = [socket.socket(socket.AF_UNIX) for _ in range(SOCKETS)]
    # Names that resemble each other fall into the same of the kernel's few buckets, which is slow.
    for one in held:
        one.bind(b"\0-" + os.urandom(53).hex().encode())
    # Last: whoever looks at all sockets meets it after the others.
    held[0].close()
    held[0] = socket.create_server(("127.0.0.1", FIRST_PORT + number))
    os.write(came, b"x")
    signal.pause()


class Crowd(unittest.TestCase):
    def stale_bind(self, path, crowd):
        """A child of its own network namespace, with so many processes full of
        sockets, binds to a stale file. Returns its attributes."""
        def body():
            ctypes.CDLL(None).unshare(CLONE_NEWNET)
            run("ip", "link", "set", "lo", "up")
            coming, came = os.pipe()
            members = [fork(lambda number=number: crowd_member(number, came))
                       for number in range(crowd)]
            try:
                for _ in members:
                    os.read(coming, 1)
                with Agent() as agent, Trace() as trace:
                    with self.assertRaises(OSError), socket.socket(socket.AF_UNIX) as attempt:
                        attempt.bind(path)
                    for number in range(crowd):
                        with self.assertRaises(OSError), socket.socket() as attempt:
                            attempt.bind(("127.0.0.1", FIRST_PORT + number))
                    time.sleep(3 if crowd else 0.5)
                    used = self.storm(agent, path, 4)
                    metrics = agent.metrics()
                left_out, skipped, resident = (total(metrics, name) for name in (
                    "sockward_walk_sockets_left_out_total", "sockward_lookups_skipped_total",
                    "process_resident_memory_bytes"))
                found = trace.attributes(process__pid=os.getpid(), sockward__address="unix:" + path)
                holders = [(one["sockward.holder.pid"], one["sockward.confidence"])
                           for number in range(crowd)
                           for one in trace.attributes(
                               process__pid=os.getpid(),
                               sockward__address=f"127.0.0.1:{FIRST_PORT + number}")]
                self.assertEqual(sorted(holders), sorted((member, "certain") for member in members))
                os.write(answer,
                         json.dumps({"cause": found[0]["sockward.cause"],
                                     "confidence": found[0]["sockward.confidence"], "left_out": left_out,
                                     "skipped": skipped, "used": used, "mib": resident / (1 << 20)}).encode())
            finally:
                for member in members:
                    os.kill(member, signal.SIGKILL)

        result, answer = os.pipe()
        os.waitpid(fork(body), 0)
        os.close(answer)
        with os.fdopen(result) as text:
            return json.loads(text.read())

    def storm(self, agent, path, seconds):
        """Failures that each want a look at all sockets. Returns what part of a core the agent took."""
        def cpu_seconds():
            with open(f"/proc/{agent.pid}/stat", encoding="ascii") as stat:
                return sum(map(int, stat.read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")

        before, end = cpu_seconds(), time.monotonic() + seconds
        while time.monotonic() < end:
            with socket.socket(socket.AF_UNIX) as attempt:
                attempt.connect_ex(path)
            time.sleep(0.02)
        return (cpu_seconds() - before) / seconds

    def test_they_cost_little_and_what_was_not_looked_at_proves_nothing(self):
        folder = Folder()
        path = folder / "stale"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
        time.sleep(0.1)
        alone, crowded = self.stale_bind(path, 0), self.stale_bind(path, PROCESSES)
        print(f"  in a storm {alone['used']:.1%} of a core, {crowded['used']:.1%}, {crowded['skipped']:.0f} "
              "look-ups not made")
        print(f"  {alone['mib']:.1f} MiB, among {PROCESSES * SOCKETS:,} sockets {crowded['mib']:.1f} MiB")
        self.assertEqual((alone["cause"], alone["confidence"], alone["left_out"]),
                         ("stale_socket", "certain", 0))
        self.assertEqual((crowded["cause"], crowded["confidence"]), ("stale_socket", "likely"))
        self.assertGreater(crowded["left_out"], 50_000)
        # None, but for neighbours whose failures want look-ups too.
        self.assertLess(alone["skipped"], crowded["skipped"])
        self.assertGreater(crowded["skipped"], 0)
        self.assertLess(crowded["used"], 0.5, "a second of look-ups at once, then a tenth of the time")
        self.assertLess(crowded["mib"], alone["mib"] + 20)


if __name__ == "__main__":
    unittest.main()
