"""A node of Kubernetes and what governs it, on this machine, in the mount and network namespace that
scripts/test-kubernetes made: they go away with this process. Kubelet logs are where every node has them,
/var/log, because the agent looks there; they are removed at the end, as are cgroups."""
import contextlib
import glob
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

from cluster import PROGRAMS, Cluster
from support import Program, wait_until

NODE = PROGRAMS / "node/root"
ADDRESS, SERVICE = "10.77.0.1", "10.96.0.1"  # of the node, and of the API server for its pods
HIERARCHIES = "/sys/fs/cgroup/*"
SUBJECTS = {"manager": ("/CN=system:kube-controller-manager", ""),
            "scheduler": ("/CN=system:kube-scheduler", ""),
            "kubelet": ("/O=system:nodes/CN=system:node:node1", f"DNS:node1,IP:{ADDRESS}")}
# No kube-proxy runs: the API server itself is where its service is.
FLAGS = ["--bind-address=0.0.0.0", f"--advertise-address={ADDRESS}", "--authorization-mode=Node,RBAC",
         "--enable-admission-plugins=NodeRestriction", "--kubelet-client-certificate=admin.crt",
         "--kubelet-client-key=admin.key", "--kubelet-preferred-address-types=InternalIP"]
CONTAINERD = """version = 2
root = "{0}/containerd"
state = "{0}/containerd-run"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "{0}/c.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{1}/usr/lib/cni"
    conf_dir = "{0}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      BinaryName = "{1}/usr/sbin/runc"
"""
BRIDGE = {"cniVersion": "0.4.0", "name": "pods", "plugins": [
    {"type": "bridge", "bridge": "cni0", "isGateway": True,
     "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.78.0.0/24"}]],
              "routes": [{"dst": "0.0.0.0/0"}]}}]}


