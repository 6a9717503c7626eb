"""The parts of a fleet on loopback. Each is started with the files of packaging/fleet and the shipped rules
and routes; only addresses, folders and intervals are replaced: what the documents show is what runs."""
import os
import pathlib
import shlex
import signal
import sys
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
from support import ROOT, Agent, Folder, Program, free_port, wait_until  # noqa: E402 (the line above)

CACHE = pathlib.Path(os.environ["SOCKWARD_FLEET"])
LOGS = pathlib.Path(os.environ["SOCKWARD_FLEET_LOGS"])
BIN = CACHE / "engines/usr/bin"
SHIPPED = ROOT / "packaging/fleet"
RULES = ROOT / "dashboards/prometheus"
STEP = "2s"       # instead of 15s between scrapes, and between evaluations
REPEAT = 60       # seconds, instead of hours
ADDRESSES = ["prometheus-a:9090", "prometheus-b:9090", "prometheus-all:9090", "alertmanager-0:9093",
             "alertmanager-1:9093", "alertmanager-0:9094", "alertmanager-1:9094", "victoria-metrics:8428",
             "vmagent:8429", "vmalert:8880", "otel-collector:4318", "logs:9099", "node-a:9966",
             "node-b:9966"]


class Places:
    """Where the names of the shipped files are here."""

    def __init__(self):
        self.folder = Folder()
        self.ports = {address: free_port() for address in ADDRESSES}

    def at(self, address):
        return f"127.0.0.1:{self.ports[address]}"

    def here(self, text):
        for address in ADDRESSES:
            text = text.replace(address, self.at(address))
        text = text.replace("/usr/share/sockward/prometheus", str(RULES))
        for program in ("prometheus", "vmagent", "otelcol", "alertmanager"):
            text = text.replace(f"/etc/{program}/", f"{self.folder.path}/")
        return text.replace("15s", STEP)

    def put(self, name, text):
        path = pathlib.Path(self.folder / name)
        path.write_text(text, encoding="utf-8")
        return path

    def shipped(self, name, folder=SHIPPED, **replaced):
        text = self.here((folder / name).read_text(encoding="utf-8"))
        for old, new in replaced.items():
            text = text.replace(old, new)
        return text

    def command(self, name):
        """The flags of a program in packaging/fleet/commands."""
        lines = [shlex.split(line, comments=True) for line in (SHIPPED / "commands").read_text().splitlines()]
        (flags,) = [line[1:] for line in lines if line and line[0] == name]
        return [self.here(flag) for flag in flags]


def routes(places):
    """The shipped routes, at a pace that a test can wait for."""
    text = (ROOT / "dashboards/alertmanager/alertmanager.example.yml").read_text(encoding="utf-8")
    for old, new in (("127.0.0.1:9099", places.at("logs:9099")), ("group_wait: 30s", "group_wait: 1s"),
                     ("group_interval: 5m", "group_interval: 2s"),
                     ("repeat_interval: 12h", f"repeat_interval: {REPEAT}s"),
                     ("repeat_interval: 1h", f"repeat_interval: {REPEAT}s")):
        if old not in text:
            raise AssertionError(f"alertmanager.example.yml has no {old!r} any more")
        text = text.replace(old, new)
    return text


class Part:
    """A program of the fleet that can be killed and started again."""

    def __init__(self, name, command, ready):
        self.name, self.command, self.ready_url, self.program = name, command, ready, None

    def start(self):
        with open(LOGS / f"{self.name}.log", "ab") as log:
            self.program = Program(*map(str, self.command), stdout=log, stderr=log)
        wait_until(self.ready, 60, f"{self.name} is ready")

    def ready(self):
        if self.program.process.poll() is not None:
            raise AssertionError(f"{self.name} ended by itself: {LOGS / self.name}.log")
        try:
            return urllib.request.urlopen(self.ready_url, timeout=2).status < 300
        except urllib.error.HTTPError as error:
            return error.code in (404, 405) and self.name == "otel-collector"
        except OSError:
            return False

    def kill(self):
        self.program.stop(signal.SIGKILL)


