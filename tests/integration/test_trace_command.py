"""`sockward trace -- COMMAND`: failures of the command and its descendants, and of nobody else."""
import grp
import json
import os
import pathlib
import pty
import pwd
import select
import signal
import socket
import subprocess
import sys
import termios
import time
import unittest

from support import SCHEMA, SOCKWARD, Folder, Program, free_port, require, run, wait_until

USER = pwd.getpwnam("nobody")


def trace(*words, flags=(), **options):
    return run(SOCKWARD, "trace", *flags, "--", *map(str, words), **options)


def as_sudo(user=USER):
    """The environment as sudo makes it for root, called by this user."""
    return {**os.environ, "SUDO_UID": str(user.pw_uid), "SUDO_GID": str(user.pw_gid),
            "SUDO_USER": user.pw_name, "SUDO_COMMAND": "sockward", "HOME": "/root", "USER": "root",
            "LOGNAME": "root", "MAIL": "/var/mail/root"}


def python(text):
    return sys.executable, "-c", text


def setUpModule():
    # A shell that starts something in the background has it ignore these, and so would what is started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


class Records:
    """What a trace with --json wrote into a file."""

    def __init__(self):
        self.path = Folder() / "records.jsonl"
        self.flags = ["--json", "--output", self.path]

    def attributes(self):
        records = [json.loads(line) for line in pathlib.Path(self.path).read_text().splitlines()]
        for record in records:
            SCHEMA.validate(record)
        return [record["attributes"] for record in records]


class Taken:
    """A port and a socket path that somebody serves."""

    def __enter__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.bind = f"import socket; socket.socket().bind(('127.0.0.1', {self.port}))"
        return self

    def __exit__(self, *error):
        self.server.close()


