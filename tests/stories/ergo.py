"""Ergo's story (ergochat/ergo#2141) with a real Go program: once run as root and killed, then as an ordinary
user, who may not remove the socket that is left. Go's message names the wrong cause."""
import os
import signal
import subprocess
import time

from story import CONFIG, PROGRAMS, settle, soon, text_of, told
from support import Agent, Checks, Folder, Program

NOBODY = 65534
LISTENER = str(PROGRAMS / "listener")


def as_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def listen(path, user=None):
    """A program that listens there, ready."""
    program = Program(LISTENER, path, stdout=subprocess.PIPE, text=True, preexec_fn=user)
    said = program.process.stdout.readline().strip()
    if said != "listening":
        raise AssertionError(f"the first run said {said!r}")
    return program


def fail(path):
    """An ordinary user's run that cannot listen. Its pid and what it said."""
    failing = subprocess.Popen([LISTENER, path], stdout=subprocess.PIPE, text=True, preexec_fn=as_nobody)
    return failing.pid, failing.communicate(timeout=30)[0].strip()


def directory(folder, name, mode, owner=0):
    path = folder / name
    os.mkdir(path)
    os.chmod(path, mode)
    os.chown(path, owner, owner)
    return path


def left_behind(checks, agent, path, error, words):
    """Root's socket at the path, whose server was killed."""
    listen(path).stop(signal.SIGKILL)
    time.sleep(1)  # as between a crash and the next start
    pid, said = fail(path)
    checks.that(f"the Go program itself blames the address ({error})", "address already in use" in said, said)
    binds = soon(lambda: told(agent, process__pid=pid, sockward__syscall__name="bind"))
    found = binds[0] if binds else {}
    checks.that(f"{error}: the cause is the stale socket that could not be removed, for certain",
                found.get("sockward.cause") == "stale_socket_unremovable"
                and found.get("sockward.confidence") == "certain",
                found.get("sockward.confidence"), text_of(found), agent.records())
    for word in (error, path, *words):
        checks.that(f"{error}: it says {word.replace(os.path.dirname(os.path.dirname(path)), '…')}",
                    word in text_of(found), text_of(found))
    unlinks = told(agent, process__pid=pid, sockward__syscall__name="unlinkat")
    unlinks += told(agent, process__pid=pid, sockward__syscall__name="unlink")
    checks.that(f"{error}: the refused removal has a record of its own",
                {u["sockward.cause"] for u in unlinks} == {"directory_not_writable"}, unlinks)


def main():
    checks, folder = Checks("STORY ergo"), Folder()
    with Agent(output="json", config=CONFIG) as agent:
        left_behind(checks, agent, directory(folder, "roots", 0o755) + "/ergo.sock", "EACCES",
                    ["root", "RuntimeDirectory"])
        left_behind(checks, agent, directory(folder, "sticky", 0o1777) + "/ergo.sock", "EPERM",
                    ["sticky", "uid 0", "RuntimeDirectory"])

        path = directory(folder, "alive", 0o755) + "/ergo.sock"
        server = listen(path)
        pid, _ = fail(path)
        binds = soon(lambda: told(agent, process__pid=pid, sockward__syscall__name="bind"))
        found = binds[0] if binds else {}
        checks.that("with a live listener the cause is another: address_in_use",
                    found.get("sockward.cause") == "address_in_use", found)
        checks.that("and its holder is the live listener",
                    found.get("sockward.holder.pid") == server.process.pid, found)
        server.stop()

        path = directory(folder, "own", 0o755, NOBODY) + "/ergo.sock"
        listen(path, as_nobody).stop(signal.SIGKILL)
        checks.that("a stale socket of the user's own is there", os.path.exists(path))
        listen(path, as_nobody).stop()
        settle(agent)
        checks.that("no word of it when it can be removed",
                    not [r for r in agent.records() if path in str(r)], agent.records())
    checks.end()


if __name__ == "__main__":
    main()
