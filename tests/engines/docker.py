"""Docker: `docker run`, published ports and their proxy."""
from engine import Container, Outside, judged, label, run, wait_until
from host import make_tree, pack


class Docker:
    def __init__(self, host):
        self.host = host
        pack(make_tree(host.folder / "tree"), host.root / "image.tar")
        host.start("dockerd", log="dockerd.log")
        wait_until(lambda: "Server Version" in self.docker("info", check=False), 60, "dockerd answers")
        self.docker("import", "/image.tar", "image")

    def docker(self, *words, check=True):
        return self.host.run("docker", *words, check=check)

    def start(self, name, network="own", mounts=(), host_names=False, flags=()):
        words = list(flags)
        if network == "host":
            words += ["--network", "host"]
        for outside, inside in mounts:
            words += ["--volume", f"{outside}:{inside}"]
        if host_names:
            words += ["--uts", "host", "--privileged"]
        self.docker("run", "--detach", "--name", name, *words, "image", "/bin/sleep", "3600")
        pid = int(self.docker("inspect", "--format", "{{.State.Pid}}", name))
        return Container(self.host, f"docker:{name}", ["docker", "exec", name], pid)


def published_port(checks, agent, engine):
    """A port that docker-proxy has for a container, and the other way round."""
    engine.start("published", flags=["--publish", "127.0.0.1:8010:80"])
    said = Outside(engine.host).call("bind", "tcp:8010")
    found = agent.newest(sockward__address="0.0.0.0:8010", sockward__syscall__name="bind")
    # Likely where no scan has met docker-proxy before: dockerd may have bound the socket and passed it on.
    checks.that("a published port is taken: address_in_use",
                "in use" in said and found.get("sockward.cause") == "address_in_use", said, found)
    text = " ".join(found.get("sockward.evidence", []))
    address = engine.docker("inspect", "--format",
                            "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", "published").strip()
    listed = engine.docker("ps", "--filter", "publish=8010", "--format", "{{.Names}}").strip()
    checks.that("held by docker-proxy, for port 80 of the container's address",
                found.get("sockward.holder.comm") == "docker-proxy"
                and f"for port 80 of the container at {address}" in text, found)
    checks.that("and the command of the advice names the container",
                listed == "published"
                and "docker ps --filter publish=8010" in found.get("sockward.advice", ""), found, listed)
    outside = Outside(engine.host)
    outside.hold("tcp:8011")
    said = engine.docker("run", "--detach", "--name", "refused", "--publish", "8011:80", "image",
                         "/bin/sleep", "3600", check=False)
    found = agent.newest(sockward__address="0.0.0.0:8011", sockward__syscall__name="bind")
    checks.that("docker run --publish with a port of the host's: address_in_use, held by `call`",
                "in use" in said and judged(found, "address_in_use")
                and found.get("sockward.holder.comm") == "call" and label(found) is None, said, found)
    outside.release("tcp:8011")


def version(host):
    return host.run("docker", "version", "--format", "{{.Server.Version}}").strip()


if __name__ == "__main__":
    run("docker", "docker", Docker, version, published_port)
