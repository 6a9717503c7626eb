"""LXC by its own tools, with a configuration made by hand."""
from engine import Container, run, wait_until
from host import make_tree


class Lxc:
    def __init__(self, host):
        self.host = host

    def start(self, name, network="own", mounts=(), host_names=False):
        folder = self.host.root / "var/lib/lxc" / name
        folder.mkdir(parents=True)
        tree = make_tree(folder / "rootfs")
        lines = [f"lxc.rootfs.path = dir:/var/lib/lxc/{name}/rootfs", f"lxc.uts.name = {name}",
                 "lxc.mount.auto = proc:mixed sys:ro", "lxc.init.cmd = /bin/sleep 3600",
                 "lxc.net.0.type = " + ("none" if network == "host" else "empty")]
        for outside, inside in mounts:
            (tree / inside.lstrip("/")).touch()
            kind = "file" if inside.endswith(".sock") else "dir"
            lines.append(f"lxc.mount.entry = {outside} {inside.lstrip('/')} none bind,create={kind} 0 0")
        if host_names:
            lines = [line for line in lines if not line.startswith("lxc.uts")]
            lines.append("lxc.namespace.share.uts = 1")
        (folder / "config").write_text("\n".join(lines) + "\n")
        self.host.run("lxc-start", "--name", name, "--logfile", f"/var/log/{name}.log")
        wait_until(lambda: "RUNNING" in self.host.run("lxc-info", "-n", name, "-s", check=False), 20,
                   f"{name} runs")
        pid = int(self.host.run("lxc-info", "-n", name, "-p", "-H"))
        return Container(self.host, f"lxc:{name}", ["lxc-attach", "-n", name, "--"], pid)


def version(host):
    return host.run("lxc-start", "--version").strip()


if __name__ == "__main__":
    run("lxc", "debian-12", Lxc, version)
