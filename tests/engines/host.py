"""A host for a container engine: a root of Debian with mount and pid namespaces of its own, and an agent that
sees that host as its own."""
import glob
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
from support import SOCKWARD, Agent, Program, last_value, wait_until  # noqa: E402 (the line above)

ENGINES = pathlib.Path(os.environ["SOCKWARD_ENGINES"])
CALL = os.environ["SOCKWARD_CALL"]
OF_GLIBC = ("ld-linux", "libc.so", "libm.so", "libpthread", "libdl", "librt", "libresolv")


def libraries(program):
    """What it is linked with, but for what belongs to the C library."""
    lines = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout.splitlines()
    paths = [word for line in lines for word in line.split() if word.startswith("/")]
    return [path for path in paths if not any(part in path for part in OF_GLIBC)]


class Cgroups:
    """A cgroup of the host's own in every hierarchy, which is the root for all that runs on it."""

    def __init__(self):
        self.folders = []
        for top in glob.glob("/sys/fs/cgroup/*/cgroup.procs"):
            folder = pathlib.Path(top).parent / f"sockward-engine-{os.getpid()}"
            folder.mkdir()
            for name in ("cpuset.cpus", "cpuset.mems"):
                if (folder / name).exists():
                    (folder / name).write_text((folder.parent / name).read_text())
            if (folder / "cgroup.clone_children").exists():
                (folder / "cgroup.clone_children").write_text("1")
            self.folders.append(folder)

    def join(self):
        """For preexec_fn."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text("0")

    def remove(self):
        for folder in self.folders:
            for path, _, _ in os.walk(folder, topdown=False):
                last_value(lambda path=path: removed(path), 5)


class Host:
    """All of it ends with the `with`. Its network and its host name are those of this process, which
    scripts/test-engines made. `root`: a folder of ENGINES, of which it has hard links and, of etc and var,
    copies."""

    def __init__(self, root):
        self.name = root
        self.folder = ENGINES / root / f"run-{os.getpid()}"
        self.root = self.folder / "root"

    def __enter__(self):
        source = ENGINES / self.name / "root"
        self.began = time.time()
        self.folder.mkdir()
        self.cgroups = Cgroups()
        subprocess.run(["cp", "-al", source, self.root], check=True)
        for folder in ("etc", "var"):  # files in there are changed in place
            shutil.rmtree(self.root / folder)
            subprocess.run(["cp", "-a", source / folder, self.root / folder], check=True)
        (self.root / "agent/lib").mkdir(parents=True)
        shutil.copy(SOCKWARD, self.root / "agent/sockward")
        shutil.copy(CALL, self.root / "usr/bin/call")
        for library in libraries(SOCKWARD):
            shutil.copy(library, self.root / "agent/lib")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        self.first = Program("unshare", "--mount", "--pid", "--cgroup", "--fork", "--kill-child",
                             str(HERE / "inside"), str(self.root), self.cgroups.folders[0].name,
                             stdout=subprocess.PIPE, text=True, preexec_fn=self.cgroups.join)
        if self.first.process.stdout.readline() != "up\n":
            raise AssertionError("the host did not come up")
        children = pathlib.Path(f"/proc/{self.first.process.pid}/task/{self.first.process.pid}/children")
        self.pid = int(children.read_text())
        return self

    def __exit__(self, *error):
        self.first.stop(9)
        try:
            wait_until(lambda: not os.path.exists(f"/proc/{self.pid}"), 20, "the host has ended")
        finally:
            self.cgroups.remove()
            shutil.rmtree(self.folder, ignore_errors=True)

    def enter(self, *command):
        return ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--cgroup", *map(str, command)]

    def run(self, *command, check=True, **options):
        """Its output. `check`: it must succeed."""
        done = subprocess.run(self.enter(*command), capture_output=True, text=True, check=False, timeout=300,
                              preexec_fn=self.cgroups.join, **{"stdin": subprocess.DEVNULL, **options})
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def start(self, *command, log):
        """A server of the host; what it says is in this file."""
        with open(self.folder / log, "ab") as file:
            return Program(*self.enter(*command), stdout=file, stderr=file, stdin=subprocess.DEVNULL,
                           preexec_fn=self.cgroups.join)

    def said(self, log):
        return (self.folder / log).read_text(errors="replace")[-2000:]

    def kill(self, pattern):
        """Ends the host's processes whose command line is this, and waits until they have gone."""
        for pid in self.run("pgrep", "-f", pattern, check=False).split():
            self.run("kill", "-9", pid, check=False)
        wait_until(lambda: not self.run("pgrep", "-f", pattern, check=False).strip(), 10, f"no {pattern}")

    def namespaces(self, pid):
        """Of a process of this host: inodes, by the names that records have for them."""
        kinds = {"net": "net", "pid": "pid", "uts": "uts", "mnt": "mnt"}
        return {kind: int(self.run("readlink", f"/proc/{pid}/ns/{name}").split("[")[1].rstrip("]\n"))
                for kind, name in kinds.items()}


def removed(folder):
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


class HostAgent(Agent):
    """The agent of a `Host`: its files, its network and host name, and the machine's pids, as where a host
    has no pid namespace of its own."""

    def __init__(self, host, *flags):
        super().__init__(*flags, output="json")
        uts = os.stat("/proc/self/ns/uts").st_ino
        (host.root / "agent/sockward.yml").write_text(
            f"host: {{uts_namespace: {uts}}}\nrecords: {{fold: 0}}\n")
        inner = ["/agent/sockward", *self.command[1:], "--config.file=/agent/sockward.yml"]
        self.command = ["nsenter", f"--mount=/proc/{host.pid}/ns/mnt", "unshare", "--mount", "sh", "-c",
                        'mount -t proc proc /proc && exec env LD_LIBRARY_PATH=/agent/lib "$@"', "sh", *inner]

    def told(self, **wanted):
        """Attributes of its records that have all these; '__' stands for '.'."""
        pairs = {name.replace("__", "."): value for name, value in wanted.items()}
        return [a for a in (record["attributes"] for record in self.records())
                if all(a.get(name) == value for name, value in pairs.items())]

    def newest(self, seconds=10, **wanted):
        """The newest record that has these; empty if there is none in this time."""
        found = last_value(lambda: self.told(**wanted), seconds)
        return found[-1] if found else {}

    def settle(self):
        """Time for what must not come."""
        time.sleep(1)


def make_tree(folder):
    """A root of 2 MB for containers: busybox, `call`, and what engines expect of one."""
    tree = pathlib.Path(folder)
    for name in ("bin", "dev", "etc", "proc", "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var/log"):
        (tree / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", tree / "bin/busybox")
    shutil.copy(CALL, tree / "bin/call")
    for applet in ("sh", "sleep", "kill", "cat", "ip", "true", "mount", "ls", "mkdir", "rm"):
        (tree / "bin" / applet).symlink_to("busybox")
    (tree / "sbin/init").symlink_to("../bin/busybox")
    (tree / "etc/inittab").write_text("::sysinit:/bin/true\n::respawn:/bin/sleep 3600\n")
    (tree / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (tree / "etc/group").write_text("root:x:0:\n")
    (tree / "etc/os-release").write_text("ID=story\n")
    return tree


def pack(tree, file):
    with tarfile.open(file, "w") as archive:
        archive.add(tree, arcname=".")
    return file
