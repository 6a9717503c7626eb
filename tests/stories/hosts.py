"""Who renames a host, in a booted Debian with systemd (scripts/test-stories): hostnamectl and busctl through
systemd-hostnamed, cloud-init, and DHCP clients. Renames the machine it runs on: only for one of its own."""
import os
import pathlib
import subprocess
import sys
import time

from story import CONFIG, settle, soon, text_of, told
from support import SOCKWARD, Agent, Checks, Program, total

NOBODY = 65534
SEED = pathlib.Path("/var/lib/cloud/seed/nocloud")


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)


class Host:
    """The machine's name, and what the agent says of its changes."""

    def __init__(self, checks, agent):
        self.checks, self.agent = checks, agent

    def change_to(self, name, seconds=20):
        found = soon(lambda: told(self.agent, sockward__hostname__new=name), seconds)
        return found[0] if found else {}

    def changes(self):
        return len([r for r in self.agent.records() if r["event_name"] == "sockward.hostname.changed"])

    def is_told(self, what, name, program, words, said=""):
        """One record of it, of the host, by this program, with these words."""
        found = self.change_to(name)
        judged = found.get("sockward.scope"), found.get("sockward.confidence")
        self.checks.that(f"{what}: the change has a record, certain and of the host",
                         judged == ("host", "certain"), found, said)
        path = str(found.get("process.executable.path"))
        self.checks.that(f"{what}: the program is {program}", path.endswith("/" + program)
                         or found.get("process.executable.name") == program, found)
        self.checks.that(f"{what}: the processes that started it are named",
                         len(found.get("sockward.actor.ancestors", [])) > 0, found)
        for word in words:
            self.checks.that(f"{what}: it says {word}", word in text_of(found), text_of(found))
        return found

    def is_not_told(self, what, act):
        before, name = self.changes(), os.uname().nodename
        said = act()
        settle(self.agent)
        self.checks.that(f"{what}: the name is the same, and there is no record",
                         (self.changes(), os.uname().nodename) == (before, name), said)


def over_the_bus(host):
    host.checks.that("the system bus is watched", total(host.agent.metrics(), "sockward_coverage",
                                                        operation="sethostname", route="dbus") == 1,
                     host.agent.said(), run(SOCKWARD, "check").stdout)
    asking = subprocess.Popen(["hostnamectl", "set-hostname", "by-hostnamectl"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    said = asking.communicate(timeout=120)[0]
    host.is_told("hostnamectl", "by-hostnamectl", "systemd-hostnamed",
                 [f"by hostnamectl[{asking.pid}] uid 0", "asked for over D-Bus"], said)
    asking = subprocess.Popen(["busctl", "call", "org.freedesktop.hostname1", "/org/freedesktop/hostname1",
                               "org.freedesktop.hostname1", "SetStaticHostname", "sb", "by-busctl", "false"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = asking.communicate(timeout=120)[0]
    host.is_told("busctl", "by-busctl", "systemd-hostnamed",
                 [f"asked for over D-Bus (SetStaticHostname) by busctl[{asking.pid}] uid 0"], said)
    host.is_not_told("the name that it has already", lambda: run("hostnamectl", "set-hostname", "by-busctl"))
    host.is_not_told("hostnamectl of an ordinary user",
                     lambda: run("hostnamectl", "set-hostname", "by-nobody", user=NOBODY))
    run("hostname", "by-hostname")
    found = host.is_told("hostname", "by-hostname", "hostname", [])
    host.checks.that("hostname: nobody asked over D-Bus", "D-Bus" not in text_of(found), text_of(found))


def by_cloud_init(host):
    SEED.mkdir(parents=True)
    (SEED / "meta-data").write_text("instance-id: story-1\nlocal-hostname: by-cloud-init\n")
    (SEED / "user-data").write_text("#cloud-config\nhostname: by-cloud-init\npreserve_hostname: false\n")
    said = run("cloud-init", "init", "--local")
    if not host.change_to("by-cloud-init", 5):
        said = run("cloud-init", "single", "--name", "set_hostname", "--frequency", "always")
    found = host.is_told("cloud-init", "by-cloud-init", "hostname", ["cloud-init"], said)
    ancestors = [a.split("[")[0] for a in found.get("sockward.actor.ancestors", [])]
    host.checks.that("cloud-init: it is an ancestor of hostname", "cloud-init" in ancestors, ancestors)
    host.is_not_told("cloud-init once more, for the same instance",
                     lambda: run("cloud-init", "init", "--local"))


class Network:
    """A server that gives out one name, behind a veth."""

    def __enter__(self):
        for command in ("ip netns add server",
                        "ip link add lan0 type veth peer name lan1 netns server",
                        "ip -n server addr add 192.0.2.1/24 dev lan1",
                        "ip -n server link set lan1 up",
                        "ip link set lan0 up"):
            subprocess.run(command.split(), check=True)
        address = pathlib.Path("/sys/class/net/lan0/address").read_text().strip()
        self.server = Program("ip", "netns", "exec", "server", "dnsmasq", "--no-daemon", "--port=0",
                              "--conf-file=/dev/null", "--interface=lan1", "--user=root",
                              "--dhcp-range=192.0.2.10,192.0.2.20",
                              "--dhcp-leasefile=/run/story-leases",
                              f"--dhcp-host={address},192.0.2.15,by-dhcp", stderr=subprocess.DEVNULL)
        time.sleep(1)
        return self

    def __exit__(self, *error):
        self.server.stop()
        run("ip", "link", "del", "lan0")
        run("ip", "netns", "del", "server")


def dhclient():
    said = run("dhclient", "-1", "-v", "-pf", "/run/story-dhclient.pid", "-lf", "/run/story-lease", "lan0")
    run("dhclient", "-x", "-pf", "/run/story-dhclient.pid", "-lf", "/run/story-lease", "lan0")
    pathlib.Path("/run/story-lease").unlink(missing_ok=True)
    return said.stderr[-1500:]


def by_dhcp(host):
    with Network():
        host.is_not_told("dhclient, where the host has a name", dhclient)
        host.is_not_told("udhcpc, which sets no name on Debian",
                         lambda: run("udhcpc", "-i", "lan0", "-q", "-n", "-f"))
        run("hostname", "localhost")
        said = dhclient()
        found = host.is_told("dhclient", "by-dhcp", "hostname", ["dhclient", "dhclient-script"], said)
        names = [a.split("[")[0] for a in found.get("sockward.actor.ancestors", [])]
        host.checks.that("dhclient: its script and it are the ancestors of hostname",
                         names[:2] == ["dhclient-script", "dhclient"], names)


def main():
    if not os.path.exists("/etc/sockward-story"):
        sys.exit("this renames the machine: it is for the one that scripts/test-stories boots")
    checks = Checks("STORY host names")
    with Agent(output="json", config=CONFIG) as agent:
        host = Host(checks, agent)
        for part in (over_the_bus, by_cloud_init, by_dhcp):
            part(host)
    checks.end()


if __name__ == "__main__":
    main()