class Reports(unittest.TestCase):
    def test_what_the_command_fails_and_not_what_others_do(self):
        with Taken() as taken:
            others = Program("sh", "-c", f"while :; do '{sys.executable}' -c \"{taken.bind}\"; done",
                             stderr=subprocess.DEVNULL, start_new_session=True)
            try:
                done = trace(*python(taken.bind + "\n"))
            finally:
                os.killpg(others.process.pid, signal.SIGKILL)
                others.process.wait()
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "", "standard output is the command's own")
        self.assertEqual(done.stderr.count(" EADDRINUSE   "), 1, done.stderr)
        self.assertRegex(done.stderr, r"(?m)^sockward: \S+ exited with 1; 1 of its calls failed:\n"
                                      r" +1 address_in_use\n +1 +bind EADDRINUSE 127\.0\.0\.1:\d+ by python")
        self.assertIn(f"held by {pathlib.Path(sys.executable).resolve().name[:15]}"[:15], done.stderr)
        self.assertRegex(done.stderr, r"fix +stop pid \d+")

    def test_nothing_that_failed_is_said(self):
        done = trace("true")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertEqual(done.stderr, "attached\nsockward: true exited with 0; no socket call of it failed\n")

    def test_the_command_starts_when_all_is_attached(self):
        done = trace("sh", "-c", "echo started >&2")
        self.assertEqual(done.stderr.splitlines()[:2], ["attached", "started"])

    def test_nginx_beside_another_one(self):
        require("nginx")
        folder, port = Folder(), free_port()

        def configure(name, listen):
            text = f"""daemon on; pid {folder.path}/{name}.pid;
                error_log {folder.path}/{name}.log;
                events {{}} http {{ access_log off; client_body_temp_path {folder.path}/body;
                proxy_temp_path {folder.path}/proxy; fastcgi_temp_path {folder.path}/fastcgi;
                uwsgi_temp_path {folder.path}/uwsgi; scgi_temp_path {folder.path}/scgi;
                server {{ listen 127.0.0.1:{listen};
                          location / {{ proxy_pass http://unix:{folder.path}/none.sock; }} }} }}"""
            pathlib.Path(folder / f"{name}.conf").write_text(text)
            return ["nginx", "-e", folder / f"{name}.log", "-c", folder / f"{name}.conf"]

        first = configure("first", port)
        self.assertEqual(run(*first).returncode, 0)
        try:
            records = Records()
            second = configure("second", port)
            # The one that runs fails as well, meanwhile: its upstream is not there.
            ask = f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}')"
            asking = Program("sh", "-c", f"while :; do '{sys.executable}' -c \"{ask}\"; done",
                             stderr=subprocess.DEVNULL, start_new_session=True)
            try:
                done = trace(*second, flags=records.flags)
            finally:
                os.killpg(asking.process.pid, signal.SIGKILL)
                asking.process.wait()
        finally:
            run(*first, "-s", "stop")
        self.assertEqual(done.returncode, 1, done.stderr)
        found = records.attributes()
        self.assertEqual([(a["error.type"], a["sockward.cause"], a["sockward.address"]) for a in found],
                         [("EADDRINUSE", "address_in_use", f"127.0.0.1:{port}")] * 5, "it tries five times")
        self.assertEqual({a["sockward.holder.comm"] for a in found}, {"nginx"})
        self.assertIn("failed (98: Address already in use)", done.stderr)
        self.assertIn("5 of its calls failed", done.stderr)

    def test_a_script_with_pipes(self):
        folder = Folder()
        script = (f"(rm -f {folder.path}/none; {sys.executable} -c \"import socket\n"
                  f"socket.socket(socket.AF_UNIX).connect('{folder.path}/none')\" 2>/dev/null "
                  "|| echo failed) | tr a-z A-Z | cat; exit 3")
        done = trace("sh", "-c", script)
        self.assertEqual((done.returncode, done.stdout), (3, "FAILED\n"))
        self.assertRegex(done.stderr, rf"connect ENOENT unix:{folder.path}/none by python")
        self.assertIn("sockward: sh exited with 3; 1 of its calls failed:", done.stderr)

    def test_a_daemon_is_reported_after_the_command_has_ended(self):
        with Taken() as taken:
            daemon = f"""import os, time
if child := os.fork():
    os.waitpid(child, 0)
    os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
time.sleep(0.3)
{taken.bind}"""
            records = Records()
            done = trace(*python(daemon), flags=records.flags)
            self.assertEqual(done.returncode, 0)
            self.assertEqual([a["sockward.cause"] for a in records.attributes()], ["address_in_use"])
            self.assertNotIn("still run", done.stderr)
            # It goes on for so long and no longer.
            left = trace(*python(daemon.replace("0.3", "3")), flags=["--linger", "0"])
            self.assertIn("1 of its processes still run and are traced no more", left.stderr)
            self.assertIn("no socket call of it failed", left.stderr)

    def test_no_short_lived_grandchild_is_missed(self):
        with Taken() as taken:
            forks = f"""import os, socket
for i in range(200):
    if os.fork() == 0:
        if os.fork() == 0:
            s = socket.socket()
            s.connect_ex(('127.0.0.1', {free_port()}))
        os._exit(0)
    os.wait()"""
            records = Records()
            done = trace(*python(forks), flags=records.flags)
            del taken
        self.assertEqual(len(records.attributes()), 200, done.stderr)
        self.assertIn("200 of its calls failed:", done.stderr)

    def test_what_libc_asks_in_vain_is_left_out_unless_errors_are_named(self):
        ask = python("import socket; socket.socket(socket.AF_UNIX).connect('/run/nscd/socket')")
        if pathlib.Path("/run/nscd/socket").exists():
            self.skipTest("nscd runs here")
        self.assertIn("no socket call of it failed", trace(*ask).stderr)
        self.assertIn("1 of its calls failed", trace(*ask, flags=["--errno", "default"]).stderr)

    def test_json_lines_are_on_standard_error_beside_a_command(self):
        with Taken() as taken:
            done = trace(*python(taken.bind), flags=["--json"])
        lines = [line for line in done.stderr.splitlines() if line.startswith("{")]
        self.assertEqual([json.loads(line)["attributes"]["sockward.cause"] for line in lines],
                         ["address_in_use"])


class Ends(unittest.TestCase):
    def test_exit_codes_are_passed_on(self):
        for code in (0, 1, 2, 77, 255):
            self.assertEqual(trace("sh", "-c", f"exit {code}").returncode, code)
        done = trace("sh", "-c", "kill -SEGV $$")
        self.assertEqual(done.returncode, 128 + signal.SIGSEGV)
        self.assertIn("sh was killed by SIGSEGV", done.stderr)

    def test_a_command_that_cannot_run(self):
        folder = Folder()
        for name, text in (("plain", "text"), ("lost", "#!/none/interpreter\n")):
            pathlib.Path(folder / name).write_text(text)
        os.chmod(folder / "lost", 0o755)
        for word, code, said in (("sockward-none", 127, "sockward-none: command not found in PATH"),
                                 (folder / "none", 127, "no such file"),
                                 (folder / "lost", 127, "interpreter"),
                                 (folder / "plain", 126, "Permission denied"),
                                 ("/", 126, "Permission denied"),
                                 ("\x1b[31m", 127, "\\x1b[31m: command not found")):
            done = trace(word)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(said, done.stderr)
            self.assertIn("next:", done.stderr)
            self.assertNotIn("exited", done.stderr)

    def test_wrong_usage(self):
        for words, said in ((["--"], "no command after --"), (["--pid", "1", "--", "true"], "--pid"),
                            (["--duration", "1", "--", "true"], "timeout(1)"),
                            (["true"], "behind --"), (["--comm", "(", "--", "true"], "regular expression")):
            done = run(SOCKWARD, "trace", *words)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(said, done.stderr)
        # Flags behind -- are the command's.
        self.assertEqual(trace("sh", "-c", "echo $0 $1", "--json", "--help").stdout, "--json --help\n")


