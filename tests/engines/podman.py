"""Podman, of root and of a user."""
from engine import Container, Outside, judged, label, run
from host import make_tree, pack


class Podman:
    def __init__(self, host):
        self.host = host
        pack(make_tree(host.folder / "tree"), host.root / "image.tar")
        (host.root / "etc/containers").mkdir(exist_ok=True)
        (host.root / "etc/containers/containers.conf").write_text(
            '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\n')
        self.podman("import", "/image.tar", "image")

    def podman(self, *words, check=True):
        return self.host.run("podman", *words, check=check)

    def start(self, name, network="own", mounts=(), host_names=False, flags=()):
        words = ["--network", "host" if network == "host" else "none", *flags]
        for outside, inside in mounts:
            words += ["--volume", f"{outside}:{inside}"]
        if host_names:
            words += ["--uts", "host", "--privileged"]
        self.podman("run", "--detach", "--name", name, *words, "image", "/bin/sleep", "3600")
        pid = int(self.podman("inspect", "--format", "{{.State.Pid}}", name))
        return Container(self.host, f"podman:{name}", ["podman", "exec", name], pid)


def rootless(checks, agent, engine):
    """A container of a user. With cgroup v1 it has no cgroup of its own, so its record has no container."""
    host = engine.host
    host.run("useradd", "--create-home", "--uid", "1500", "user")
    host.run("sh", "-c", "mkdir -m 700 -p /run/user/1500 && chown user /run/user/1500; chmod 644 /image.tar")
    user = ["setpriv", "--reuid=1500", "--regid=1500", "--init-groups", "env", "HOME=/home/user", "USER=user",
            "XDG_RUNTIME_DIR=/run/user/1500", "podman", "--cgroup-manager=cgroupfs"]
    host.run(*user, "import", "/image.tar", "image", cwd="/")
    said = host.run(*user, "run", "--rm", "--network=none", "image", "/bin/call", "bind",
                    "/missing/rootless.sock", check=False, cwd="/")
    found = agent.newest(sockward__address="unix:/missing/rootless.sock")
    checks.that("a bind in a user's container: path_missing, certain, of the user",
                judged(found, "path_missing") and found.get("process.user.id") == 1500, said, found)
    own = found.get("sockward.mntns.inode") != host.namespaces(1)["mnt"]
    checks.that("in namespaces of its own, without a container where there is no cgroup",
                own and label(found) is None, found)


def published_port(checks, agent, engine):
    """A port that conmon holds for a container of root."""
    said = engine.podman("run", "--detach", "--name", "published", "--network", "bridge", "--publish",
                         "127.0.0.1:8010:80", "image", "/bin/sleep", "3600", check=False)
    said += Outside(engine.host).call("bind", "tcp:8010")
    found = agent.newest(sockward__address="0.0.0.0:8010", sockward__syscall__name="bind")
    text = " ".join(found.get("sockward.evidence", []))
    checks.that("a published port is taken: held by conmon for the container",
                "in use" in said and found.get("sockward.cause") == "address_in_use"
                and "conmon holds it for the container published" in text, said, found)


def version(host):
    return host.run("podman", "--version").split()[2]


if __name__ == "__main__":
    run("podman", "debian-12", Podman, version, published_port, rootless)
