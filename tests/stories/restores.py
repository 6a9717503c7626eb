"""Restores of a real CRIU that collide in one network namespace: on the abstract name of what is restored,
and on names that CRIU itself binds for milliseconds (criu#2499), with and without what mended that."""
import os
import pathlib
import re
import shutil
import subprocess

from story import CONFIG, HERE, PROGRAMS, output_of, settle, soon, text_of, told
from support import Agent, Checks, Folder, Program

ROOT = os.environ.get("SOCKWARD_CRIU_ROOT", "/")  # with criu and busybox in it
PID = 1000  # of what is restored, in its own pid namespace
TIMES = int(os.environ.get("SOCKWARD_RESTORES", "20"))
SIDES = "abcd"  # restores at a time: two alone may miss each other for minutes on an idle machine
BOUND = re.compile(r"had bound it (\d+\.\d) ms before the call")
NAME = f"sockward-story-{os.getpid()}"
DUMP = f"""echo {PID - 1} >/proc/sys/kernel/ns_last_pid
setsid /story/abstract $2 </dev/null >/dev/null 2>&1 &
usleep 300000
criu dump -t {PID} -D /story/$1 -o /story/$1/dump.log </dev/null >/dev/null 2>&1
echo dumped $?
"""
RESTORE = """criu restore -d -D /story/$1 -o /story/$2.log </dev/null >/dev/null 2>&1
echo restored $?
read -r _
"""
# One after another, as often as said; `go` lets both sides begin together.
RESTORES = f"""echo ready
read -r _
for i in $(seq $3); do
  $4 criu restore -d -D /story/$1 -o /story/$2-$i.log </dev/null >/dev/null 2>&1
  echo $i $?
  kill -9 {PID} 2>/dev/null
  while kill -0 {PID} 2>/dev/null; do usleep 1000; done
done
"""