class Signals(unittest.TestCase):
    def start(self, script):
        program = Program(SOCKWARD, "trace", "--", "sh", "-c", script, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
        self.assertEqual(program.process.stdout.readline(), "ready\n")
        return program.process

    def test_a_signal_to_sockward_is_passed_on(self):
        for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1):
            process = self.start(f"trap 'echo caught; exit 5' {sig.name[3:]}; echo ready; "
                                 "while :; do sleep 0.05; done")
            process.send_signal(sig)
            out, err = process.communicate(timeout=20)
            self.assertEqual((out, process.returncode), ("caught\n", 5), (sig, err))
            self.assertIn("sh exited with 5;", err)

    def test_one_that_it_does_not_catch_kills_it(self):
        process = self.start("echo ready; exec sleep 100")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertIn("sh was killed by SIGTERM;", err)

    def test_it_does_not_die_before_the_command(self):
        process = self.start("trap '' TERM INT; echo ready; sleep 1; echo done; exit 4")
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
        self.assertEqual((out, process.returncode), ("done\n", 4))


class Terminal:
    """`sockward trace -- …` in the foreground of a terminal of its own, as a shell starts it."""

    def __init__(self, *words):
        self.text = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(SOCKWARD, [SOCKWARD, "trace", "--", *words])

    def read_until(self, wanted, seconds=20):
        end = time.monotonic() + seconds
        while wanted not in self.text:
            if time.monotonic() > end:
                raise AssertionError(f"no {wanted!r} in {self.text!r}")
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.fd, 4096)
                except OSError:  # the last one has closed it
                    if wanted not in self.text:
                        raise AssertionError(f"no {wanted!r} in {self.text!r}") from None

    def type(self, text):
        os.write(self.fd, text)

    def end(self):
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


class Terminals(unittest.TestCase):
    def test_ctrl_c_ends_the_command_and_its_failures_are_still_summed_up(self):
        with Taken() as taken:
            terminal = Terminal("sh", "-c", f"{sys.executable} -c \"{taken.bind}\" 2>/dev/null; echo ready; "
                                            "exec sleep 100")
            terminal.read_until(b"ready")
            terminal.type(b"\x03")
            terminal.read_until(b"sh was killed by SIGINT; 1 of its calls failed:")
            self.assertEqual(terminal.end(), 128 + signal.SIGINT)

    def test_a_command_that_handles_ctrl_c_gets_it_once_and_goes_on(self):
        terminal = Terminal(*python("""import signal, sys
caught = []
signal.signal(signal.SIGINT, lambda *_: (caught.append(1), print('caught', len(caught), flush=True)))
print('ready', flush=True)
for line in sys.stdin: print('got', line, flush=True)
sys.exit(6)"""))
        terminal.read_until(b"ready")
        terminal.type(b"\x03")
        terminal.read_until(b"caught 1")
        terminal.type(b"hello\n")  # the terminal is still the command's
        terminal.read_until(b"got hello")
        self.assertNotIn(b"caught 2", terminal.text)
        terminal.type(b"\x04")
        terminal.read_until(b" exited with 6;")
        self.assertEqual(terminal.end(), 6)

    def test_a_command_that_reads_passwords_can_turn_echo_off(self):
        terminal = Terminal("sh", "-c", "stty -echo; echo ready; read -r word; stty echo; echo ${#word}")
        terminal.read_until(b"ready")
        wait_until(lambda: not termios.tcgetattr(terminal.fd)[3] & termios.ECHO, 5, "echo is off")
        terminal.type(b"secret\n")
        terminal.read_until(b"6\r\n")
        self.assertNotIn(b"secret", terminal.text)
        terminal.read_until(b"sh exited with 0;")
        self.assertEqual(terminal.end(), 0)

    def test_ctrl_z_stops_both_and_fg_continues_both(self):
        require("bash")
        terminal = Terminal.__new__(Terminal)
        terminal.text = b""
        terminal.pid, terminal.fd = pty.fork()
        if terminal.pid == 0:
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
        terminal.type(f"PS1=; {SOCKWARD} trace -- sh -c 'echo rea''dy; cat; exit 8'; echo st''atus $?\n"
                      .encode())
        terminal.read_until(b"ready\r\n")
        terminal.type(b"\x1a")
        terminal.read_until(b"Stopped")
        wait_until(lambda: os.tcgetpgrp(terminal.fd) == terminal.pid, 5, "the shell is in the foreground")
        terminal.type(b"fg; echo st''atus $?\n")
        wait_until(lambda: os.tcgetpgrp(terminal.fd) != terminal.pid, 5, "the job is in the foreground")
        terminal.type(b"go\n")
        terminal.read_until(b"go\r\ngo\r\n")
        terminal.type(b"\x04")
        terminal.read_until(b"sh exited with 8;")
        terminal.read_until(b"status 8")
        terminal.type(b"exit\n")
        terminal.end()


