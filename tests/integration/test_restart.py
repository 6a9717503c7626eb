"""The kernel side lives on between two agents: nothing is missed, counted twice or written twice."""
import collections
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import time
import unittest

from support import (PROVOKE, SOCKWARD, Agent, Cgroup, Folder, Program, events, own_container,
                     path_through_a_loop, run, total, wait_until)

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
                    for a in all_of_them if a.get("process.pid") == os.getpid()]

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


def storm_records(agent):
    return [r for r in agent.records()
            if r["attributes"].get("error.type") == "ELOOP"
            and r["attributes"]["process.executable.name"] == "provoke"]


class OtherVersions(Own):
    """What a previous agent of another version, or with other sizes, has left."""
    waiting = 500  # records in the ring buffer that no agent has read
    errno = "ELOOP"

    def setUp(self):
        super().setUp()
        self.path = (path_through_a_loop(),)
        self.pins = f"/sys/fs/bpf/sockward-test-{os.getpid()}"
        self.addCleanup(shutil.rmtree, self.pins, ignore_errors=True)

    def agent(self, ring=1 << 20, **options):
        config = ALL.replace("limits: {", f"limits: {{ring_bytes: {ring}, ")
        return Agent(f"--restart.pin-path={self.pins}", output="json", config=config, **options)

    def leave_records(self):
        # What neighbours do makes records too (one that ends after a
        # bind is enough): another agent sees how many there are.
        self.witness = entered(self, Agent(config=ALL))
        with self.agent() as agent:
            agent.kill()
        self.storm(self.waiting)

    def assertLost(self, agent):
        """The records of the storm, and at most those of others beside them."""
        lost = value(agent, "sockward_events_lost_total", reason="restart")
        self.assertGreaterEqual(lost, self.waiting)
        self.assertLessEqual(lost, events(self.witness.metrics()))

    def rewrite_identity(self, change):
        """As another version of sockward would have written it: a map of one element, of any size."""
        path = f"{self.pins}/generation-1/identity"
        shown = json.loads(run("bpftool", "-j", "map", "dump", "pinned", path).stdout)
        value = change(bytes(int(byte, 16) for byte in shown[0]["value"]))
        os.unlink(path)
        for words in (["create", path, "type", "array", "key", "4", "value", str(len(value)), "entries", "1",
                       "name", "other"],
                      ["update", "pinned", path, "key", "0", "0", "0", "0", "value", *map(str, value)]):
            done = run("bpftool", "map", *words)
            self.assertEqual(done.returncode, 0, done.stderr)

    def begins_anew(self):
        with self.agent() as agent:
            self.assertIn("another layout", agent.said())
            self.assertNotIn("adopted", agent.said())
            self.assertEqual(sorted(os.listdir(self.pins)), ["generation-2"], "the former one is gone")
            self.assertEqual(self.counted(agent), 0)
            self.storm(7)
            self.assertCounted(agent, 7)
            wait_until(lambda: len(storm_records(agent)) == 7, 5)
            self.assertLost(agent)
            agent.kill()
        with self.agent() as agent:  # its own pins can be gone on with
            self.assertIn("adopted", agent.said())
            self.assertCounted(agent, 7)
            self.assertLost(agent)

    def test_records_in_a_ring_of_another_size_are_read_first(self):
        self.leave_records()
        with self.agent(ring=1 << 21) as agent:
            self.assertIn("the map events of the previous agent has another size", agent.said())
            self.storm(7)
            wait_until(lambda: len(storm_records(agent)) == self.waiting + 7, 10)
            times = [r["timestamp"] for r in storm_records(agent)]
            self.assertEqual(len(set(times)), len(times), "none twice")
            self.assertEqual(value(agent, "sockward_events_lost_total"), 0)
            self.assertCounted(agent, self.waiting + 7)

    def test_counts_by_container_go_on_in_a_table_of_another_size(self):
        def of_container(agent):
            return value(agent, "sockward_call_errors_total", errno="ENOENT",
                         container_name="docker:" + "a" * 12)

        with Cgroup("docker/" + "a" * 64) as group:
            for entries, made in (8192, 70), (16384, 140), (1024, 210):
                with Agent(f"--restart.pin-path={self.pins}",
                           config=f"limits: {{source_entries: {entries}}}\n") as agent:
                    subprocess.run([PROVOKE, "storm", "70"], check=True, preexec_fn=group.enter)
                    wait_until(lambda: of_container(agent) == made, 5, "what was counted before is there")
                    agent.kill()

    def test_who_bound_what_goes_on_in_a_table_of_another_size(self):
        def evicted(agent):
            return value(agent, "sockward_names_evicted_total")

        with contextlib.ExitStack() as held, self.agent() as agent:
            for _ in range(300):
                held.enter_context(socket.socket()).bind(("127.0.0.1", 0))
            wait_until(lambda: value(agent, "sockward_names_bound_total", kind="other") >= 300)
            before = evicted(agent)
            agent.kill()
            with Agent(f"--restart.pin-path={self.pins}", config="limits: {bound_names: 8192}\n") as agent:
                self.assertIn("the map bound_names of the previous agent has another size", agent.said())
                self.assertLess(evicted(agent), before + 50, "what was there is there")

    def test_counters_of_another_layout_begin_anew_and_unread_records_count_as_lost(self):
        self.leave_records()
        self.rewrite_identity(lambda value: value[:16] + bytes([99, 0, 0, 0]) + value[20:])
        self.begins_anew()

    def test_pins_in_a_way_of_another_version_are_replaced(self):
        self.leave_records()
        self.rewrite_identity(lambda value: b"sockward pins 77" + bytes(500))
        self.begins_anew()

    def test_pins_that_are_not_of_sockward_are_refused(self):
        self.leave_records()
        self.rewrite_identity(lambda value: b"sockmap pins 1\0\0" + bytes(500))
        done = run(SOCKWARD, "run", "--web.listen-address=127.0.0.1:0", f"--restart.pin-path={self.pins}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("was not pinned by sockward", done.stderr)
        self.assertIn("next: run `sockward detach`", done.stderr)


class Foreign(Own):
    def setUp(self):
        super().setUp()
        self.pins = f"/sys/fs/bpf/sockward-test-{os.getpid()}"
        self.addCleanup(shutil.rmtree, self.pins, ignore_errors=True)

    def agent(self, **options):
        return Agent(f"--restart.pin-path={self.pins}", **options)

    def leave_pins(self):
        with self.agent() as agent:
            agent.kill()

    def refused(self, *words):
        done = run(SOCKWARD, "run", "--web.listen-address=127.0.0.1:0", f"--restart.pin-path={self.pins}")
        self.assertEqual(done.returncode, 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertIn("next:", done.stderr)

    def test_a_folder_that_others_may_enter_is_refused(self):
        self.leave_pins()
        os.chmod(self.pins, 0o755)
        self.refused("mode 0755")

    def test_another_program_in_a_link_is_refused(self):
        self.leave_pins()
        links = pathlib.Path(self.pins, "generation-1", "links")
        (links / "unlink_tp").rename(links / "aside")
        (links / "listen_tp").rename(links / "unlink_tp")
        (links / "aside").rename(links / "listen_tp")
        self.refused("links/", "another program")
        self.assertEqual(run(SOCKWARD, "detach", f"--restart.pin-path={self.pins}").returncode, 0)

    def test_pins_without_their_identity_are_removed(self):
        self.leave_pins()
        os.unlink(f"{self.pins}/generation-1/identity")
        self.storm(5)
        with self.agent() as agent:
            self.assertIn("incomplete", agent.said())
            self.assertNotIn("adopted", agent.said())
            self.storm(7)
            self.assertGreaterEqual(self.counted(agent), 7)

    def test_where_nothing_can_be_pinned_it_says_so_and_works(self):
        folder = Folder()
        pathlib.Path(folder / "file").write_text("")
        with Agent(f"--restart.pin-path={folder.path}/pins") as agent:
            self.assertIn("no bpf file system", agent.said())
            self.assertEqual(value(agent, "sockward_coverage", route="restart"), 0)
            self.storm(3)
            self.assertCounted(agent, 3)


if __name__ == "__main__":
    unittest.main()
