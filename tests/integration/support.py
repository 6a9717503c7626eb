"""Starts and stops the programs under test. Python's standard library, and jsonschema for the records."""
import atexit
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import unittest
import urllib.request

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SOCKWARD_BUILD", ROOT / "build/release"))
SOCKWARD = str(BUILD / "bin/sockward")
PROVOKE = str(BUILD / "bin/provoke")
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/records.schema.json").read_text()))


class Checks:
    """Of a script that is no unittest: a line for each thing that is right or wrong; at the end a line of
    its `title`, how many were right, how many wrong."""

    def __init__(self, title):
        self.title, self.right, self.wrong = title, 0, 0

    def that(self, what, fine, *said):
        """`said`: what is shown where it is wrong."""
        if fine:
            self.right += 1
            print(f"ok {what}", flush=True)
        else:
            self.wrong += 1
            print(f"WRONG {what}", *(str(line)[:1500] for line in said), sep="\n      ", flush=True)

    def end(self, *more):
        print(self.title, self.right, self.wrong, *more)
        sys.exit(1 if self.wrong else 0)


def require(program):
    """A missing program is a failure where everything must run, else a skip that says so."""
    if shutil.which(program):
        return
    if os.environ.get("SOCKWARD_REQUIRE_BPF") == "1":
        raise AssertionError(f"{program} is not installed, and nothing may be skipped here")
    raise unittest.SkipTest(f"{program} is not installed")


def fork(body):
    """A child that does this and ends. Its pid."""
    child = os.fork()
    if child == 0:
        try:
            body()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    return child


def last_value(condition, seconds, pause=0.1):
    """What the condition returns as soon as that is true; else what it returned last. It may stay false."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(pause)


def wait_until(condition, seconds=10, what="condition"):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Folder:
    """A temporary folder that other users may enter, removed at exit."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="sockward-test-")
        os.chmod(self.path, 0o755)
        atexit.register(shutil.rmtree, self.path, ignore_errors=True)

    def __truediv__(self, name):
        return os.path.join(self.path, name)


class Program:
    """A child process; stopped by its pid, never by name."""

    def __init__(self, *command, **options):
        self.process = subprocess.Popen(command, **options)
        atexit.register(self.stop)

    def stop(self, sig=signal.SIGTERM, seconds=60):
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.process.args} did not stop on signal {sig}")


class Trace:
    """`sockward trace --json` while the body of a `with` runs; afterwards `.records` holds what it wrote."""

    def __init__(self, *flags):
        self.flags = flags
        self.records = []

    def __enter__(self):
        self.output = tempfile.TemporaryFile("a+")
        self.program = Program(SOCKWARD, "trace", "--json", *self.flags, stdout=self.output,
                               stderr=subprocess.PIPE, text=True)
        line = self.program.process.stderr.readline().strip()
        if line != "attached":
            raise AssertionError(f"trace said {line!r} instead of 'attached'")
        return self

    def __exit__(self, *error):
        code = self.program.stop()
        self.stderr = self.program.process.stderr.read()
        if code != 0:
            raise AssertionError(f"trace ended with {code}: {self.stderr}")
        self.program.process.stderr.close()
        with self.output:
            self.output.seek(0)
            for line in self.output:
                record = json.loads(line)
                SCHEMA.validate(record)
                self.records.append(record)

    def attributes(self, **wanted):
        """Attributes of the records for which every given attribute has the value; '__' stands for '.'."""
        pairs = {name.replace("__", "."): value for name, value in wanted.items()}
        found = [record["attributes"] for record in self.records]
        return [a for a in found if all(a.get(name) == value for name, value in pairs.items())]


def pids_root():
    """Where containers are told apart on this host: the v1 pids hierarchy, or v2."""
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        lines = [line.split() for line in mounts]
    v1 = [line[4] for line in lines
          if line[line.index("-") + 1] == "cgroup" and "pids" in line[-1].split(",")]
    v2 = [line[4] for line in lines if line[line.index("-") + 1] == "cgroup2"]
    return (v1 or v2)[0]


class Cgroup:
    """A cgroup with a container's name; removed when the test is over."""

    def __init__(self, name):
        self.path = os.path.join(pids_root(), name)

    def __enter__(self):
        os.makedirs(self.path, exist_ok=True)
        return self

    def __exit__(self, *error):
        self.remove()

    def remove(self):
        for folder in (self.path, os.path.dirname(self.path)):
            try:
                os.rmdir(folder)
            except OSError:
                pass

    def enter(self):
        """For preexec_fn: the child starts in this cgroup."""
        with open(os.path.join(self.path, "cgroup.procs"), "w", encoding="ascii") as procs:
            procs.write("0")


