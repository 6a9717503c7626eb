"""What tests of two agents, one after the other, have in common."""
import unittest

from support import PROVOKE, own_container, total

ALL = "probes: {errno: [ELOOP]}\nrecords: {fold: 0}\nlimits: {source_rate: 0, address_rate: 0}\n"


def value(agent, name, **labels):
    return total(agent.metrics(), name, **labels)


def entered(test, agent):
    """An agent that runs beside the test, to its end."""
    agent.__enter__()
    test.addCleanup(agent.__exit__)
    return agent


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