class Node:
    """A host name of its own, kept by a sleeper, and an agent in it."""

    def __init__(self, places, name):
        self.name = name
        self.sleeper = Program("unshare", "--uts", "sh", "-c", f"hostname {name}; exec sleep 3600")
        here = os.stat("/proc/self/ns/uts").st_ino
        wait_until(lambda: self.inode() != here, 10, f"the namespace of {name}")
        config = places.shipped("sockward.yml") + f"host: {{uts_namespace: {self.inode()}}}\n"
        config = config.replace("  labels:", "  resend: 10s\n  labels:")
        self.agent = Agent(config=config, output="json")
        self.agent.port = places.ports[f"{name}:9966"]
        self.agent.command = ["nsenter", f"--uts=/proc/{self.sleeper.process.pid}/ns/uts",
                              *[self.placed(places, word) for word in self.agent.command]]
        self.instance = places.at(f"{name}:9966")

    def inode(self):
        return os.stat(f"/proc/{self.sleeper.process.pid}/ns/uts").st_ino

    def placed(self, places, word):
        for flag, value in (("--web.listen-address=", places.at(f"{self.name}:9966")),
                            ("--restart.pin-path=", f"/sys/fs/bpf/sockward-fleet-{self.agent.port}")):
            if word.startswith(flag):
                return flag + value
        return word

    def start(self):
        self.agent.__enter__()

    def kill(self):
        self.agent.kill()

    def stop(self):
        self.agent.__exit__()
        self.sleeper.stop(signal.SIGKILL)


def prometheus(places, which):
    name = f"prometheus-{which}"
    config = f"{name}.yml"
    text = places.shipped("prometheus-all.yml" if which == "all" else "prometheus.yml")
    places.put(config, text.replace("replica: a}", f"replica: {which}}}"))
    flags = [flag.replace("/prometheus.yml", f"/{config}")
             for flag in places.command("prometheus-all" if which == "all" else "prometheus")]
    address = places.at(f"{name}:9090")
    return Part(name, [BIN / "prometheus", *flags, f"--storage.tsdb.path={places.folder / name}",
                       f"--web.listen-address={address}", "--web.enable-lifecycle",
                       "--rules.alert.resend-delay=10s"], f"http://{address}/-/ready")


def alertmanager(places, which):
    name, address = f"alertmanager-{which}", places.at(f"alertmanager-{which}:9093")
    peer = places.at(f"alertmanager-{1 - which}:9094")
    flags = [flag.replace(places.at("alertmanager-1:9094"), peer) for flag in places.command("alertmanager")]
    return Part(name, [BIN / "prometheus-alertmanager", *flags, f"--storage.path={places.folder / name}",
                       f"--web.listen-address={address}",
                       f"--cluster.listen-address={places.at(f'alertmanager-{which}:9094')}",
                       "--cluster.peer-timeout=3s", "--cluster.reconnect-interval=1s"],
                f"http://{address}/-/ready")


def victoria(places, name, port, *flags):
    address = places.at(f"{name}:{port}")
    return Part(name, [BIN / name, *places.command(name), f"-httpListenAddr={address}", *flags],
                f"http://{address}/health")


def all_parts(places, quick):
    """Everything but the nodes, in the order in which it is started."""
    places.put("alertmanager.example.yml", routes(places))
    os.makedirs(places.folder / "nodes")
    pathlib.Path(places.folder / "nodes/nodes.json").write_text(
        f'[{{"targets": ["{places.at("node-a:9966")}", "{places.at("node-b:9966")}"]}}]')
    places.put("vmagent.yml", places.shipped("vmagent.yml"))
    places.put("otel-collector.yml", places.shipped("otel-collector.yml"))
    data = places.folder
    parts = [Part("receiver", [sys.executable, HERE / "receiver.py", places.ports["logs:9099"],
                               LOGS / "received"], f"http://{places.at('logs:9099')}/"),
             alertmanager(places, 0), alertmanager(places, 1),
             victoria(places, "victoria-metrics", 8428, f"-storageDataPath={data / 'victoria'}",
                      "-retentionPeriod=1d", "-search.latencyOffset=1s"),
             prometheus(places, "all"), prometheus(places, "a"), prometheus(places, "b"),
             victoria(places, "vmagent", 8429, f"-remoteWrite.tmpDataPath={data / 'vmagent'}"),
             victoria(places, "vmalert", 8880, "-rule.resendDelay=10s", "-rule.evalDelay=1s",
                      "-remoteWrite.flushInterval=1s")]
    if not quick:
        parts.append(Part("otel-collector", [CACHE / "otel-collector", *places.command("otel-collector")],
                          f"http://{places.at('otel-collector:4318')}/"))
    return {part.name: part for part in parts}


def version(folder, package):
    """Of a Debian package that was unpacked there."""
    names = (CACHE / folder / "packages").read_text(encoding="utf-8").splitlines()
    (name,) = [name for name in names if name.startswith(package + "_")]
    return name.split("_")[1].replace("%3a", ":")
