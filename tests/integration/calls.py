"""Calls that a test makes itself, and what the trace says of them."""
import ctypes
import os
import socket
import time
import unittest

CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWNS = 0x20000000, 0x40000000, 0x00020000
LIBC = ctypes.CDLL(None, use_errno=True)


def fails_to_bind(address, family=socket.AF_UNIX, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as attempt:
        try:
            attempt.bind(address)
        except OSError as error:
            return error.errno
    return 0


def bound(address, family=socket.AF_UNIX, kind=socket.SOCK_STREAM, listen=True):
    held = socket.socket(family, kind)
    held.bind(address)
    if listen and kind == socket.SOCK_STREAM:
        held.listen(1)
    return held


def in_child(body, wait=True):
    """Runs body() in a child process; it stays a moment for the agent's look."""
    child = os.fork()
    if child == 0:
        try:
            body()
            time.sleep(0.3)
        finally:
            os._exit(0)
    if wait:
        os.waitpid(child, 0)
    return child


class Traced(unittest.TestCase):
    def one(self, trace, **wanted):
        found = trace.attributes(process__pid=wanted.pop("pid", os.getpid()), **wanted)
        self.assertEqual(len(found), 1,
                         [(a["sockward.address"], a["sockward.cause"]) for a in trace.attributes()
                          if a.get("sockward.address")])
        return found[0]

    def expect(self, attributes, cause, confidence, **more):
        self.assertEqual((attributes["sockward.cause"], attributes["sockward.confidence"]),
                         (cause, confidence), attributes["sockward.evidence"])
        for name, value in more.items():
            self.assertEqual(attributes.get(name.replace("__", ".")), value)
