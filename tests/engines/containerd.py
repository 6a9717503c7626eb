"""containerd with its shim, by ctr. Its containers have an id and no name."""
from engine import Container, run, wait_until
from host import make_tree


class Containerd:
    def __init__(self, host):
        self.host = host
        make_tree(host.root / "image")
        host.start("containerd", log="containerd.log")
        wait_until(lambda: "io.containerd.grpc.v1" in host.run("ctr", "plugins", "list", check=False), 60,
                   "containerd answers")

    def start(self, name, network="own", mounts=(), host_names=False):
        words = ["--net-host"] if network == "host" else []
        for outside, inside in mounts:
            # Where a file is mounted there must be one.
            (self.host.root / "image" / inside.lstrip("/")).touch()
            words += ["--mount", f"type=bind,src={outside},dst={inside},options=rbind:rw"]
        if host_names:
            words += ["--privileged", "--with-ns", "uts:/proc/1/ns/uts"]
        number = name.encode().hex().ljust(64, "0")
        self.host.run("ctr", "run", "--detach", "--rootfs", *words, "/image", number, "/bin/sleep", "3600")
        tasks = self.host.run("ctr", "tasks", "list")
        pid = int(next(line.split()[1] for line in tasks.splitlines() if line.startswith(number)))
        return Exec(self.host, f"containerd:{number[:12]}", number, pid)


class Exec(Container):
    """Each run in there needs an id of its own."""
    runs = 0

    def __init__(self, host, label, number, pid):
        super().__init__(host, label, None, pid)
        self.number = number

    @property
    def words(self):
        Exec.runs += 1
        return ["ctr", "tasks", "exec", "--exec-id", f"run-{Exec.runs}", self.number]

    @words.setter
    def words(self, _):
        pass


def version(host):
    return host.run("containerd", "--version").split()[2]


if __name__ == "__main__":
    run("containerd", "debian-12", Containerd, version)
