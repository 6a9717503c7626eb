"""systemd-nspawn, in the cgroups that systemd's template unit (systemd-nspawn@.service) would give it. No
program of the host enters such a container: its first process is a shell that runs what it reads from a
pipe."""
import itertools
import os
import pathlib

from engine import Container, run
from host import last_value, make_tree, wait_until

HIERARCHIES = ("systemd", "pids", "unified", "memory")
SERVE = "echo $$ >/pid; exec 9<>/commands; while read -r out line <&9; do $line >$out 2>&1 </dev/null & done"


class Nspawn:
    def __init__(self, host):
        self.host = host

    def start(self, name, network="own", mounts=(), host_names=False):
        if host_names:
            return None
        tree = make_tree(self.host.root / "var/lib/machines" / name)
        os.mkfifo(tree / "commands")
        words = ["--private-network"] if network == "own" else []
        for outside, inside in mounts:
            (tree / inside.lstrip("/")).touch()
            words.append(f"--bind={outside}:{inside}")
        unit = "machine.slice/systemd-nspawn@" + name.replace("-", "\\x2d") + ".service"
        enter = "".join(f'mkdir -p "{folder}"; echo $$ >"{folder}/cgroup.procs"; '
                        for folder in (f"/sys/fs/cgroup/{h}/{unit}" for h in HIERARCHIES))
        self.host.start("sh", "-c", enter + 'exec systemd-nspawn "$@"', "sh", "--quiet", "--register=no",
                        "--keep-unit", f"--directory=/var/lib/machines/{name}", "--resolv-conf=off",
                        "--timezone=off", *words, "/bin/sh", "-c", SERVE, log=f"{name}.log")
        wait_until((tree / "pid").exists, 30, f"{name} runs")
        # As the host sees its first process: the one of that root.
        pid = self.host.run("sh", "-c", "for p in $(pgrep -f 'exec 9<>/commands'); do "
                            f'[ ! "/proc/$p/root/pid" -ef /var/lib/machines/{name}/pid ] || echo $p; done')
        return Piped(self.host, f"nspawn:{name}", tree, int(pid.split()[0]))


class Piped(Container):
    numbers = itertools.count()

    def __init__(self, host, label, tree, pid):
        super().__init__(host, label, None, pid)
        self.tree = tree

    def send(self, *arguments):
        """Runs `call` in there; the file that has what it says."""
        out = f"/tmp/out-{next(Piped.numbers)}"
        (self.tree / "commands").open("w", encoding="utf-8").write(
            " ".join([out, "/bin/call", *arguments]) + "\n")
        # Its /tmp is a file system of its own.
        return pathlib.Path(f"/proc/{self.pid}/root{out}")

    def call(self, *arguments):
        out = self.send(*arguments)
        last_value(lambda: self.host.run("cat", out, check=False).endswith("\n"), 20)
        return self.host.run("cat", out, check=False).strip()

    def hold(self, address):
        out = self.send("hold", address)
        wait_until(lambda: "done" in self.host.run("cat", out, check=False), 20, f"somebody holds {address}")


def version(host):
    return host.run("systemd-nspawn", "--version").split()[1]


if __name__ == "__main__":
    run("nspawn", "debian-12", Nspawn, version)