class OwnContainer(Cgroup):
    """A container of a test's own: what fails in there, no neighbour made."""

    def __init__(self):
        number = os.urandom(32).hex()
        super().__init__(f"docker/{number}")
        self.label = "docker:" + number[:12]

    def run(self, *command):
        subprocess.run(command, check=True, preexec_fn=self.enter)

    def failures(self, metrics, **labels):
        return total(metrics, "sockward_call_errors_total", container_name=self.label, **labels)


def own_container(test):
    """One that lives as long as the test."""
    container = OwnContainer()
    container.__enter__()
    test.addCleanup(container.remove)
    return container


def enter_own_container(test):
    """This process itself lives in one, as long as the test: what
    is told by container is told of it alone."""
    container = own_container(test)
    with open("/proc/self/cgroup", encoding="ascii") as file:
        lines = [line.rstrip("\n").split(":", 2) for line in file]
    v1 = [path for _, controllers, path in lines if "pids" in controllers.split(",")]
    former = Cgroup((v1 or [path for number, _, path in lines if number == "0"])[0].lstrip("/"))
    container.enter()
    test.addCleanup(former.enter)
    return container


def path_through_a_loop():
    """To bind below it fails with ELOOP, which nobody else's
    binds do: where a counter knows no containers."""
    folder = Folder()
    os.symlink("loop", folder / "loop")
    return folder / "loop/s"


def events(metrics):
    """All records that the kernel made, of whomever."""
    return sum(total(metrics, f"sockward_events_{what}_total") for what in ("received", "lost", "suppressed"))


class Agent:
    """`sockward run` on a free port, with pins of its own, while the body of a `with` runs."""

    def __init__(self, *flags, config=None, output="off", environment=None, preexec=None):
        self.preexec = preexec
        self.environment = {**os.environ, **(environment or {})}
        self.folder = Folder()
        self.port = free_port()
        self.command = [SOCKWARD, "run", f"--web.listen-address=127.0.0.1:{self.port}",
                        f"--records.output={output}", *flags]
        if not any(flag.startswith("--restart.pin-path") for flag in flags):
            self.command.append(f"--restart.pin-path=/sys/fs/bpf/sockward-agent-{self.port}")
        if config:
            path = self.folder / "sockward.yml"
            pathlib.Path(path).write_text(config)
            self.command.append(f"--config.file={path}")

    def __enter__(self):
        self.output = tempfile.TemporaryFile("w+")
        self.log = tempfile.TemporaryFile("w+")
        self.killed = False
        self.program = Program(*self.command, stdout=self.output, stderr=self.log, env=self.environment,
                               preexec_fn=self.preexec)
        # 0.5 s, and more than 20 on a machine with ten others at work.
        wait_until(self.ready, 90, "the agent is ready")
        return self

    def __exit__(self, *error):
        code = self.program.stop()
        if code != 0 and not self.killed:
            self.log.seek(0)
            raise AssertionError(f"the agent ended with {code}: {self.log.read()}")
        self.output.close()
        self.log.close()

    def kill(self):
        """SIGKILL: nothing is put in order."""
        self.killed = True
        self.program.stop(signal.SIGKILL)

    @property
    def pid(self):
        return self.program.process.pid

    def said(self):
        """Its log so far."""
        self.log.seek(0)
        return self.log.read()

    def ready(self):
        if self.program.process.poll() is not None:
            self.log.seek(0)
            raise AssertionError(f"the agent did not start: {self.log.read()}")
        try:
            return self.get("/-/ready").status == 200
        except OSError:
            return False

    def get(self, path, headers=None, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers or {},
                                         method=method)
        return urllib.request.urlopen(request, timeout=10)

    def metrics(self):
        return parse_metrics(self.get("/metrics").read().decode())

    def records(self):
        # Opened anew: the agent writes by the same description, and its place must not move.
        with open(f"/proc/self/fd/{self.output.fileno()}", encoding="utf-8") as output:
            return [json.loads(line) for line in output if line.endswith("\n")]


def parse_metrics(text):
    """{'name{a="b"}': value}"""
    result = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            result[name] = float(value)
    return result


LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def total(metrics, name, **labels):
    """Sum of the series of a metric that have these labels."""
    result = 0
    for series, value in metrics.items():
        head, _, tail = series.partition("{")
        have = dict(LABEL.findall(tail))
        if head == name and all(have.get(label) == wanted for label, wanted in labels.items()):
            result += value
    return result


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
