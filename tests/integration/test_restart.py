"""The kernel side lives on between two agents: nothing is missed, counted twice or written twice."""
import collections
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time
import unittest

from restarts import ALL, Own, entered, value
from support import (PROVOKE, SOCKWARD, Agent, Cgroup, Folder, Program, events, path_through_a_loop, run,
                     wait_until)


class Restarts(Own):
    def setUp(self):
        super().setUp()
        self.pins = f"/sys/fs/bpf/sockward-test-{os.getpid()}"
        self.addCleanup(run, SOCKWARD, "detach", f"--restart.pin-path={self.pins}")

    def agent(self, *flags, **options):
        return Agent(f"--restart.pin-path={self.pins}", *flags, **options)

    def test_what_happened_while_no_agent_ran_is_counted_by_the_next(self):
        with self.agent() as agent:
            self.storm(1000)
            agent.kill()
        self.storm(500, 2)
        with self.agent() as agent:
            self.assertIn("adopted", agent.said())
            self.assertCounted(agent, 2000)
            self.assertEqual(value(agent, "sockward_coverage", route="restart"), 1)
        self.assertFalse(os.path.exists(self.pins), "stopped in good order: nothing is left")

    def test_kept_on_purpose_and_removed_by_detach(self):
        with self.agent("--restart.keep-on-stop"):
            pass
        self.storm(300)
        with self.agent("--restart.keep-on-stop") as agent:
            self.assertIn("adopted", agent.said())
            self.assertCounted(agent, 300)
            done = run(SOCKWARD, "detach", f"--restart.pin-path={self.pins}")
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, rf"sockward\[{agent.pid}\] already observes this node")
        done = run(SOCKWARD, "detach", f"--restart.pin-path={self.pins}")
        self.assertRegex(done.stdout, r"^\d+ programs detached")
        self.assertFalse(os.path.exists(self.pins))
        self.assertIn("nothing is attached",
                      run(SOCKWARD, "detach", f"--restart.pin-path={self.pins}").stdout)

    def test_a_record_that_waited_for_its_agent_names_who_had_bound_the_port(self):
        def fail():
            with socket.socket() as holder, socket.socket() as late:
                holder.bind(("127.0.0.1", 0))
                holder.listen()
                with self.assertRaises(OSError):
                    late.bind(holder.getsockname())

        def found(agent):
            all_of_them = [r["attributes"] for r in agent.records()]
            return [(a["sockward.cause"], a["sockward.confidence"], a.get("sockward.holder.kind"),
                     a.get("sockward.holder.pid"))
                    for a in all_of_them if a.get("process.pid") == os.getpid()
                    and a["sockward.syscall.name"] == "bind"]

        with self.agent(output="json") as agent:
            fail()
            wait_until(lambda: found(agent), 5)
            agent.kill()
        fail()
        time.sleep(5.5)
        with self.agent(output="json") as agent:
            # When the port was bound and when it was released stand in the name table, whoever reads it
            # later. Whether the binder still had the socket at the call does not.
            self.assertEqual(wait_until(lambda: found(agent), 5),
                             [("address_in_use", "likely", "gone", os.getpid())])

    def test_a_hand_over_keeps_them_for_the_next_agent(self):
        with self.agent() as agent:
            self.storm(100)
            self.assertEqual(agent.program.stop(signal.SIGUSR1), 0)
        self.storm(50)
        with self.agent() as agent:
            self.assertIn("adopted", agent.said())
            self.assertCounted(agent, 150)

    def test_the_service_manager_is_told(self):
        folder = Folder()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(f"{folder.path}/notify")
            manager.settimeout(10)
            with self.agent(environment={"NOTIFY_SOCKET": f"{folder.path}/notify"}):
                said = ""
                while "WATCHDOG=1" not in said or "READY=1" not in said:
                    said += manager.recv(4096).decode() + "\n"
                self.assertIn("STATUS=attached", said)
            while "STOPPING=1" not in said:
                said += manager.recv(4096).decode() + "\n"

    def test_a_second_agent_says_so_and_leaves(self):
        with self.agent() as agent:
            done = run(SOCKWARD, "run", "--web.listen-address=127.0.0.1:0", f"--restart.pin-path={self.pins}")
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, rf"sockward\[{agent.pid}\] already observes this node")
            self.assertIn("next:", done.stderr)
            self.storm(10)
            self.assertCounted(agent, 10)

    def test_an_upgrade_in_the_middle_of_a_storm_misses_nothing_and_counts_nothing_twice(self):
        made = 600_000
        provoke = None
        for round in range(6):
            # Other settings are other programs: loaded and attached
            # beside the former ones, then given their turn.
            with self.agent(config=f"names: {{near_limit_bytes: {90 + round}}}\n") as agent:
                self.assertNotIn("adopted", agent.said())
                provoke = (provoke or Program(PROVOKE, "storm", str(made // 2), "2",
                                              preexec_fn=self.container.enter))
                time.sleep(0.2)
                agent.kill()
        self.assertEqual(provoke.process.wait(120), 0)
        with self.agent(config="names: {near_limit_bytes: 80}\n") as agent:
            self.assertCounted(agent, made)
        self.assertFalse(os.path.exists(self.pins))

    def test_killed_ten_times_in_a_storm(self):
        self.errno, self.path = "ELOOP", (path_through_a_loop(),)
        folder = Folder()
        config = ALL.replace("fold: 0", f"fold: 0, file_max_bytes: 0, file: {folder.path}/records.jsonl")
        made, lost_before = 0, 0
        provoke = None
        # All records but those of failures.
        witness = entered(self, Agent(config=ALL.replace("ELOOP", "EUCLEAN")))
        for _ in range(10):
            with self.agent(config=config) as agent:
                if provoke is None or provoke.process.poll() is not None:
                    provoke = Program(PROVOKE, "storm", "60000", "2", *self.path,
                                      preexec_fn=self.container.enter)
                    made += 120_000
                time.sleep(random.uniform(0.05, 0.8))
                lost = value(agent, "sockward_events_lost_total")
                self.assertGreaterEqual(lost, lost_before, "losses never fall, across agents too")
                lost_before = lost
                agent.kill()
        self.assertEqual(provoke.process.wait(120), 0)
        with self.agent(config=config) as agent:
            self.assertCounted(agent, made)
            wait_until(lambda: self.settled(agent), 60, "no more records come")
            lost = value(agent, "sockward_events_lost_total")
        others = events(witness.metrics())
        times = collections.Counter(self.written(folder))
        self.assertEqual([t for t, times_seen in times.items() if times_seen > 1], [], "written twice")
        # A record that was written a moment before the agent died, and not noted as
        # written, counts as lost. So do what neighbours' records were lost.
        self.assertGreaterEqual(len(times) + lost, made)
        self.assertLessEqual(len(times) + lost, made + 10 * 2 * 512 + others)
        self.assertGreater(len(times), 0)

    def settled(self, agent):
        before = value(agent, "sockward_events_received_total")
        time.sleep(1)
        return value(agent, "sockward_events_received_total") == before

    def written(self, folder):
        """The times and processes of the storm's records; a line that was torn by a kill is none."""
        records = []
        for line in pathlib.Path(folder.path, "records.jsonl").read_bytes().splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if record["attributes"].get("process.executable.name") == "provoke":
                records.append((record["timestamp"], record["attributes"]["process.pid"]))
        return records

    def test_counts_of_services_that_have_ended_stay_the_hosts(self):
        def of_binds(agent, **labels):
            return value(agent, "sockward_call_errors_total", syscall="bind", errno="ELOOP", **labels)

        with self.agent() as agent:
            with Cgroup("sockward-ended.service") as group:
                subprocess.run([PROVOKE, "storm", "70", "1", path_through_a_loop()], check=True,
                               preexec_fn=group.enter)
                wait_until(lambda: of_binds(agent, container_name="host") == 70)
            time.sleep(6)  # every five seconds the counts of cgroups that have gone become the host's
            self.assertEqual(of_binds(agent, container_name="host"), 70)
            agent.kill()
        with self.agent() as agent:
            self.assertEqual(of_binds(agent, container_name="host"), 70)
            self.assertEqual(of_binds(agent), 70)


if __name__ == "__main__":
    unittest.main()