def command(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: {done.stderr}")
    return done.stdout


class Cgroups:
    """Those of the node, below one of its own in every hierarchy; this process is in them, too, so that
    whatever it leaves behind is found."""

    def __init__(self):
        self.name = f"sockward-node-{os.getpid()}"
        self.former = {}
        for hierarchy in glob.glob(HIERARCHIES):
            folder = pathlib.Path(hierarchy, self.name)
            (folder / "machine").mkdir(parents=True)
            for file in ("cpuset.cpus", "cpuset.mems"):
                if (folder / file).exists():
                    (folder / file).write_text(pathlib.Path(hierarchy, file).read_text())
        self.enter("/sys/fs/cgroup/pids", f"{self.name}/machine")

    @staticmethod
    def enter(hierarchy, name):
        pathlib.Path(hierarchy, name, "cgroup.procs").write_text("0")

    def processes(self):
        for file in glob.glob(f"{HIERARCHIES}/{self.name}/**/cgroup.procs", recursive=True):
            with contextlib.suppress(OSError):
                yield from map(int, pathlib.Path(file).read_text().split())

    def end(self):
        self.enter("/sys/fs/cgroup/pids", "")
        for _ in range(50):
            left = set(self.processes())
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not left:
                break
            time.sleep(0.1)
        for top in glob.glob(f"{HIERARCHIES}/{self.name}"):
            for folder, _, _ in os.walk(top, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)


class Node:
    """One node, node1, with an API server, a controller manager and a scheduler."""

    def __init__(self, images):
        self.pods_were_there = os.path.exists("/var/log/pods")
        self.cgroups = Cgroups()
        self.make_network()
        self.cluster = Cluster(port=443, flags=FLAGS, subjects=SUBJECTS)
        self.path = self.cluster.path
        self.mount()
        self.programs = []
        manager = self.kubeconfig("manager")
        self.run("kube-controller-manager", f"--kubeconfig={manager}", "--leader-elect=false",
                 "--service-account-private-key-file=sa.key", "--root-ca-file=ca.crt",
                 "--use-service-account-credentials", "--port=0")
        self.run("kube-scheduler", f"--kubeconfig={self.kubeconfig('scheduler')}", "--leader-elect=false",
                 "--port=0")
        self.start_containerd(images)
        self.start_kubelet()

    @staticmethod
    def make_network():
        # A network namespace that nobody has used: never the machine's own.
        assert "UP" not in json.loads(command("ip", "-json", "link", "show", "lo"))[0]["flags"]
        for words in ("link set lo up", "link add eth0 type veth peer name eth1", "link set eth0 up",
                      "link set eth1 up", f"address add {ADDRESS}/24 dev eth0",
                      f"address add {SERVICE}/32 dev lo", "route add default via 10.77.0.254 dev eth0"):
            command("ip", *words.split())

    def mount(self):
        """What a node shares with pods, and what containerd keeps in /run."""
        for words in (f"--bind {self.path} {self.path}", f"--make-rshared {self.path}", "-t tmpfs node /run",
                      "-t bpf node /sys/fs/bpf", "-t tracefs node /sys/kernel/tracing"):
            command("mount", *words.split())
        self.at_first = os.listdir("/sys/fs/bpf")  # some kernels put something there

    def kubeconfig(self, name):
        path = self.path / f"{name}.kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": f"https://127.0.0.1:{self.cluster.port}",
                                                    "certificate-authority": f"{self.path}/ca.crt"}}],
            "users": [{"name": "it", "user": {"client-certificate": f"{self.path}/{name}.crt",
                                              "client-key": f"{self.path}/{name}.key"}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]}))
        return path

    def run(self, program, *flags):
        environment = {**os.environ, "PATH": f"{NODE}/usr/bin:{NODE}/usr/sbin:{os.environ['PATH']}"}
        with open(self.path / f"{program}.log", "ab") as log:
            self.programs.append(Program(
                shutil.which(program, path=f"{PROGRAMS}:{environment['PATH']}"), *flags, cwd=self.path,
                env=environment, stdout=log, stderr=log))
        return self.programs[-1].process

    def start_containerd(self, images):
        (self.path / "containerd.toml").write_text(CONTAINERD.format(self.path, NODE))
        (self.path / "cni").mkdir()
        (self.path / "cni/10-pods.conflist").write_text(json.dumps(BRIDGE))
        self.run("containerd", f"--config={self.path}/containerd.toml")
        wait_until((self.path / "c.sock").exists, 60, "containerd listens")
        wait_until(lambda: "io.containerd.grpc.v1" in self.ctr("plugins", "list"), 60, "containerd answers")
        for image in images:
            self.ctr("images", "import", str(image))

    def ctr(self, *words):
        return command(f"{NODE}/usr/bin/ctr", f"--address={self.path}/c.sock", "--namespace=k8s.io", *words)

    def start_kubelet(self):
        (self.path / "kubelet.json").write_text(json.dumps({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{self.cgroups.name}", "failSwapOn": False,
            "clusterDNS": ["10.96.0.10"], "clusterDomain": "cluster.local",
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False},
                               "x509": {"clientCAFile": f"{self.path}/ca.crt"}},
            "authorization": {"mode": "AlwaysAllow"}, "tlsCertFile": f"{self.path}/kubelet.crt",
            "tlsPrivateKeyFile": f"{self.path}/kubelet.key", "makeIPTablesUtilChains": False,
            "evictionHard": {"memory.available": "1Mi"}, "featureGates": {"DevicePlugins": False},
            "volumePluginDir": f"{self.path}/plugins"}))
        flags = [f"--config={self.path}/kubelet.json", "--container-runtime=remote",
                 f"--container-runtime-endpoint=unix://{self.path}/c.sock", "--hostname-override=node1",
                 f"--kubeconfig={self.kubeconfig('kubelet')}", f"--node-ip={ADDRESS}",
                 f"--root-dir={self.path}/kubelet", f"--cert-dir={self.path}"]
        kubelet = self.run("kubelet", *flags)

        def ready():
            nonlocal kubelet
            if kubelet.poll() is not None:  # it gives up where its own registration comes late
                kubelet = self.run("kubelet", *flags)
            time.sleep(1)
            told = 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}'
            return "True" in self.cluster.kubectl("get", "nodes", "-o", told, check=False).stdout
        wait_until(ready, 180, "the node is ready")

    def close(self):
        for program in reversed(self.programs):
            program.stop(signal.SIGKILL)
        self.cluster.close()
        self.cgroups.end()
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            below = [line.split()[1] for line in mounts]
        for mount in reversed([path for path in below if path.startswith(str(self.path))]):
            subprocess.run(["umount", "-l", mount], check=False)
        self.remove_logs()

    def remove_logs(self):
        """Other tests have files in there, which are no links."""
        for path in filter(os.path.islink, glob.glob("/var/log/containers/*")):
            os.unlink(path)
        if not self.pods_were_there:
            shutil.rmtree("/var/log/pods", ignore_errors=True)
        with contextlib.suppress(OSError):
            os.rmdir("/var/log/containers")
