"""One agent beside many situations, and what it said of them."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from judge import Records, forgive_unseen_filters, judge
from playing import run_tasks
from pulse import BEHIND, Pulse

HERE = pathlib.Path(__file__).resolve().parent
STORM = 250  # records in a second, of others
ROUNDS = 3
# All of them: sends are seen where they are named.
SYSCALLS = (
    "bind,connect,listen,unlink,unlinkat,sethostname,setdomainname,openat2,open_tree,mount,move_mount,"
    "sendto,sendmsg,sendmmsg"
)


class Agent:
    """`sockward trace` of everything, in the background."""

    def __init__(self, program, folder):
        self.folder, self.marks = folder, 0
        with open(folder / "records.json", "wb") as output, open(folder / "agent.log", "wb") as log:
            command = [program, "trace", "--json", "--errno", "all", "--syscall", SYSCALLS]
            self.process = subprocess.Popen(command, stdout=output, stderr=log)
        end = time.monotonic() + 60
        while "attached" not in self.said():
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                sys.exit("the agent did not start: " + self.said())
            time.sleep(0.02)
        self.catch_up()

    def said(self):
        return (self.folder / "agent.log").read_text(errors="replace")

    def catch_up(self):
        """Waits until it has told of a call that is made now."""
        self.marks += 1
        mark = f"{self.folder}/mark-{self.marks}"
        end = time.monotonic() + 60
        with open(self.folder / "records.json", "rb") as output:
            output.seek(0, os.SEEK_END)
            while time.monotonic() < end:
                try:
                    os.unlink(mark)
                except FileNotFoundError:
                    pass
                time.sleep(0.2)
                if mark.encode() in output.read():
                    return
        print("the agent did not catch up within a minute", file=sys.stderr)

    def await_calm(self, seconds):
        """Waits while somebody floods the machine with failing calls."""
        end = time.monotonic() + seconds
        with open(self.folder / "records.json", "rb") as output:
            output.seek(0, os.SEEK_END)
            while time.monotonic() < end:
                time.sleep(1)
                if output.read().count(b"\n") < STORM:
                    return

    def stop(self):
        if self.process.poll() is not None:
            sys.exit(f"the agent ended with {self.process.returncode} meanwhile: {self.said()}")
        self.catch_up()
        time.sleep(0.5)
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def records(self):
        with open(self.folder / "records.json", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.endswith("\n")]

    def lost(self):
        """It lost records, and says so."""
        lines = [line for line in self.said().splitlines() if "were lost" in line]
        for line in lines:
            print(line, file=sys.stderr)
        return bool(lines)


def key(situation):
    return situation["kind"], situation["seed"], situation["number"], tuple(situation["without"])


class Session:
    """The compiled helper, a folder, and one agent after another; tasks may be played more than once."""

    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="situations-", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.program = str(self.folder / "victim")
        self.patience = options.patience
        sources = [HERE / "victim.c", HERE / "operations.c"]
        subprocess.run([os.environ.get("CC", "cc"), "-O1", "-o", self.program, *sources], check=True)

    def once(self, tasks, minutes=float("inf")):
        began = time.monotonic()
        agent = Agent(self.options.sockward, self.folder)
        agent.await_calm(self.patience / 4)
        self.patience -= time.monotonic() - began
        pulse = Pulse(self.folder)
        try:
            jobs, wait = self.options.jobs, max(self.patience, 0) / 2
            end = time.monotonic() + minutes * 60
            situations, took = run_tasks(tasks, self.folder, self.program, jobs, pulse.gate, wait, end)
        finally:
            agent.stop()
            pulse.stop()
        records, lost = Records(agent.records()), agent.lost()
        for situation in situations:
            judge(situation, records)
            late = max((pulse.behind(truth["time"]) for truth in situation.get("truths", ())), default=0)
            situation["disturbed"] = late > BEHIND or (lost and situation["verdict"] == "missing")
        forgive_unseen_filters(situations)
        if len(situations) < len(tasks):
            print(f"{len(tasks) - len(situations)} situations were not played", file=sys.stderr)
        return situations, took

    def judge(self, tasks):
        """What was played while the agent was late, or is missing where it said that it lost records, is
        played again. What was wrongly certain once stays so."""
        situations, took = self.once(tasks, self.options.minutes)
        for _ in range(ROUNDS):
            again = [
                s for s in situations if s["disturbed"] and s["verdict"] not in ("right", "wrongly certain")
            ]
            if not again or self.patience <= 0:
                break
            began = time.monotonic()
            print(f"{len(again)} are replayed: the agent was late, or lost records", file=sys.stderr)
            better, more = self.once(
                [{k: s[k] for k in ("kind", "seed", "number", "without")} for s in again]
            )
            took += more
            told = {key(s) for s in better}
            situations = [s for s in situations if key(s) not in told] + better
            self.patience -= time.monotonic() - began
        for situation in situations:
            if situation["disturbed"] and situation["verdict"] in ("vague", "wrong", "missing"):
                situation["verdict"] = "late"
        return sorted(situations, key=lambda s: (s["kind"], s["number"])), took

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)
