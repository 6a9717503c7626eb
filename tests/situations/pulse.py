"""How far an agent is behind: a marked failing call every moment, and when its record comes.

An agent that looks when a situation has been taken down already, because something else floods the machine,
is not judged by it.
"""
import bisect
import json
import mmap
import os
import signal
import time

EVERY, LOOK = 0.2, 0.04  # seconds
BEHIND = 0.15  # what is more than this is too late: situations are held for 0.2 s


def follow(folder, told, gate):
    """In a process of its own, until it is ended: a line [time of the call, seconds] for each mark. The gate
    is closed (1) while the agent is behind: nothing new is begun then."""
    waiting, number, due, text = {}, 0, 0.0, b""
    with open(folder / "records.json", "rb") as output:
        output.seek(0, os.SEEK_END)
        while True:
            now = time.time()
            if now >= due:
                number, due = number + 1, now + EVERY
                waiting[number] = now
                try:
                    os.unlink(f"{folder}/pulse-{number}")
                except FileNotFoundError:
                    pass
            time.sleep(LOOK)
            text = text[-200:] + output.read()
            found = [n for n in waiting if f"{folder}/pulse-{n}".encode() in text]
            gate[0] = any(time.time() - begun > BEHIND for begun in waiting.values())
            for n in list(waiting):
                late = time.time() - waiting[n]
                if n in found or late > 30:
                    told.write(json.dumps([waiting.pop(n), late]) + "\n")
                    told.flush()


class Pulse:
    def __init__(self, folder):
        self.folder, self.file = folder, folder / "pulse.jsonl"
        self.gate = mmap.mmap(-1, 1)
        self.child = os.fork()
        if self.child == 0:
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                with open(self.file, "w", encoding="ascii") as told:
                    follow(folder, told, self.gate)
            finally:
                os._exit(1)

    def stop(self):
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        lines = self.file.read_text(encoding="ascii").splitlines()
        self.beats = sorted(tuple(json.loads(line)) for line in lines)

    def behind(self, nanoseconds):
        """How late the agent was about this time, at worst."""
        at = nanoseconds / 1e9
        first, last = bisect.bisect(self.beats, (at - 0.3,)), bisect.bisect(self.beats, (at + 0.3,))
        return max((late for _, late in self.beats[first:last]), default=99.0)
