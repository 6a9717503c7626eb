"""Incus: as LXD."""
from engine import run
from lxd import Incus, proxy_device, symbolic_link, version

if __name__ == "__main__":
    run("incus", "incus", Incus, version, proxy_device, symbolic_link)
