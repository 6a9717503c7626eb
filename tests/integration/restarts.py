"""What tests of two agents, one after the other, have in common."""
import json
import os
import unittest

from support import PROVOKE, own_container, run, total

ALL = "probes: {errno: [ELOOP]}\nrecords: {fold: 0}\nlimits: {source_rate: 0, address_rate: 0}\n"


def value(agent, name, **labels):
    return total(agent.metrics(), name, **labels)


def entered(test, agent):
    """An agent that runs beside the test, to its end."""
    agent.__enter__()
    test.addCleanup(agent.__exit__)
    return agent


def rewrite_identity(test, path, change):
    """As another version of sockward would have written it: a map of one element, of any size."""
    shown = json.loads(run("bpftool", "-j", "map", "dump", "pinned", path).stdout)
    content = change(bytes(int(byte, 16) for byte in shown[0]["value"]))
    os.unlink(path)
    for words in (["create", path, "type", "array", "key", "4", "value", str(len(content)), "entries", "1",
                   "name", "other"],
                  ["update", "pinned", path, "key", "0", "0", "0", "0", "value", *map(str, content)]):
        done = run("bpftool", "map", *words)
        test.assertEqual(done.returncode, 0, done.stderr)


def replace_array(test, path, content, flags=0):
    """A pinned array is another one, whose first element has this content; as many elements as before."""
    entries = json.loads(run("bpftool", "-j", "map", "show", "pinned", path).stdout)["max_entries"]
    os.unlink(path)
    for words in (["create", path, "type", "array", "key", "4", "value", str(len(content)), "entries",
                   str(entries), "name", os.path.basename(path), "flags", str(flags)],
                  ["update", "pinned", path, "key", "0", "0", "0", "0", "value", *map(str, content)]):
        done = run("bpftool", "map", *words)
        test.assertEqual(done.returncode, 0, done.stderr)


def as_version_3(identity, counters_version=3):
    """An identity without hand-over and description: the head with a version, then the programs."""
    programs = int.from_bytes(identity[40:44], "little")
    return (b"sockward pins 2\0" + counters_version.to_bytes(4, "little") + identity[20:44] + bytes(4) +
            identity[56:56 + 72 * programs])


class Own(unittest.TestCase):
    """Counts failing binds in a container of the test's own: neighbours fail too."""
    errno, path = "ENOENT", ()

    def setUp(self):
        self.container = own_container(self)

    def storm(self, calls, tasks=1):
        self.container.run(PROVOKE, "storm", str(calls), str(tasks), *self.path)

    def counted(self, agent):
        return self.container.failures(agent.metrics(), syscall="bind", family="unix", errno=self.errno)

    def assertCounted(self, agent, made):
        """Each call is counted, or the kernel says that it skipped a run."""
        counted = self.counted(agent)
        self.assertLessEqual(counted, made)
        self.assertGreaterEqual(counted + value(agent, "sockward_missed_calls_total"), made)
