"""Upgrades between versions whose counters have another layout: no call is missed, none is counted twice."""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time
import unittest

from restarts import ALL, Own, as_version_3, entered, replace_array, rewrite_identity, value
from support import BUILD, PROVOKE, SOCKWARD, Agent, Program, events, path_through_a_loop

OTHER = str(BUILD / "bin/sockward_other_layout")  # tests/other_layout.cmake
TAKEN_OVER = "counts taken over by name"


class Layouts(Own):
    def setUp(self):
        super().setUp()
        self.pins = f"/sys/fs/bpf/sockward-test-{os.getpid()}"
        self.addCleanup(shutil.rmtree, self.pins, ignore_errors=True)
        self.made, self.provoke = 0, None

    def agent(self, program, **options):
        agent = Agent(f"--restart.pin-path={self.pins}", **options)
        agent.command[0] = program
        return agent

    def keep_storming(self, calls):
        """Two tasks at work, whatever becomes of the agents."""
        if self.provoke and self.provoke.process.poll() is None:
            return
        self.made += 2 * calls
        self.provoke = Program(PROVOKE, "storm", str(calls), "2", preexec_fn=self.container.enter)

    def end_of_storm(self):
        self.assertEqual(self.provoke.process.wait(120), 0)

    def test_upgrades_to_and_fro_in_a_storm(self):
        for round, program in enumerate([SOCKWARD, OTHER, OTHER, SOCKWARD, SOCKWARD, OTHER, SOCKWARD]):
            # In another layout, and with other settings in the same one.
            with self.agent(program, config=f"names: {{near_limit_bytes: {90 + round}}}\n") as agent:
                self.assertNotIn("adopted", agent.said())
                self.assertEqual(TAKEN_OVER in agent.said(), round in (1, 3, 5, 6))
                self.keep_storming(300_000)
                time.sleep(0.2)
                agent.kill()
        self.end_of_storm()
        with self.agent(SOCKWARD, config="names: {near_limit_bytes: 96}\n") as agent:
            self.assertIn("adopted", agent.said())
            self.assertCounted(agent, self.made)
            self.assertEqual(self.container.failures(agent.metrics()), self.counted(agent))
        self.assertFalse(os.path.exists(self.pins))

    def identities(self):
        return {path for path in pathlib.Path(self.pins).glob("generation-*/identity")}

    def kill_while_it_starts(self, program, wait):
        """Returns what it said until then."""
        agent = self.agent(program)
        began = subprocess.Popen(agent.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait()
        began.send_signal(signal.SIGKILL)
        return began.communicate()[1].decode()

    def test_killed_at_any_moment_of_an_upgrade(self):
        def at_random():
            time.sleep(random.uniform(0.05, 1.2))

        def while_it_takes_over():
            # Its pins are complete: now it is activated, and takes the counts over.
            end = time.monotonic() + 3
            while not self.identities() - before and time.monotonic() < end:
                pass
            time.sleep(random.choice([0, random.uniform(0, 0.05)]))

        with self.agent(SOCKWARD) as agent:
            self.keep_storming(200_000)
            agent.kill()
        said = ""
        for round in range(40):
            if round >= 12 and "finished taking over" in said:
                break
            self.keep_storming(200_000)
            before = self.identities()
            said += self.kill_while_it_starts(random.choice([OTHER, SOCKWARD]),
                                              [at_random, while_it_takes_over][round % 2])
        self.end_of_storm()
        for program in (OTHER, SOCKWARD):
            with self.agent(program) as agent:
                self.assertCounted(agent, self.made)
                said += agent.said()
                agent.kill()
        self.assertEqual(len(os.listdir(self.pins)), 1, "one generation is left")
        self.assertIn("finished taking over", said)

    def test_pins_of_version_3_which_hold_no_description(self):
        mmapable, many = 1 << 10, 7_000_000_000
        with self.agent(SOCKWARD) as agent:
            agent.kill()
        generation = f"{self.pins}/generation-1"
        rewrite_identity(self, f"{generation}/identity", as_version_3)
        # The first row is bind on AF_UNIX: its slot of ENOENT, then those of the others.
        counters = bytes(2 * 8) + many.to_bytes(8, "little")
        replace_array(self, f"{generation}/maps/counters", counters.ljust(33024, b"\0"), mmapable)
        replace_array(self, f"{generation}/maps/settled", bytes(320), mmapable)
        for program in (OTHER, SOCKWARD):
            with self.agent(program) as agent:
                self.assertIn(TAKEN_OVER, agent.said())
                counted = value(agent, "sockward_call_errors_total", syscall="bind", family="unix",
                                errno="ENOENT")
                self.assertEqual(counted // 1_000_000, many // 1_000_000)
                agent.kill()

    def test_records_that_no_agent_has_read_count_as_lost(self):
        self.errno, self.path = "ELOOP", (path_through_a_loop(),)
        witness = entered(self, Agent(config=ALL))
        with self.agent(SOCKWARD, config=ALL) as agent:
            agent.kill()
        self.storm(500)
        for program in (OTHER, SOCKWARD):
            with self.agent(program, config=ALL) as agent:
                self.assertIn(TAKEN_OVER, agent.said())
                self.assertCounted(agent, 500)
                lost = value(agent, "sockward_events_lost_total", reason="restart")
                self.assertGreaterEqual(lost, 500)
                self.assertLessEqual(lost, events(witness.metrics()))
                agent.kill()


if __name__ == "__main__":
    unittest.main()
