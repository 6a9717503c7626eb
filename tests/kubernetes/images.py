"""Images made by hand, as archives that `ctr images import` takes: no registry is asked."""
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile

from cluster import PROGRAMS, ROOT

BUSYBOX = PROGRAMS / "node/root/bin/busybox"


def archive(tree, name, **config):
    """The image `name`, of one layer, as a file beside its tree."""
    layer, path = pathlib.Path(f"{tree}.layer"), pathlib.Path(f"{tree}.tar")
    with tarfile.open(layer, "w") as file:
        file.add(tree, arcname=".")
    digest = hashlib.sha256(layer.read_bytes()).hexdigest()
    image = {"architecture": "amd64", "os": "linux", "config": config,
             "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(path, "w") as file:
        file.add(layer, arcname="layer.tar")
        for member, content in (("config.json", image), ("manifest.json", manifest)):
            data = json.dumps(content).encode()
            info = tarfile.TarInfo(member)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    layer.unlink()
    return path


def make_tree(folder, *programs):
    """A root with busybox, these programs and the libraries that they are linked with."""
    tree = pathlib.Path(folder)
    for name in ("bin", "etc", "tmp", "run", "proc", "sys", "dev"):
        (tree / name).mkdir(parents=True)
    shutil.copy(BUSYBOX, tree / "bin/busybox")
    for applet in ("sh", "sleep", "kill", "cat", "id"):
        (tree / "bin" / applet).symlink_to("busybox")
    (tree / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\n")
    (tree / "etc/group").write_text("root:x:0:\n")
    for program in programs:
        shutil.copy(program, tree / "bin")
        linked = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
        for library in re.findall(r"/[^ ]+", linked):
            (tree / library[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, tree / library[1:])
    return tree


NGINX = """daemon off; master_process off; user root; pid /tmp/nginx.pid;
error_log stderr; events {{}}
http {{ access_log off; client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c;
       uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e; server {{ listen {}; }} }}
"""


def make_images(folder):
    """Of the agent, as shipped; of a pod that does nothing; and of the programs that fail. Their archives."""
    root = f"{folder}/sockward"
    subprocess.run([str(ROOT / "packaging/container/collect-root"), root], check=True, capture_output=True)
    build = pathlib.Path(os.environ["SOCKWARD_BUILD"])
    web = make_tree(f"{folder}/web", shutil.which("nginx", path="/usr/sbin"), str(build / "bin/provoke"))
    (web / "etc/port.conf").write_text(NGINX.format(8080))
    (web / "etc/socket.conf").write_text(NGINX.format("unix:/run/web.sock"))
    said = (ROOT / "packaging/container/Containerfile").read_text()
    return [archive(root, "docker.io/library/sockward:0.1.0",
                    StopSignal=re.search(r"(?m)^STOPSIGNAL (.*)$", said)[1],
                    Entrypoint=json.loads(re.search(r"(?m)^ENTRYPOINT (.*)$", said)[1])),
            archive(make_tree(f"{folder}/pause"), "localhost/pause:1",
                    Entrypoint=["/bin/sleep", "2147483647"]),
            archive(web, "localhost/web:1")]