class Identity(unittest.TestCase):
    def identity(self, *flags, **options):
        done = trace(*python("import os, json; print(json.dumps([os.getresuid(), os.getresgid(), "
                             "os.getgroups(), dict(os.environ), sorted(os.listdir('/proc/self/fd')), "
                             "open('/proc/self/status').read()]))"), flags=flags, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_under_sudo_it_runs_as_the_user_who_called_it(self):
        users, groups, more, environment, _, status = self.identity(env=as_sudo())
        self.assertEqual((users, groups), ([USER.pw_uid] * 3, [USER.pw_gid] * 3))
        expected = {USER.pw_gid, *(g.gr_gid for g in grp.getgrall() if USER.pw_name in g.gr_mem)}
        self.assertEqual(set(more), expected)
        self.assertEqual([environment.get(name) for name in ("HOME", "USER", "LOGNAME", "SHELL", "MAIL")],
                         [USER.pw_dir, USER.pw_name, USER.pw_name, USER.pw_shell,
                          f"/var/mail/{USER.pw_name}"])
        self.assertEqual([name for name in environment if name.startswith("SUDO_")], [])
        for line in ("CapEff", "CapPrm", "CapAmb"):
            self.assertRegex(status, rf"{line}:\s+0+\n")

    def test_as_root_and_without_sudo_nothing_changes(self):
        users, groups, more, environment, *_ = self.identity("--as-root", env=as_sudo())
        self.assertEqual((users, groups, more), ([0] * 3, [0] * 3, os.getgroups()))
        self.assertEqual((environment["SUDO_USER"], environment["HOME"]), (USER.pw_name, "/root"))
        users, _, more, environment, *_ = self.identity(env={"PATH": os.environ["PATH"], "X": "y"})
        self.assertEqual((users, more), ([0] * 3, os.getgroups()))
        self.assertEqual(environment["X"], "y")

    def test_a_user_without_an_entry_runs_with_the_group_of_sudo(self):
        env = {**as_sudo(), "SUDO_UID": "54321", "SUDO_GID": "54322"}
        users, groups, more, environment, *_ = self.identity(env=env)
        self.assertEqual((users, groups, more), ([54321] * 3, [54322] * 3, [54322]))
        self.assertEqual((environment["HOME"], environment.get("USER")), ("/", None))

    def test_a_wrong_id_starts_nothing(self):
        for env in ({"SUDO_UID": "me"}, {"SUDO_UID": "-1"}, {"SUDO_UID": ""}, {"SUDO_UID": "4294967295"},
                    {"SUDO_GID": "0x0"}):
            done = trace("echo", "started", env={**as_sudo(), **env})
            self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
            self.assertIn("is not an id", done.stderr)

    def test_it_gets_what_sockward_got_and_nothing_of_its_own(self):
        tell = python("import os, json; print(json.dumps([sorted(os.listdir('/proc/self/fd')), "
                      "open('/proc/self/status').read(), open('/proc/self/limits').read()]))")
        with open("/dev/null", encoding="utf-8") as given:
            direct, traced = (json.loads(start(*tell, pass_fds=[given.fileno()]).stdout)
                              for start in (run, trace))
        self.assertEqual(traced[0], direct[0], "open descriptors")
        for line in ("SigBlk", "SigIgn", "SigCgt", "NoNewPrivs", "Seccomp", "CapEff", "CapInh", "CapBnd",
                     "Umask", "Groups"):
            pick = [next(each for each in text.splitlines() if each.startswith(line + ":"))
                    for text in (direct[1], traced[1])]
            self.assertEqual(*pick)
        self.assertEqual(traced[2], direct[2], "limits")


if __name__ == "__main__":
    unittest.main()
