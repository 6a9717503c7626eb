"""What is asked of every container engine. An engine is a class with `Host` as .host and a method
    start(name, network="own"|"host", mounts=[(outside, inside)], host_names=False) -> Container
`host_names`: privileged, and in the host's UTS namespace. None: the engine has no such container."""
import pathlib
import time

from host import Host, HostAgent, last_value, wait_until
from support import Checks


class Container:
    """`label`: as metrics have it. `words`: the engine's words before a command that is to run in there.
    `pid`: of its first process, as the host sees it."""

    def __init__(self, host, label, words, pid):
        self.host, self.label, self.words, self.pid = host, label, words, pid

    def call(self, *arguments):
        """`call` in there, to its end. What it said."""
        return self.host.run(*self.words, "/bin/call", *arguments, check=False).strip()

    def start_call(self, log, *arguments):
        self.host.start(*self.words, "/bin/call", *arguments, log=log)

    def hold(self, address):
        """A server in there. Ends with release()."""
        log = f"hold-{time.monotonic_ns()}"
        self.start_call(log, "hold", address)
        wait_until(lambda: "done" in self.host.said(log), 20, f"somebody holds {address}")

    def release(self, address):
        self.host.kill(f"call hold {address}$")


class Outside(Container):
    """The host itself, where no container is."""

    def __init__(self, host):
        super().__init__(host, None, ["/usr/bin/env"], 1)

    def call(self, *arguments):
        return self.host.run("/usr/bin/call", *arguments, check=False).strip()

    def start_call(self, log, *arguments):
        self.host.start("/usr/bin/call", *arguments, log=log)


def label(record):
    """The container as the label of metrics has it; None: the host."""
    if "container.runtime.name" not in record:
        return None
    number = record.get("container.id", "")[:12]
    return f"{record['container.runtime.name']}:{record.get('container.name', number)}"


def judged(record, cause, confidence="certain"):
    return (record.get("sockward.cause"), record.get("sockward.confidence")) == (cause, confidence)


def whose_it_is(checks, agent, container):
    said = container.call("bind", "/missing/app.sock")
    found = agent.newest(sockward__address="unix:/missing/app.sock", sockward__syscall__name="bind")
    checks.that("a bind in the container fails with No such file or directory", "No such file" in said, said)
    checks.that(f"its record is of {container.label}", label(found) == container.label, found)
    checks.that("path_missing, certain", judged(found, "path_missing"), found)
    wanted = container.host.namespaces(container.pid)
    have = {kind: found.get(f"sockward.{kind}ns.inode") for kind in wanted}
    checks.that("with the container's network, pid, UTS and mount namespace", have == wanted, have, wanted)
    Outside(container.host).call("bind", "/missing-outside/app.sock")
    found = agent.newest(sockward__address="unix:/missing-outside/app.sock")
    checks.that("the same failure outside is of no container",
                judged(found, "path_missing") and label(found) is None, found)


def conflict(checks, agent, what, first, second, port):
    """`first` has the port, `second` cannot bind it."""
    first.hold(f"tcp:{port}")
    said = second.call("bind", f"tcp:{port}")
    found = agent.newest(sockward__address=f"0.0.0.0:{port}", sockward__syscall__name="bind")
    checks.that(f"{what}: Address already in use", "Address already in use" in said, said)
    checks.that(f"{what}: address_in_use, certain, held by `call`",
                judged(found, "address_in_use") and found.get("sockward.holder.comm") == "call", found)
    checks.that(f"{what}: the record is of {second.label or 'the host'}", label(found) == second.label, found)
    checks.that(f"{what}: the holder is in {first.label or 'no container'}",
                found.get("sockward.holder.container") == (first.label or "host"), found)
    first.release(f"tcp:{port}")


def no_conflict(checks, agent, first, second, port):
    first.hold(f"tcp:{port}")
    said = second.call("bind", f"tcp:{port}")
    agent.settle()
    checks.that("a port that another network namespace has is no conflict, and there is no record",
                said.endswith("done") and not agent.told(sockward__address=f"0.0.0.0:{port}"), said)
    first.release(f"tcp:{port}")