class Network:
    """A network namespace of its own, kept by a sleeper."""

    def __init__(self):
        self.keeper = Program("unshare", "--net", "sh", "-c", "ip link set lo up; echo up; exec sleep 600",
                              stdout=subprocess.PIPE, text=True)
        assert self.keeper.process.stdout.readline() == "up\n"

    def inside(self, work, *step):
        """A step in this network, with mount and pid namespaces of its own."""
        return Program("nsenter", f"--net=/proc/{self.keeper.process.pid}/ns/net",
                       "unshare", "--mount", "--pid", "--fork", "--kill-child",
                       str(HERE / "inside"), str(ROOT), str(work), *step,
                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def line_of(program):
    return program.process.stdout.readline().strip()


def prepared():
    """A folder with the steps, and dumps of a process with an abstract name and of one without."""
    work = pathlib.Path(Folder().path)
    for name, text in (("dump", DUMP), ("restore", RESTORE), ("restores", RESTORES)):
        (work / name).write_text(text)
    for name in ("abstract", "same_id.so"):
        shutil.copy(PROGRAMS / name, work)
    for name, argument in (("named", [NAME]), ("plain", [])):
        (work / name).mkdir()
        said = line_of(Network().inside(work, "dump", name, *argument))
        if said != "dumped 0":
            raise AssertionError(f"{said}: " + (work / name / "dump.log").read_text()[-2000:])
    return work


def host_pid_of(inner, name):
    """The pid here of a process that is `inner` in a pid namespace."""
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        pids = next(line.split()[1:] for line in text.splitlines() if line.startswith("NSpid"))
        if pids[-1] == str(inner) and len(pids) > 1 and text.startswith(f"Name:\t{name}\n"):
            yield int(pids[0])


def one_name_twice(checks, agent, work):
    shared = Network()
    first = shared.inside(work, "restore", "named", "first")
    checks.that("CRIU restores a process with an abstract name", line_of(first) == "restored 0")
    holders = list(host_pid_of(PID, "abstract"))
    second = shared.inside(work, "restore", "named", "second")
    said, log = line_of(second), (work / "second.log").read_text()
    checks.that("a second restore in the same network namespace fails", said != "restored 0", said)
    checks.that("CRIU names no holder: Address already in use", "Address already in use" in log, log[-600:])
    found = (soon(lambda: told(agent, sockward__address=f"unix:@{NAME}")) or [{}])[0]
    checks.that("the agent calls it a collision of abstract names, for certain",
                (found.get("sockward.cause"), found.get("sockward.confidence"))
                == ("abstract_name_collision", "certain"), found or agent.records())
    checks.that("and names the process that was restored first as the holder",
                [found.get("sockward.holder.pid")] == holders, holders, found)
    checks.that("and both pid namespaces", "pid namespace" in text_of(found), text_of(found))
    alone = Network().inside(work, "restore", "named", "alone")
    checks.that("the same restore with a network namespace of its own succeeds",
                line_of(alone) == "restored 0")
    settle(agent)
    checks.that("and there is no word of it", len(told(agent, sockward__address=f"unix:@{NAME}")) == 1,
                told(agent, sockward__address=f"unix:@{NAME}"))
    for program in (first, second, alone):
        program.process.stdin.close()
        program.process.wait(30)


def race(work, mark, *preload):
    """Sides that restore at the same time: how many restores succeeded, and how many found a name in
    use."""
    shared = Network()
    sides = [shared.inside(work, "restores", "plain", f"{mark}{side}", str(TIMES), *preload)
             for side in SIDES]
    for side in sides:
        line_of(side)
    for side in sides:
        side.process.stdin.write("go\n")
        side.process.stdin.flush()
    said = [line for side in sides for line in side.process.stdout.read().splitlines()]
    logs = [log.read_text() for log in work.glob(f"{mark}[{SIDES}]-*.log")]
    return (sum(line.endswith(" 0") for line in said),
            sum("Address already in use" in log for log in logs))


def own_names(agent):
    return [a for a in (r["attributes"] for r in agent.records())
            if str(a.get("sockward.address")).startswith("unix:@/crtools-fd-")]


def until_some_collide(work, *preload):
    """The window is milliseconds: again until it was hit."""
    tried = failed = restored = 0
    while failed == 0 and tried < 5:
        tried += 1
        more, failed = race(work, f"former{tried}", *preload)
        restored += more
    return restored, failed, tried * len(SIDES) * TIMES


def mended(checks, agent, work):
    restored, failed = race(work, "mended")
    checks.that(f"CRIU as it is: none of {len(SIDES) * TIMES} restores, four at a time, collides",
                (restored, failed) == (len(SIDES) * TIMES, 0), f"{restored} restored, {failed} not")
    settle(agent)
    checks.that("and the agent has no word of any", own_names(agent) == [], own_names(agent))


def not_mended(checks, agent, work, *preload):
    restored, failed, tried = until_some_collide(work, *preload)
    checks.that("without the number of the run in its names some restores fail (criu#2499)",
                failed > 0 and restored + failed == tried, f"of {tried}: {restored} restored, {failed} not")
    print(f"of {tried} restores {failed} failed")
    found = soon(lambda: len(own_names(agent)) >= failed and own_names(agent)) or own_names(agent)
    for a in found:
        print(f"{a['sockward.cause']} ({a['sockward.confidence']}), holder {a.get('sockward.holder.comm')}:",
              "; ".join(a["sockward.evidence"]))
    checks.that("each failure has one record", len(found) == failed, failed, len(found))
    checks.that("each is called a collision of abstract names",
                all(a["sockward.cause"] == "abstract_name_collision" for a in found), *found)
    checks.that("each names CRIU as the holder, though it held the name for milliseconds",
                all(a.get("sockward.holder.comm") == "criu" for a in found), *found)
    # A holder that bound the name less than 0.1 ms before may have come during the call.
    since = {id(a): float(BOUND.search(text_of(a)).group(1)) for a in found if BOUND.search(text_of(a))}
    checks.that("each is certain, unless the name was bound at the very moment of the call",
                all(a["sockward.confidence"] == "certain" for a in found if since.get(id(a), 1) > 0.1),
                *found)
    checks.that("each says which version to take", all("criu 4.1" in text_of(a) for a in found), *found)


def main():
    version = output_of("chroot", ROOT, "/usr/sbin/criu", "--version").partition(":")[2].split()[0]
    checks, work = Checks(f"STORY restores of CRIU {version}"), prepared()
    with Agent(output="json", config=CONFIG) as agent:
        one_name_twice(checks, agent, work)
        mended(checks, agent, work)
        # 3.17 takes the number from its pid namespace, which a library cannot replace.
        if not version.startswith("3."):
            not_mended(checks, agent, work, "env LD_PRELOAD=/story/same_id.so")
    checks.end()


if __name__ == "__main__":
    main()
