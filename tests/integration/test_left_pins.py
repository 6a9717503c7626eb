"""What an agent of another version, with other sizes, or somebody else has left in the place of the pins."""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import unittest

from restarts import ALL, Own, as_version_3, entered, rewrite_identity, value
from support import PROVOKE, SOCKWARD, Agent, Cgroup, Folder, events, path_through_a_loop, run, wait_until


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
        rewrite_identity(self, f"{self.pins}/generation-1/identity", change)

    def begins_anew(self):
        with self.agent() as agent:
            self.assertIn("counters reset", agent.said())
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

    def test_counters_of_an_unknown_layout_begin_anew_and_unread_records_count_as_lost(self):
        self.leave_records()
        self.rewrite_identity(lambda value: as_version_3(value, counters_version=99))
        self.begins_anew()

    def test_a_description_in_a_way_of_another_version_is_none(self):
        self.leave_records()
        self.rewrite_identity(lambda value: value.replace(b"sockward counters 1", b"sockward counters 7"))
        self.begins_anew()

    def test_counters_that_have_not_the_size_of_their_version_are_refused(self):
        self.leave_records()
        self.rewrite_identity(as_version_3)  # real ones of version 3: test_layouts.py
        done = run(SOCKWARD, "run", "--web.listen-address=127.0.0.1:0", f"--restart.pin-path={self.pins}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the map counters has not the size of its layout", done.stderr)
        self.assertIn("next: run `sockward detach`", done.stderr)

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
