"""LXD and Incus: containers from an image of 2 MB, and the two failures that this project began with: the
socket of a TPM whose path an instance's long name makes too long (LXD's; Incus has mended it), and a
container whose rootfs mount is reached through a symbolic link (ELOOP)."""
from engine import Container, Outside, judged, run, wait_until
from host import make_tree, pack

PRESEED = """storage_pools: [{name: default, driver: dir}]
profiles: [{name: default, devices: {root: {type: disk, path: /, pool: default}}}]
"""
METADATA = "architecture: x86_64\ncreation_date: 1700000000\nproperties: {description: story}\n"
LONG_NAME = "a-very-long-instance-name-that-somebody-chose-for-this-machine0"  # 63 bytes: no more
LIBRARY = "/usr/lib/x86_64-linux-gnu/lxc"  # LXC mounts a container's rootfs at its rootfs folder


class Lxd:
    client, state, start_daemon = "lxc", "/var/lib/lxd", ["lxd", "--group", "root"]
    initialise = ["lxd", "init"]
    wait_ready = ["lxd", "waitready", "--timeout=60"]

    def __init__(self, host):
        self.host = host
        host.run("mkdir", "-p", self.state + "/database", "/var/log/lxd", "/var/log/incus")
        host.start(*self.start_daemon, log="daemon.log")
        wait_until(lambda: (host.root / self.state.lstrip("/")).exists(), 20, "the daemon begins")
        host.run(*self.wait_ready)
        host.run(*self.initialise, "--preseed", input=PRESEED, stdin=None)
        image = host.root / "image"
        make_tree(image / "rootfs")
        (image / "metadata.yaml").write_text(METADATA)
        pack(image, host.root / "image.tar")
        self.ctl("image", "import", "/image.tar", "--alias", "image")

    def ctl(self, *words, check=True):
        return self.host.run(self.client, *words, check=check)

    shares_network = False  # an instance has a network namespace of its own

    def start(self, name, network="own", mounts=(), host_names=False):
        if host_names or network == "host" and not self.shares_network:
            return None
        self.ctl("init", "image", name)
        if network == "host":
            self.ctl("config", "set", name, "raw.lxc=lxc.net.0.type=none")
        self.ctl("config", "set", name, "security.privileged=true")
        for number, (outside, inside) in enumerate(mounts):
            self.ctl("config", "device", "add", name, f"mount{number}", "disk", f"source={outside}",
                     f"path={inside}")
        self.ctl("start", name)
        pid = int(next(line.split(":")[1] for line in self.ctl("info", name).splitlines()
                       if line.strip().lower().startswith("pid:")))
        return Container(self.host, f"lxc:{name}", [self.client, "exec", name, "--"], pid)


class Incus(Lxd):
    client, state, start_daemon = "incus", "/var/lib/incus", ["/usr/libexec/incus/incusd", "--group", "root"]
    initialise = ["incus", "admin", "init"]
    wait_ready = ["incus", "admin", "waitready", "--timeout=60"]
    shares_network = True


def proxy_device(checks, agent, engine):
    """A port of the host that the daemon's forkproxy has for a container, and the other way round."""
    engine.start("proxied")
    outside = Outside(engine.host)
    words = ["config", "device", "add", "proxied"]
    engine.ctl(*words, "web", "proxy", "listen=tcp:0.0.0.0:8020", "connect=tcp:127.0.0.1:80")
    said = outside.call("bind", "tcp:8020")
    found = agent.newest(sockward__address="0.0.0.0:8020", sockward__syscall__name="bind")
    text = " ".join(found.get("sockward.evidence", []))
    # Likely where no scan has met forkproxy before: it was given the socket by another process.
    checks.that("a port of a proxy device is taken: address_in_use",
                "in use" in said and found.get("sockward.cause") == "address_in_use", said, found)
    checks.that("held by forkproxy, for the address in the instance",
                "forkproxy" in text and "tcp:127.0.0.1:80" in text
                and "listen: tcp:0.0.0.0:8020" in found.get("sockward.advice", ""), found)
    outside.hold("tcp:8021")
    said = engine.ctl(*words, "taken", "proxy", "listen=tcp:0.0.0.0:8021", "connect=tcp:127.0.0.1:80",
                      check=False)
    # Go binds an IPv6 socket for the wildcard address.
    found = agent.newest(network__local__port=8021, error__type="EADDRINUSE")
    checks.that("a proxy device for a port of the host's: address_in_use, held by `call`",
                "in use" in said and judged(found, "address_in_use")
                and found.get("sockward.holder.comm") == "call", said, found)
    outside.release("tcp:8021")


def symbolic_link(checks, agent, engine):
    """/opt is a link, LXC's own folder is reached through it: openat2 refuses, and nothing starts."""
    host, name = engine.host, "linked"
    engine.ctl("init", "image", name)
    host.run("sh", "-c", "mkdir -p /home/opt && rm -rf /opt && ln -s home/opt /opt && "
                         f"mv {LIBRARY} /home/opt/lxc && ln -s /opt/lxc {LIBRARY}")
    said = engine.ctl("start", name, check=False)
    found = agent.newest(error__type="ELOOP")
    checks.that("a container whose rootfs is reached through a link does not start", "Error" in said, said)
    checks.that("ELOOP: symlink_refused, certain though the caller has gone",
                judged(found, "symlink_refused"), found, host.said("daemon.log"))
    text = " ".join(found.get("sockward.evidence", []))
    checks.that("the link is named", LIBRARY in text or "/opt" in text, found)
    host.run("sh", "-c", f"rm {LIBRARY} && mv /home/opt/lxc {LIBRARY} && rm /opt && mkdir /opt")
    agent.settle()
    before = len(agent.told(error__type="ELOOP"))
    engine.ctl("start", name)
    agent.settle()
    checks.that("without the link it starts, and there is no record of one", "RUNNING" in
                engine.ctl("list", "--format", "csv", "--columns", "s", name)
                and len(agent.told(error__type="ELOOP")) == before)


def long_name(checks, agent, engine):
    """A machine with a TPM: swtpm gets a path of a socket that does not fit."""
    words = ["-c", "limits.memory=128MiB", "-c", "security.secureboot=false"]
    for name in (LONG_NAME, "vm1"):
        engine.ctl("init", "--empty", "--vm", name, *words)
        engine.ctl("config", "device", "add", name, "vtpm", "tpm")
    said = engine.ctl("start", LONG_NAME, check=False)
    found = agent.newest(sockward__cause="path_refused_in_userspace") or agent.newest(
        sockward__cause="path_too_long")
    checks.that("a machine with a TPM and a name of 63 bytes does not start", "Error" in said, said)
    text = " ".join([found.get("sockward.address", ""), *found.get("sockward.evidence", [])])
    checks.that("the path is named as too long, with the instance's name in it", LONG_NAME in text, found,
                said, [(a.get("sockward.syscall.name"), a.get("sockward.address"), a.get("error.type"))
                       for a in agent.told()])
    before = len(agent.told(sockward__cause="path_refused_in_userspace"))
    engine.ctl("start", "vm1", check=False)
    agent.settle()
    checks.that("a short name beside it: its TPM has no such record",
                len(agent.told(sockward__cause="path_refused_in_userspace")) == before)


def version(host):
    which = "incus" if (host.root / "usr/bin/incus").exists() else "lxc"
    return host.run(which, "--version").strip()


if __name__ == "__main__":
    run("lxd", "debian-12", Lxd, version, proxy_device, symbolic_link, long_name)
