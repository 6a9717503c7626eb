"""A table of /proc that is longer than the agent reads: nothing is concluded from what it did not see."""
import ctypes
import os
import resource
import signal
import socket
import time
import unittest

from support import Folder, Trace

CLONE_NEWNET = 0x40000000
PROCESSES, SOCKETS = 7, 15_000  # 105,000 lines of /proc/net/unix with names of 107 bytes: more than 16 MiB


def crowd_member(came):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    held = [socket.socket(socket.AF_UNIX) for _ in range(SOCKETS)]
    for one in held:  # names that resemble each other fall into the same of the kernel's few buckets, which is slow
        one.bind(b"\0-" + os.urandom(53).hex().encode())
    os.write(came, b"x")
    signal.pause()


def fork(body):
    child = os.fork()
    if child == 0:
        try:
            body()
        finally:
            os._exit(1)
    return child


class Crowd(unittest.TestCase):
    def stale_bind(self, path, crowd):
        """A child of its own network namespace, with so many processes full of sockets, binds to a stale file. Returns its attributes."""
        def body():
            ctypes.CDLL(None).unshare(CLONE_NEWNET)
            coming, came = os.pipe()
            members = [fork(lambda: crowd_member(came)) for _ in range(crowd)]
            try:
                for _ in members:
                    os.read(coming, 1)
                with Trace() as trace:
                    with self.assertRaises(OSError), socket.socket(socket.AF_UNIX) as attempt:
                        attempt.bind(path)
                    time.sleep(3 if crowd else 0.5)
                found = trace.attributes(process__pid=os.getpid(), sockward__address="unix:" + path)
                os.write(answer, f"{found[0]['sockward.cause']} {found[0]['sockward.confidence']}".encode())
            finally:
                for member in members:
                    os.kill(member, signal.SIGKILL)

        result, answer = os.pipe()
        os.waitpid(fork(body), 0)
        os.close(answer)
        with os.fdopen(result) as text:
            return text.read().split()

    def test_a_name_that_may_stand_in_the_part_not_read_is_no_certain_stale_socket(self):
        folder = Folder()
        path = folder / "stale"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
        time.sleep(0.1)
        self.assertEqual(self.stale_bind(path, 0), ["stale_socket", "certain"])
        self.assertEqual(self.stale_bind(path, PROCESSES), ["stale_socket", "likely"])


if __name__ == "__main__":
    unittest.main()
