"""One container that screams neither hides another's single failure nor costs the node."""
import os
import signal
import subprocess
import time
import unittest

from support import PROVOKE, Agent, Cgroup, Program, own_container, total, wait_until

EVERY = "probes: {errno: [ENOENT, EACCES]}\nrecords: {fold: 0}\n"
NOISY, QUIET = "docker/" + "a" * 64, "docker/" + "b" * 64


def of_storm(agent):
    """The records of the storm: neighbours make records too."""
    return [r for r in agent.records() if r["attributes"].get("process.executable.name") == "provoke"]


class Storms(unittest.TestCase):
    def rare(self, group, times):
        """Fails `times` times, each time a little later, as nobody in a
        folder that is root's; returns the addresses."""
        script = ("import os,socket,sys,time\n"
                  "os.setgid(65534); os.setuid(65534)\n"
                  f"for i in range({times}):\n"
                  "    try: socket.socket(socket.AF_UNIX).bind(f'/root/rare-{i}')\n"
                  "    except PermissionError: pass\n"
                  "    time.sleep(0.1)\n")
        subprocess.run(["python3", "-c", script], check=True, preexec_fn=group.enter)
        return {f"unix:/root/rare-{i}" for i in range(times)}

    def test_a_flood_hides_nobody_elses_failures(self):
        for flood in ("storm", "scatter"):  # one address, and another one each time
            with self.subTest(flood), Cgroup(NOISY) as noisy, Cgroup(QUIET) as quiet, \
                    Agent(config=EVERY, output="json") as agent:
                program = Program(PROVOKE, flood, "100000000", "2", preexec_fn=noisy.enter,
                                  start_new_session=True)
                time.sleep(0.5)
                before, began = agent.metrics(), time.monotonic()
                wanted = self.rare(quiet, 30)
                after, seconds = agent.metrics(), time.monotonic() - began
                os.killpg(program.process.pid, signal.SIGKILL)

                def addresses():
                    return {r["attributes"].get("sockward.address") for r in agent.records()}

                seen = wait_until(lambda: wanted <= (found := addresses()) and found, 20,
                                  "every rare failure is recorded")
                self.assertGreater(len(seen), 0)

                def grown(name, **labels):
                    return total(after, name, **labels) - total(before, name, **labels)

                calls = grown("sockward_call_errors_total", errno="ENOENT")
                cpu = grown("process_cpu_seconds_total") / seconds
                print(f"  {flood}: {calls / seconds:,.0f} failures/s, {100 * cpu:.1f} % of a core, "
                      f"{after['process_resident_memory_bytes'] / 2**20:.1f} MiB")
                self.assertGreater(calls / seconds, 20_000)
                self.assertGreater(grown("sockward_events_suppressed_total"), 0.9 * calls)
                self.assertEqual(grown("sockward_events_lost_total"), 0)
                self.assertLess(cpu, 0.25)

    def test_what_was_suppressed_is_reported_by_the_next_record(self):
        made, container = 20_000, own_container(self)
        with Agent(config=EVERY, output="json") as agent:
            container.run(PROVOKE, "storm", str(made))
            time.sleep(1.2)  # a token comes back
            container.run(PROVOKE, "storm", "1")

            def reported():
                return sum(1 + record["attributes"].get("sockward.repeats", 0) for record in of_storm(agent))

            wait_until(lambda: reported() == made + 1, 5, f"{made + 1} failures reported, not {reported()}")
            self.assertLess(len(of_storm(agent)), 500)
            self.assertEqual(container.failures(agent.metrics(), syscall="bind", family="unix",
                                                errno="ENOENT"), made + 1)

    def test_a_rate_of_zero_holds_nothing_back(self):
        with Agent(config=EVERY + "limits: {source_rate: 0, address_rate: 0}\n", output="json") as agent:
            subprocess.run([PROVOKE, "storm", "3000"], check=True)
            wait_until(lambda: len(of_storm(agent)) == 3000, 10, "every record is written")
            self.assertEqual(total(agent.metrics(), "sockward_events_suppressed_total"), 0)


if __name__ == "__main__":
    unittest.main()
