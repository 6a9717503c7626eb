#!/usr/bin/python3 -B
"""trace.py: in which functions of the kernel and of the programs a call spends its instructions.

  trace.py run FOLDER OBSERVER -- QEMU…   boots the machine of tests/vm/init-trace, and keeps what it executed
                                          in FOLDER/OBSERVER.json
  trace.py print FOLDER OBSERVER          what is more than in FOLDER/bare.json, by function
"""
import bisect
import collections
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

EXECUTED = re.compile(r"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/")
BEGIN = ("__x64_sys_getppid", 0)
SECONDS = 600
FEWEST = 5  # instructions; below that it is a timer's work or a branch


class Symbols:
    """Functions by address."""

    def __init__(self, text):
        lines = (line.split() for line in text.replace("\r", "").splitlines())
        self.known = sorted((int(words[0], 16), words[2]) for words in lines if len(words) > 2)
        self.addresses = [address for address, _ in self.known]

    def find(self, address):
        """(name, offset)"""
        index = bisect.bisect_right(self.addresses, address) - 1
        if address < 1 << 63 or index < 0:
            return "user space", -1
        return self.known[index][1], address - self.addresses[index]


def connect(path):
    """To a socket that the emulator makes when it starts."""
    end = time.monotonic() + 10
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
            return connection
        except OSError:
            connection.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def command(monitor, text):
    """Waits for the emulator's prompt, which says that the last one was done, and gives the next."""
    said = b""
    while not said.endswith(b"(qemu) "):
        if not (more := monitor.recv(4096)):
            sys.exit("the emulator has ended")
        said += more
    monitor.sendall(text.encode() + b"\n")


def drive(process, console, monitor, log):
    """Logs each instruction from the line READY to the line TRACED."""
    said = b""
    end = time.monotonic() + SECONDS
    console.settimeout(1)
    monitor.settimeout(SECONDS)
    asked = False
    while process.poll() is None and time.monotonic() < end:
        try:
            said += console.recv(65536)
        except TimeoutError:
            continue
        if b"READY" in said and not asked:
            asked = True
            for text in (f"logfile {log}", "singlestep on", "log exec,nochain"):
                command(monitor, text)
            console.sendall(b"\n")
        if b"TRACED" in said:
            return
    sys.exit("the machine ended without a trace; next: is the call one that bench_calls knows?\n"
             "its last words:\n" + said.decode(errors="replace")[-1000:])


def count(log, symbols):
    """Instructions of a call by function, from one getppid to the next: of the call with the fewest, for
    during some the kernel takes a page or a timer fires."""
    calls = []
    places = {}
    with open(log, encoding="ascii", errors="replace") as lines:
        for line in lines:
            if not (match := EXECUTED.match(line)):
                continue
            address = int(match[1], 16)
            place = places.get(address) or places.setdefault(address, symbols.find(address))
            if place == BEGIN:
                calls.append(collections.Counter())
            if calls:
                calls[-1][place[0]] += 1
    if len(calls) < 2:
        sys.exit(f"no whole call is in {log}; next: look there, or try again")
    return min(calls[:-1], key=lambda call: sum(call.values()))


def run(folder, observer, qemu):
    """One machine."""
    folder.mkdir(parents=True, exist_ok=True)
    log, symbols = (folder / f"{observer}.{kind}" for kind in ("log", "symbols"))
    log.unlink(missing_ok=True)
    # The folder may be too deep for the path of a socket.
    with tempfile.TemporaryDirectory() as short:
        process = subprocess.Popen(
            [*qemu, "-display", "none", "-no-reboot", "-serial", "chardev:console",
             "-chardev", f"socket,id=console,path={short}/console,server=on,wait=off",
             "-serial", f"file:{symbols}", "-monitor", f"unix:{short}/monitor,server,nowait"],
            stdin=subprocess.DEVNULL)
        try:
            drive(process, connect(f"{short}/console"), connect(f"{short}/monitor"), log)
        finally:
            process.kill()
            process.wait()
    counts = count(log, Symbols(symbols.read_text(encoding="ascii", errors="replace")))
    os.unlink(log)
    (folder / f"{observer}.json").write_text(json.dumps(counts))


def named(function):
    """A program without its hash."""
    return re.sub(r"^bpf_prog_[0-9a-f]+_", "program ", re.sub(r"^bpf_trampoline_\d+", "trampoline", function))


def print_more(folder, observer):
    """A table."""
    bare, observed = (json.loads((folder / f"{name}.json").read_text()) for name in ("bare", observer))
    more = collections.Counter()
    for function in {*bare, *observed}:
        more[named(function)] += observed.get(function, 0) - bare.get(function, 0)
    print("| function | instructions more |\n| --- | ---: |")
    for function, instructions in sorted(more.items(), key=lambda item: (-item[1], item[0])):
        if abs(instructions) >= FEWEST:
            print(f"| {function} | {instructions:,} |")
    print(f"| all, of {sum(observed.values()):,} | {sum(more.values()):,} |")


def main():
    """See above."""
    if len(sys.argv) > 5 and sys.argv[1] == "run" and sys.argv[4] == "--":
        run(pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[5:])
    elif len(sys.argv) == 4 and sys.argv[1] == "print":
        print_more(pathlib.Path(sys.argv[2]), sys.argv[3])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
