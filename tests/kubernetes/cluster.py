"""An API server of Kubernetes and its etcd, as scripts/test-kubernetes has built and unpacked them."""
import json
import os
import pathlib
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from support import Folder, Program, free_port, wait_until  # noqa: E402

PROGRAMS = pathlib.Path(os.environ["SOCKWARD_KUBERNETES"])
SUBJECTS = {"apiserver": ("/CN=apiserver", "IP:127.0.0.1,IP:10.96.0.1"),
            "admin": ("/O=system:masters/CN=admin", "")}
FLAGS = ["--service-cluster-ip-range=10.96.0.0/16",
         "--client-ca-file=ca.crt", "--tls-cert-file=apiserver.crt", "--tls-private-key-file=apiserver.key",
         "--service-account-key-file=sa.pub", "--service-account-signing-key-file=sa.key",
         "--service-account-issuer=https://kubernetes.default.svc", "--endpoint-reconciler-type=none"]
ALONE = ["--bind-address=127.0.0.1", "--authorization-mode=RBAC",
         # Without a controller manager no service account has a secret, which this plugin wants for a pod.
         "--disable-admission-plugins=ServiceAccount"]


class Cluster:
    """An API server and its etcd on loopback, with an authority of their own."""

    def __init__(self, port=None, flags=ALONE, subjects=None):
        self.folder = Folder()
        self.path = pathlib.Path(self.folder.path)
        self.port, self.store = port or free_port(), free_port()
        self.flags, self.subjects = flags, {**SUBJECTS, **(subjects or {})}
        self.make_certificates()
        client, peer = (f"http://127.0.0.1:{port}" for port in (self.store, free_port()))
        self.log = open(self.path / "log", "wb")
        self.etcd = Program(str(PROGRAMS / "etcd"), "--data-dir", str(self.path / "etcd"),
                            f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
                            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
                            f"--initial-cluster=default={peer}", stdout=self.log, stderr=self.log)
        self.start()

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.path)

    def make_certificates(self):
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt",
                     "-days", "2", "-subj", "/CN=test-ca")
        self.openssl("genrsa", "-out", "sa.key", "2048")
        self.openssl("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub")
        for name, (subject, names) in self.subjects.items():
            self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
                         f"{name}.csr", "-subj", subject)
            (self.path / "extensions").write_text("extendedKeyUsage=serverAuth,clientAuth\n"
                                                  + (f"subjectAltName={names}\n" if names else ""))
            self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                         "-CAcreateserial", "-days", "2", "-out", f"{name}.crt", "-extfile", "extensions")

    def start(self):
        self.server = Program(str(PROGRAMS / "kube-apiserver"), f"--secure-port={self.port}",
                              f"--etcd-servers=http://127.0.0.1:{self.store}", *FLAGS, *self.flags,
                              cwd=self.path, stdout=self.log, stderr=self.log)
        wait_until(lambda: self.kubectl("get", "--raw=/readyz", check=False).stdout == "ok", 180,
                   "the API server is ready")

    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def command(self, token=None):
        who = ([f"--token={token}"] if token else
               [f"--client-certificate={self.path}/admin.crt", f"--client-key={self.path}/admin.key"])
        return [str(PROGRAMS / "kubectl"), "--kubeconfig=/dev/null", f"--server={self.url()}",
                f"--certificate-authority={self.path}/ca.crt", *who]

    def kubectl(self, *arguments, token=None, check=True, **options):
        done = subprocess.run([*self.command(token), *arguments], capture_output=True, text=True, timeout=120,
                              **options)
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done

    def apply(self, *objects):
        self.kubectl("apply", "-f", "-", input="---\n".join(yaml.safe_dump(o) for o in objects))

    def events(self):
        return json.loads(self.kubectl("get", "events.v1.events.k8s.io", "-n", "shop", "-o", "json").stdout)[
            "items"]

    def close(self):
        self.server.stop()
        self.etcd.stop()
        self.log.close()
