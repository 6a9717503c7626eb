"""What the stories share: checks of one line each, and where programs are."""
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
from support import last_value  # noqa: E402 (the line above)

PROGRAMS = pathlib.Path(os.environ["SOCKWARD_PROGRAMS"])
CONFIG = "records: {fold: 0}\n"


def told(agent, **wanted):
    """Attributes of the agent's records that have all these; '__' stands for '.'."""
    pairs = {name.replace("__", "."): value for name, value in wanted.items()}
    return [a for a in (r["attributes"] for r in agent.records())
            if all(a.get(name) == value for name, value in pairs.items())]


def soon(condition, seconds=10):
    return last_value(condition, seconds)


def text_of(attributes):
    return " ".join([*attributes.get("sockward.evidence", []), attributes.get("sockward.advice", "")])


def settle(agent):
    """Time for what must not come."""
    time.sleep(1)
    return agent.records()


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout.strip()
