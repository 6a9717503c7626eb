"""The record store survives what happens to it: SIGKILL, a full disk, damage, a newer version."""
import glob
import os
import pathlib
import re
import socket
import sqlite3
import subprocess
import unittest

from support import PROVOKE, SOCKWARD, Agent, Folder, own_container, run, total, wait_until


def fail_to_bind(path, times=1):
    """EADDRINUSE, in a process of its own each time: nothing is folded."""
    script = ("import os, socket, sys\n"
              "for _ in range(int(sys.argv[2])):\n"
              "  child = os.fork()\n"
              "  if child == 0:\n"
              "    try: socket.socket(socket.AF_UNIX).bind(sys.argv[1])\n"
              "    except OSError: pass\n"
              "    os._exit(0)\n"
              "  os.waitpid(child, 0)\n")
    subprocess.run(["python3", "-c", script, path, str(times)], check=True)


def kept(path):
    """How many records the file has."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        return database.execute("SELECT count(*) FROM records JOIN bodies USING(id)").fetchone()[0]


def dropped(metrics, reason):
    return total(metrics, "sockward_store_dropped_total", reason=reason)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.store = self.folder / "records.db"
        self.taken = self.folder / "taken"
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.taken)
        self.addCleanup(self.server.close)

    def agent(self, *flags, **options):
        return Agent(f"--records.store={self.store}", *flags, **options)

    def why(self, *arguments):
        return run(SOCKWARD, "why", f"--records.store={self.store}", *arguments)


class Survival(Case):
    def test_a_record_is_kept_within_a_second_and_over_a_restart(self):
        with self.agent() as agent:
            fail_to_bind(self.taken)
            wait_until(lambda: self.why(self.taken).returncode == 0, 5, "the record is kept")
            self.assertGreaterEqual(agent.metrics()["sockward_store_records_total"], 1)
            self.assertGreater(agent.metrics()["sockward_store_bytes"], 0)
        self.assertIn(self.taken, self.why(self.taken).stdout)
        with self.agent():
            self.assertIn(self.taken, self.why(self.taken).stdout)
        self.assertEqual(os.stat(self.store).st_mode & 0o777, 0o600)

    def test_what_was_committed_is_there_after_a_kill_in_a_storm(self):
        with self.agent(config="limits: {source_rate: 0, address_rate: 0}\n") as agent:
            storm = subprocess.Popen(["python3", "-c", "import socket, sys\n"
                                      "while True:\n"
                                      "  try: socket.socket(socket.AF_UNIX).bind(sys.argv[1] + '/none/x')\n"
                                      "  except OSError: pass\n", self.folder.path])
            self.addCleanup(storm.wait)
            self.addCleanup(storm.kill)
            fail_to_bind(self.taken, 50)
            written = wait_until(lambda: agent.metrics()["sockward_store_records_total"], 10, "some are kept")
            agent.kill()
        # As the file is, without anybody who puts it in order first.
        with sqlite3.connect(self.store) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchone()[0], "ok")
        self.assertGreaterEqual(kept(self.store), written)
        self.assertEqual(self.why().returncode, 0)
        before = kept(self.store)
        with self.agent() as agent:
            fail_to_bind(self.taken)
            wait_until(lambda: kept(self.store) > before, 10, "the next agent goes on with the file")
            self.assertEqual(total(agent.metrics(), "sockward_store_set_aside_total"), 0)


class FullDisk(Case):
    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        os.mkdir(self.disk)
        self.store = os.path.join(self.disk, "records.db")

    def test_it_goes_on_counts_and_recovers(self):
        script = f'mount -t tmpfs -o size=1m,mode=755 none {self.disk} && exec "$@"'
        self.agent_of = self.agent(config="records: {fold: 0}\nlimits: {source_rate: 0, address_rate: 0}\n")
        self.agent_of.command = ["unshare", "-m", "sh", "-c", script, "sh", *self.agent_of.command]
        with self.agent_of as agent:
            inside = ["nsenter", "-m", "-t", str(agent.pid)]

            def in_storm():
                fail_to_bind(self.taken, 200)
                return dropped(agent.metrics(), "disk_full") > 0
            wait_until(in_storm, 60, "the disk is full")
            metrics = agent.metrics()
            self.assertGreater(metrics["sockward_store_records_total"], 0)
            self.assertEqual(dropped(metrics, "write_error"), 0)
            self.assertIn("cannot store records", agent.said())
            self.assertIn("df -h", agent.said())
            # What is in the file can still be asked for.
            done = run(*inside, SOCKWARD, "why", f"--records.store={self.store}")
            self.assertEqual(done.returncode, 0, done.stderr)
            run(*inside, "mount", "-o", "remount,size=32m", self.disk, check=True)
            written = metrics["sockward_store_records_total"]

            def again():
                fail_to_bind(self.taken)
                return agent.metrics()["sockward_store_records_total"] > written
            wait_until(again, 20, "records are kept again")
            self.assertRegex(agent.said(), "are stored in .* again; [0-9]+ were dropped")


class UselessFile(Case):
    def test_a_damaged_file_is_set_aside_said_and_replaced(self):
        with self.agent():
            fail_to_bind(self.taken, 20)
            wait_until(lambda: self.why().returncode == 0, 10, "records are kept")
        damaged = bytearray(pathlib.Path(self.store).read_bytes())
        damaged[4096:] = b"\x5a" * (len(damaged) - 4096)
        pathlib.Path(self.store).write_bytes(damaged)
        with self.agent() as agent:
            wait_until(lambda: total(agent.metrics(), "sockward_store_set_aside_total", reason="damaged"), 10,
                       "the damaged file is set aside")
            aside = glob.glob(self.store + ".damaged-*")
            self.assertEqual(len(aside), 1)
            self.assertEqual(pathlib.Path(aside[0]).read_bytes()[4096:], damaged[4096:])
            self.assertIn(aside[0], agent.said())
            self.assertIn("next:", agent.said())
            fail_to_bind(self.taken)
            wait_until(lambda: self.why(self.taken).returncode == 0, 10, "the new file takes records")

    def test_a_newer_file_is_set_aside(self):
        with sqlite3.connect(self.store) as database:
            database.execute("CREATE TABLE of_tomorrow(x)")
            database.execute("PRAGMA user_version=99")
        done = self.why()
        self.assertEqual(done.returncode, 1)
        self.assertIn("newer version", done.stderr)
        with self.agent() as agent:
            fail_to_bind(self.taken)
            wait_until(lambda: self.why(self.taken).returncode == 0, 10, "records are kept")
            self.assertEqual(total(agent.metrics(), "sockward_store_set_aside_total", reason="newer"), 1)
            self.assertIn("schema 99", agent.said())
        self.assertEqual(len(glob.glob(self.store + ".newer-*")), 1)

    def test_a_place_that_cannot_be_is_said_at_the_start(self):
        done = run(SOCKWARD, "run", "--web.listen-address=127.0.0.1:0", "--restart.pin-path=off",
                   "--records.store=/none/records.db")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"records.store /none/records.db: No such file .*\n *next: .*folder")
        done = run(SOCKWARD, "run", "--records.store=records.db")
        self.assertEqual(done.returncode, 2)
        self.assertIn("absolute path", done.stderr)


class Places(Case):
    def test_it_is_off_unless_set_or_under_systemd(self):
        with Agent() as agent:
            self.assertEqual(agent.metrics()["sockward_store_bytes"], 0)
        own = {"STATE_DIRECTORY": self.folder.path, "RUNTIME_DIRECTORY": self.folder.path}
        with Agent(environment=own) as agent:
            wait_until(lambda: agent.metrics()["sockward_store_bytes"] > 0, 10, "there is a store")
            self.assertTrue(os.path.exists(self.store))
            self.assertTrue(os.path.exists(self.folder / "query.sock"))
        self.assertFalse(os.path.exists(self.folder / "query.sock"), "removed at a stop")

    def test_a_reload_changes_its_place(self):
        other = self.folder / "other.db"
        with Agent(config=f"records: {{store: {self.store}}}\n") as agent:
            pathlib.Path(agent.folder / "sockward.yml").write_text(f"records: {{store: {other}}}\n")
            wait_until(lambda: os.path.exists(other), 10, "the other file is made")
            fail_to_bind(self.taken)
            why = [SOCKWARD, "why", f"--records.store={other}", self.taken]
            wait_until(lambda: run(*why).returncode == 0, 10, "the other file takes records")


class Columns(Case):
    def test_a_container_is_found_by_its_name(self):
        container = own_container(self)
        name = re.sub("^docker:", "", container.label)
        with self.agent():
            subprocess.run([PROVOKE, "all", self.folder.path], preexec_fn=container.enter, check=True,
                           capture_output=True)
            wait_until(lambda: self.why(name).returncode == 0, 10, "its records are kept")
            self.assertEqual(self.why("docker:" + name).returncode, 0)
            self.assertEqual(self.why("docker:none").returncode, 1)


if __name__ == "__main__":
    unittest.main()
