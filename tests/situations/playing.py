"""Workers that play situations, each in a process and namespaces of its own."""
import json
import os
import shutil
import signal
import time

import kinds
from actor import Void
from world import LIBC, World, end_children

PDEATHSIG, SUBREAPER = 1, 36


def play(task, folder, program):
    """In a process of its own: builds and plays one situation, and returns what the judge needs."""
    kind = kinds.KINDS[task["kind"]]
    world = World(
        f"{task['kind']}/{task['seed']}/{task['number']}", kind, folder, program, task.get("without", ())
    )
    told = {
        "kind": kind.name,
        "seed": task["seed"],
        "number": task["number"],
        "without": task.get("without", []),
    }
    try:
        world.set_up(kind.needs)
        world.play(kind.build(world))
        told.update(world.judge_inputs())
    except Void as reason:
        told["void"] = str(reason)
    except Exception as error:  # a fault of the generator: told, and the others go on
        told["void"] = f"{type(error).__name__}: {error} (line {error.__traceback__.tb_lineno})"
        told["broken"] = True
    finally:
        world.end()
    told.update(ingredients={k: v for k, v in world.ingredients.items() if v}, quiet=world.quiet)
    return told


def play_apart(task, folder, program, output):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        end_children()  # what a situation left behind that was ended itself
        while True:
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                return
    status = 1
    try:
        LIBC.prctl(PDEATHSIG, signal.SIGKILL)
        LIBC.prctl(SUBREAPER, 1)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.alarm(60)
        line = json.dumps(play(task, folder, program)) + "\n"
        os.write(output, line.encode())
        status = 0
    finally:
        os._exit(status)


def work(tasks, queue, folder, program, gate, patience, end):
    """One of several workers: takes the number of a task from the queue until there is none, or it is time to
    end."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    LIBC.prctl(PDEATHSIG, signal.SIGKILL)
    LIBC.prctl(SUBREAPER, 1)
    folder.mkdir()
    folder.chmod(0o755)
    output = os.open(str(folder) + ".jsonl", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    while time.monotonic() < end and len(number := os.read(queue, 4)) == 4:
        began = time.monotonic()
        while gate[0] and time.monotonic() - began < min(patience, 20):
            time.sleep(0.1)
        patience -= time.monotonic() - began
        play_apart(tasks[int.from_bytes(number, "little")], folder, program, output)
        for left in folder.iterdir():
            shutil.rmtree(left, ignore_errors=True)
    os._exit(0)


def run_tasks(tasks, folder, program, jobs, gate, patience, end):
    """[situation], as told by the workers; only the first ones, when they are not done at `end`."""
    take, give = os.pipe()
    workers = []
    for number in range(jobs):
        child = os.fork()
        if child == 0:
            os.close(give)
            try:
                work(tasks, take, folder / f"w{number}", program, gate, patience, end)
            finally:
                os._exit(1)
        workers.append(child)
    os.close(take)
    began = time.monotonic()
    try:
        for number in range(len(tasks)):
            os.write(give, number.to_bytes(4, "little"))
    except BrokenPipeError:  # it is time
        pass
    except BaseException:
        for child in workers:
            os.kill(child, signal.SIGKILL)
        raise
    finally:
        os.close(give)
        for child in workers:
            os.waitpid(child, 0)
    took = time.monotonic() - began
    situations = []
    for file in sorted(folder.glob("w*.jsonl")):
        situations += [json.loads(line) for line in file.read_text().splitlines()]
        file.unlink()
        shutil.rmtree(file.with_suffix(""), ignore_errors=True)
    return situations, took