def mounted_socket(checks, agent, engine):
    """A socket file of the host, mounted into a container; and, beside it, the directory of one."""
    host, outside = engine.host, Outside(engine.host)
    for name in ("file", "folder"):
        host.run("mkdir", "-p", f"/srv/{name}")
        outside.hold(f"/srv/{name}/app.sock")
    container = engine.start("mounts", mounts=[("/srv/file/app.sock", "/run/app.sock"),
                                               ("/srv/folder", "/srv")])
    said = [container.call("connect", path) for path in ("/run/app.sock", "/srv/app.sock")]
    checks.that("a socket of the host that is mounted can be reached", all(s.endswith("done") for s in said),
                said)
    for name in ("file", "folder"):
        outside.release(f"/srv/{name}/app.sock")
        host.run("rm", f"/srv/{name}/app.sock")
        outside.hold(f"/srv/{name}/app.sock")
    said = [container.call("connect", path) for path in ("/run/app.sock", "/srv/app.sock")]
    checks.that("its server was started again: refused by the mounted file, reached in the mounted directory",
                "refused" in said[0] and said[1].endswith("done"), said)
    found = agent.newest(sockward__address="unix:/run/app.sock")
    checks.that(f"mounted_socket_gone, certain, of {container.label}",
                judged(found, "mounted_socket_gone") and label(found) == container.label, found)
    outside.release("/srv/folder/app.sock")
    container.call("connect", "/srv/app.sock")
    found = agent.newest(sockward__address="unix:/srv/app.sock")
    # Likely or certain: on tracepoints the end of a unix socket is found by looking.
    checks.that("the same with a server that was killed is a stale socket",
                found.get("sockward.cause") == "stale_socket" and label(found) == container.label, found)
    outside.release("/srv/file/app.sock")


def renames(checks, agent, engine, plain):
    said = plain.call("rename", "renamed-denied")
    found = agent.newest(sockward__hostname__new="renamed-denied")
    if "not permitted" in said:
        # Docker and Podman filter the call, so that it never begins.
        checks.that("a container may not rename itself: no CAP_SYS_ADMIN, or a seccomp filter",
                    (judged(found, "hostname_denied") or judged(found, "policy_denied", "likely")
                     and found.get("sockward.policy") == "seccomp")
                    and label(found) == plain.label, said, found)
    else:
        checks.that("a container renames itself: its own name, not the host's",
                    judged(found, "hostname_changed") and label(found) == plain.label
                    and found.get("sockward.scope") == "container", said, found)
    container = engine.start("renames", host_names=True)
    if container is None:
        return
    name = pathlib.Path("/proc/sys/kernel/hostname").read_text().strip()
    said = container.call("rename", "renamed-by-container")
    found = agent.newest(sockward__cause="hostname_changed", sockward__scope="host")
    checks.that(f"{container.label} renames the host: certain, with both names",
                said.endswith("done") and label(found) == container.label
                and judged(found, "hostname_changed")
                and (found.get("sockward.hostname.old"), found.get("sockward.hostname.new"))
                == (name, "renamed-by-container"), said, found)
    Outside(engine.host).call("rename", name)


def usual(checks, agent, engine):
    """All that is the same for each; the port numbers are of the host's own network namespace."""
    outside = Outside(engine.host)
    plain, shared = engine.start("web-1"), engine.start("shared", network="host")
    whose_it_is(checks, agent, plain)
    if shared is not None:
        conflict(checks, agent, "host, then container", outside, shared, 8001)
        conflict(checks, agent, "container, then host", shared, outside, 8002)
    conflict(checks, agent, "twice in one container", plain, plain, 8003)
    no_conflict(checks, agent, plain, outside, 8004)
    mounted_socket(checks, agent, engine)
    renames(checks, agent, engine, plain)


def run(name, root, engine_of, version, *more):
    """One engine's test: `engine_of(host)` starts it, `more` are its own checks. `version(host)`."""
    checks = Checks(f"ENGINE {name}")
    with Host(root) as host, HostAgent(host) as agent:
        engine = engine_of(host)
        try:
            usual(checks, agent, engine)
            for check in more:
                check(checks, agent, engine)
        except AssertionError as error:
            checks.that(f"it comes to its end: {error}", False, *logs(host))
        known = version(host)
        agent_said = agent.said()
    checks.that("the agent says no error", "ERROR" not in agent_said, agent_said[-1500:])
    checks.end(known)


def logs(host):
    files = [*host.folder.glob("*.log"), *host.root.glob("var/log/**/*.log")]
    return [f"{path.name}: {path.read_text(errors='replace')[-800:]}" for path in files
            if path.stat().st_mtime > host.began]


__all__ = ["Container", "Outside", "judged", "label", "last_value", "run", "wait_until"]
