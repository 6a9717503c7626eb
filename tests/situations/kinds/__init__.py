"""Families of situations: a kind (one function of a file) builds a situation and says what is true of it."""
import importlib
import pathlib

KINDS = {}


class Kind:
    def __init__(self, name, build, needs, weight):
        self.name, self.build, self.needs, self.weight = name, build, frozenset(needs), weight


def kind(name, needs=(), weight=1.0):
    """`needs`: "net", "mounts", "uts": namespaces without which the kind would touch the machine."""

    def register(build):
        KINDS[name] = Kind(name, build, needs, weight)
        return build

    return register


def load():
    for file in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        if file.stem != "__init__":
            importlib.import_module(f"kinds.{file.stem}")
    return KINDS
