"""Clients that end within milliseconds of their failing connect, as an
ordinary user: each is explained though nobody is left to ask."""
import collections
import os
import pathlib
import socket
import subprocess
import time
import unittest

from support import Folder, Trace, require

RUNS = int(os.environ.get("SOCKWARD_CLIENT_RUNS", "40"))  # 200 before a release
NOBODY = 65534


def as_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


class ShortLivedClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.directory = pathlib.Path(cls.folder / "run")
        cls.directory.mkdir(mode=0o755)
        cls.path = str(cls.directory / ".s.PGSQL.5432")
        cls.server = socket.socket(socket.AF_UNIX)
        cls.server.bind(cls.path)
        cls.server.listen(64)
        os.chmod(cls.path, 0o600)
        cls.closed = pathlib.Path(cls.folder / "closed")
        cls.closed.mkdir()
        with socket.socket(socket.AF_UNIX) as hidden:
            hidden.bind(str(cls.closed / "s"))
        cls.closed.chmod(0o700)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def explain(self, cause, *command):
        """Every run of it has one record, of this cause and certain, though the client is gone."""
        require(command[0])
        clients = []
        with Trace() as trace:
            for _ in range(RUNS):
                client = subprocess.Popen(command, preexec_fn=as_nobody, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
                self.assertNotEqual(client.wait(20), 0)
                clients.append(client.pid)
            time.sleep(0.5)
        found = {a["process.pid"]: a for a in trace.attributes(error__type="EACCES")
                 if a["process.pid"] in clients}
        self.assertEqual(len(found), RUNS)
        said = collections.Counter((a["sockward.cause"], a["sockward.confidence"]) for a in found.values())
        self.assertEqual(said, {(cause, "certain"): RUNS})

    def test_socat_to_a_socket_it_may_not_write(self):
        self.explain("socket_permission", "socat", "-", f"UNIX-CONNECT:{self.path}")

    def test_curl_to_a_socket_it_may_not_write(self):
        self.explain("socket_permission", "curl", "-s", "--unix-socket", self.path, "http://localhost/")

    def test_a_database_client_to_a_socket_it_may_not_write(self):
        self.explain("socket_permission", "psql", "-h", str(self.directory), "-p", "5432", "-U", "app", "-c",
                     "select 1")

    def test_socat_behind_a_directory_it_may_not_search(self):
        self.explain("directory_not_searchable", "socat", "-", f"UNIX-CONNECT:{self.closed}/s")


if __name__ == "__main__":
    unittest.main()
