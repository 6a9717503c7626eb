"""`sockward why`: who gets which answer, over the query socket and from the file; and a socket that anybody
may talk to harms nobody."""
import grp
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import time
import unittest

from support import SCHEMA, SOCKWARD, Agent, Folder, Program, run, total, wait_until
from test_store import fail_to_bind

OTHERS = 4242  # a user whom nobody is


def as_user(uid, groups=()):
    """For preexec_fn."""
    def change():
        os.setgroups(groups)
        os.setgid(uid)
        os.setuid(uid)
    return change


class Case(unittest.TestCase):
    store = True

    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.query = cls.folder / "query.sock"
        flags = [f"--query.socket={cls.query}"]
        if cls.store:
            flags.append(f"--records.store={cls.folder / 'records.db'}")
        cls.agent = Agent(*flags, config="query: {group: games}\nrecords: {fold: 0}\n")
        cls.agent.__enter__()
        cls.addClassCleanup(cls.agent.__exit__)
        cls.server = socket.socket(socket.AF_UNIX)
        cls.server.bind(cls.folder / "taken")
        cls.server.listen()
        cls.addClassCleanup(cls.server.close)
        fail_to_bind(cls.folder / "taken", 3)
        wait_until(lambda: cls.why(cls.folder / "taken").returncode == 0, 10, "the failure is kept")

    @classmethod
    def why(cls, *arguments, **options):
        return run(SOCKWARD, "why", f"--query.socket={cls.query}", *arguments, **options)

    def groups(self, *arguments, **options):
        return [json.loads(line) for line in self.why("--json", *arguments, **options).stdout.splitlines()]

    def talk(self, request, patience=10):
        """What comes back for these bytes."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(patience)
            client.connect(self.query)
            answer = b""
            try:
                client.sendall(request)
                while part := client.recv(65536):
                    answer += part
            except (BrokenPipeError, ConnectionResetError):
                pass
            return answer.decode()


class Answers(Case):
    def test_failures_are_grouped_with_holder_and_fix(self):
        wait_until(lambda: self.groups(self.folder / "taken")[0]["count"] >= 3, 10, "all three")
        (group,) = self.groups(self.folder / "taken")
        self.assertEqual(group["address"], self.folder / "taken")
        self.assertEqual(group["comm"], "python3")
        self.assertLess(group["first"], group["last"])
        self.assertEqual(group["last"], group["record"]["timestamp"])
        SCHEMA.validate(group["record"])
        done = self.why(self.folder / "taken")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        attributes = group["record"]["attributes"]
        self.assertRegex(done.stdout, rf"^\d\d:\d\d:\d\d bind +EADDRINUSE +unix:{self.folder / 'taken'}\b")
        self.assertRegex(done.stdout, rf"python3\[{attributes['process.pid']}\] uid=0\(root\) .*\(3 times")
        cause, confidence = attributes["sockward.cause"], attributes["sockward.confidence"]
        self.assertIn(f"   cause  {cause} ({confidence}): ", done.stdout)
        self.assertRegex(done.stdout, rf"\n   holder python3\[{os.getpid()}\] uid 0\n")
        self.assertIn("\n   fix    ", done.stdout)

    def test_a_subject_is_a_pid_a_command_or_an_address(self):
        (group,) = self.groups(self.folder / "taken")
        pid = group["record"]["attributes"]["process.pid"]
        for subject in (str(pid), "python3", f"unix:{self.folder / 'taken'}", ""):
            found = [one["address"] for one in self.groups(*([subject] if subject else []))]
            self.assertIn(self.folder / "taken", found, subject)
        for subject in ("1", "nginx", "nginx.service", "/none", "@none", "127.0.0.1:1", "ns/pod"):
            done = self.why(subject)
            self.assertEqual((done.returncode, done.stderr), (1, ""), subject)
            self.assertIn(f"no failure of {subject} is kept", done.stdout)

    def test_since_and_a_wrong_word(self):
        self.assertEqual(self.why(self.folder / "taken", "--since", "1h").returncode, 0)
        time.sleep(1.1)
        done = self.why(self.folder / "taken", "--since", "1s")
        self.assertEqual(done.returncode, 1)
        self.assertIn("in the last 1s", done.stdout)
        for wrong in (["--since", "soon"], ["a", "b"], ["x" * 600]):
            done = self.why(*wrong)
            self.assertEqual(done.returncode, 2, wrong)
            self.assertIn("next:", done.stderr)

    def test_follow_goes_on_with_what_fails(self):
        follow = Program(SOCKWARD, "why", "--follow", "--json", f"--query.socket={self.query}",
                         self.folder / "taken", stdout=subprocess.PIPE, text=True)
        first = json.loads(follow.process.stdout.readline())
        fail_to_bind(self.folder / "taken")
        second = json.loads(follow.process.stdout.readline())
        self.assertGreater(second["first"], first["last"], "each failure once")
        self.assertEqual(second["count"], 1)
        self.assertEqual(follow.stop(signal.SIGINT), 0)
        follow.process.stdout.close()

    def test_completion_offers_what_failed(self):
        self.assertIn("python3", self.why("--complete").stdout.split())
        script = ("import socket\n"
                  "open('/proc/self/comm', 'w').write('$(id)')\n"
                  "socket.socket(socket.AF_UNIX).bind('/none/x')\n")
        run("python3", "-c", script)
        wait_until(lambda: self.why("$(id)").returncode == 0, 10, "the failure is kept")
        self.assertNotIn("$", self.why("--complete").stdout, "a shell would run it")
        done = run(SOCKWARD, "why", "--complete", "--query.socket=/none")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


class OtherUsers(Case):
    def test_a_user_gets_no_records_of_others(self):
        everybody = self.groups()
        self.assertNotEqual(everybody, [])
        for arguments in ([], [self.folder / "taken"], ["python3"], ["--since", "1h"]):
            done = self.why(*arguments, preexec_fn=as_user(OTHERS))
            self.assertEqual((done.returncode, done.stderr), (1, ""), arguments)
            self.assertNotIn("taken", done.stdout.replace(f"failure of {self.folder / 'taken'}", ""))
            self.assertIn("records of your own user", done.stdout)
        self.assertEqual(self.why("--complete", preexec_fn=as_user(OTHERS)).stdout, "")

    def test_not_by_words_in_the_request_either(self):
        request = (b'import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); '
                   b's.sendall(sys.argv[2].encode() + b"\\n"); print(s.makefile().read())').decode()
        for words in ('{"viewer":0}', '{"uid":0}', '{"subject":"x","viewer":null}', '{"sees_all":true}'):
            done = run("python3", "-c", request, self.query, words, preexec_fn=as_user(OTHERS))
            self.assertIn("nothing else", done.stdout)
        done = run("python3", "-c", request, self.query, "{}", preexec_fn=as_user(OTHERS))
        self.assertEqual(json.loads(done.stdout)["lines"], 0)

    def test_a_user_gets_the_own_ones(self):
        open_to_all = Folder()
        os.chmod(open_to_all.path, 0o777)
        script = ("import socket, sys\n"
                  "try: socket.socket(socket.AF_UNIX).bind(sys.argv[1])\n"
                  "except OSError: pass\n")
        path = open_to_all / "none/x"
        run("python3", "-c", script, path, preexec_fn=as_user(OTHERS + 1))
        own = wait_until(lambda: self.groups(preexec_fn=as_user(OTHERS + 1)), 10, "the own failure")
        self.assertEqual([group["address"] for group in own], [path])
        self.assertEqual(own[0]["record"]["attributes"]["process.user.id"], OTHERS + 1)
        self.assertEqual(self.groups(path, preexec_fn=as_user(OTHERS)), [])
        self.assertEqual(self.why("--complete", preexec_fn=as_user(OTHERS + 1)).stdout, "python3\n")

    def test_members_of_the_group_get_all(self):
        games = grp.getgrnam("games").gr_gid
        done = self.why(self.folder / "taken", preexec_fn=as_user(OTHERS, [games]))
        self.assertEqual(done.returncode, 0, done.stdout)
        done = self.why(self.folder / "taken", preexec_fn=as_user(OTHERS, [games + 12345]))
        self.assertEqual(done.returncode, 1, done.stdout)

    def test_the_file_is_for_root_alone(self):
        store = self.folder / "records.db"
        done = run(SOCKWARD, "why", f"--records.store={store}", preexec_fn=as_user(OTHERS))
        self.assertEqual(done.returncode, 1)
        self.assertIn("unable to open", done.stderr)


class Hostile(Case):
    def queries(self, outcome):
        return total(self.agent.metrics(), "sockward_queries_total", outcome=outcome)

    def test_random_bytes_get_an_error_and_the_next_client_its_answer(self):
        seed = random.Random(18)
        good = b'{"subject":"python3","since":0,"after":0,"limit":50,"names":false}'
        before = self.queries("bad_request")
        bad = 0
        for _ in range(300):
            words = bytearray(good)
            for _ in range(seed.randrange(1, 6)):
                words[seed.randrange(len(words))] = seed.randrange(256)
            answer = self.talk(bytes(words) + b"\n")
            if answer:
                bad += "error" in json.loads(answer.splitlines()[0])
        self.assertGreater(bad, 100)
        self.assertEqual(self.queries("bad_request") - before, bad)
        self.assertIn("python3", self.talk(good + b"\n"))

    def test_what_is_too_long_is_refused(self):
        self.assertIn("4096 bytes", self.talk(b"a" * 100_000))
        self.assertEqual(self.why("python3").returncode, 0)

    def test_slow_clients_are_closed_and_hold_up_nobody(self):
        before = self.queries("slow")
        slow = []
        for _ in range(3):
            client = socket.socket(socket.AF_UNIX)
            client.connect(self.query)
            client.sendall(b"{")
            slow.append(client)
        start = time.monotonic()
        self.assertEqual(self.why("python3").returncode, 0)
        self.assertLess(time.monotonic() - start, 1.5, "nobody waits for them")
        self.assertEqual(self.agent.get("/-/healthy").status, 200)
        for client in slow:
            client.settimeout(10)
            self.assertEqual(client.recv(10), b"", "closed")
            client.close()
        self.assertEqual(self.queries("slow") - before, 3)

    def test_one_user_cannot_take_every_place(self):
        before = self.queries("busy")
        held = []
        for _ in range(4):
            client = socket.socket(socket.AF_UNIX)
            client.connect(self.query)
            held.append(client)
        wait_until(lambda: "too many" in self.talk(b"{}\n"), 5, "the fifth is refused")
        done = self.why("--json", preexec_fn=as_user(OTHERS))
        self.assertEqual((done.returncode, done.stderr), (1, ""), "another user is answered")
        for client in held:
            client.close()
        self.assertGreater(self.queries("busy"), before)

    def test_a_user_who_asks_all_the_time_is_told_to_wait(self):
        script = ("import socket, sys\n"
                  "for _ in range(60):\n"
                  "  with socket.socket(socket.AF_UNIX) as s:\n"
                  "    s.connect(sys.argv[1]); s.sendall(b'{}\\n'); print(s.makefile().readline(), end='')\n")
        done = run("python3", "-c", script, self.query, preexec_fn=as_user(OTHERS + 2))
        lines = done.stdout.splitlines()
        refused = sum("too often" in line for line in lines)
        self.assertEqual(len(lines), 60)
        self.assertGreater(refused, 10)
        self.assertGreaterEqual(60 - refused, 20)

    def test_http_has_no_path_to_it(self):
        for path in ("/query", "/-/query", "//query", "/query?subject="):
            with self.assertRaisesRegex(OSError, "404"):
                self.agent.get(path)


class WithoutStore(Case):
    store = False

    def test_the_agent_answers_from_memory(self):
        wait_until(lambda: self.groups(self.folder / "taken")[0]["count"] >= 3, 10, "all three")
        self.assertIn('"source":"agent"', self.talk(b"{}\n"))
        self.assertEqual(self.groups(self.folder / "taken", preexec_fn=as_user(OTHERS)), [])


class WithoutAgent(unittest.TestCase):
    def test_it_says_so_and_what_to_do(self):
        why = [SOCKWARD, "why", "--query.socket=/none/query.sock"]
        script = 'mount -t tmpfs -o mode=755 none /var/lib && exec "$@"'
        as_root = run("unshare", "-m", "sh", "-c", script, "sh", *why)
        for done in (as_root, run(*why, preexec_fn=as_user(OTHERS))):
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, "no agent answers: .*/none/query.sock: No such file.*record store")
            self.assertRegex(done.stderr, "next: start the agent .*sockward trace")

    def test_root_reads_the_file_of_an_agent_that_was_killed(self):
        folder = Folder()
        store, query = folder / "records.db", folder / "query.sock"
        with Agent(f"--records.store={store}", f"--query.socket={query}") as agent:
            run("python3", "-c", "import socket; socket.socket(socket.AF_UNIX).bind('/none/x')")
            wait_until(lambda: run(SOCKWARD, "why", "/none/x", f"--query.socket={query}").returncode == 0, 10,
                       "the record is kept")
            agent.kill()
        script = (f'mount -t tmpfs none /var/lib && mkdir /var/lib/sockward && '
                  f'mount --bind {folder.path} /var/lib/sockward && '
                  f'exec {SOCKWARD} why /none/x --query.socket={query}')
        done = run("unshare", "-m", "sh", "-c", script)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("/none/x", done.stdout)
        with Agent(f"--records.store={store}", f"--query.socket={query}"):
            self.assertEqual(run(SOCKWARD, "why", "/none/x", f"--query.socket={query}").returncode, 0,
                             "the next agent answers at the same place, and knows it still")

    def test_names_in_a_file_cannot_steer_the_terminal(self):
        folder = Folder()
        store = folder / "records.db"
        with Agent(f"--records.store={store}"):
            run("python3", "-c", "import socket; socket.socket(socket.AF_UNIX).bind('/none/x')")
            wait_until(lambda: run(SOCKWARD, "why", f"--records.store={store}").returncode == 0, 10, "kept")
        with sqlite3.connect(store) as database:
            database.execute("UPDATE bodies SET record = replace(record, '/none/x', '/none/\\u001b[2J')")
            database.execute("UPDATE records SET comm = char(27) || '[2J'")
        done = run(SOCKWARD, "why", f"--records.store={store}")
        self.assertIn("\\x1b", done.stdout)
        self.assertNotIn("\x1b", done.stdout)


if __name__ == "__main__":
    unittest.main()
