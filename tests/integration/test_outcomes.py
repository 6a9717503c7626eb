"""How TCP connects end: counted exactly by who made them, told once, with the time they took."""
import contextlib
import json
import pathlib
import re
import signal
import socket
import subprocess
import time
import unittest

from support import BUILD, Agent, Folder, Program, Trace, free_port, own_container, require, run, total, \
    wait_until

CONNECTS = str(BUILD / "bin/connects")
OUTCOMES = ("established", "refused", "unreachable", "timed_out", "given_up")


def outcomes(metrics, container, family):
    return {outcome: int(total(metrics, "sockward_connections_total", family=family, outcome=outcome,
                               container_name=container.label)) for outcome in OUTCOMES}


def missed(metrics):
    return sum(total(metrics, "sockward_missed_runs_total", program=program)
               for program in ("outcome_btf", "outcome_begin_btf", "outcome_begin_fentry"))


def tally_of(said):
    """({family: {outcome: number}}, number of those that filled queues), as `connects` says it."""
    made = {line.split()[0]: dict(zip(line.split()[1::2], map(int, line.split()[2::2])))
            for line in said.splitlines() if line.startswith("inet")}
    return made, int(re.search(r"filling (\d+)", said)[1])


def pending_table(agent):
    """Who made the entries of this agent's table of pending connects: process ids."""
    open_maps = {number for info in pathlib.Path(f"/proc/{agent.pid}/fdinfo").iterdir()
                 for number in re.findall(r"^map_id:\s*(\d+)$", info.read_text(encoding="ascii"), re.M)}
    tables = json.loads(run("bpftool", "-j", "map", "show", "name", "pending_connect").stdout)
    tables = tables if isinstance(tables, list) else [tables]
    (table,) = [one["id"] for one in tables if str(one["id"]) in open_maps]
    listed = run("bpftool", "-j", "map", "dump", "id", str(table)).stdout
    return list(map(int, re.findall(r'"tgid":\s*(\d+)', listed)))


def pending_of(agent, pid):
    return pending_table(agent).count(pid)


@contextlib.contextmanager
def busy_server():
    """A listener whose accept queue is full: it answers no SYN."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        time.sleep(0.2)
        yield server.getsockname()[1]


class Counted(unittest.TestCase):
    CONNECTS = 6000

    def test_each_connect_of_every_kind_is_counted_once(self):
        container = own_container(self)
        with Agent() as agent:
            before = missed(agent.metrics())
            said = subprocess.run([CONNECTS, "mix", str(self.CONNECTS), "7"], check=True, text=True,
                                  stdout=subprocess.PIPE, preexec_fn=container.enter).stdout
            made, filling = tally_of(said)

            def all_ended():
                now = agent.metrics()
                ended = sum(sum(outcomes(now, container, family).values()) for family in made)
                return now if ended + missed(now) - before >= self.CONNECTS + filling else None

            after = wait_until(all_ended, 10, "all have ended")
            surplus, skipped = 0, int(missed(after) - before)  # the kernel skips runs, and says how many
            for family, ends in made.items():
                counted = outcomes(after, container, family)
                print(f"  {family}: made {ends}, counted {counted}")
                self.assertIn(ends["refused"] - counted["refused"], range(skipped + 1))
                self.assertEqual((counted["unreachable"], counted["timed_out"]), (0, 0))
                for outcome in ("established", "given_up"):
                    self.assertGreaterEqual(counted[outcome] + skipped, ends[outcome])
                    surplus += counted[outcome] - ends[outcome]
            self.assertIn(filling - surplus, range(skipped + 1), "those that filled the queues, no others")
            self.assertEqual(total(after, "sockward_connects_untracked_total"), 0)

    def test_a_storm_of_refusals_is_counted_and_costs_little(self):
        container, times, tasks = own_container(self), 400_000, 2
        with Agent() as agent:
            before = agent.metrics()
            said = subprocess.run([CONNECTS, "storm", str(times), str(tasks)], check=True, text=True,
                                  stdout=subprocess.PIPE, preexec_fn=container.enter).stdout
            after = agent.metrics()
            counted = outcomes(after, container, "inet")
            print(f"  {said.strip()}, counted {counted}")
            self.assertIn(times * tasks - counted["refused"], range(int(missed(after) - missed(before)) + 1))
            grown = {name: total(after, name) - total(before, name) for name in
                     ("sockward_events_suppressed_total", "sockward_events_lost_total")}
            self.assertGreater(grown["sockward_events_suppressed_total"], 0.9 * times * tasks)
            self.assertEqual(grown["sockward_events_lost_total"], 0)

    def test_nothing_is_left_in_the_table(self):
        require("bpftool")
        with Agent() as agent, busy_server() as port:
            before = missed(agent.metrics())
            script = ("import socket, time\n"
                      "for i in range(3000):\n"
                      "    s = socket.socket(); s.setblocking(False)\n"
                      f"    s.connect_ex(('127.0.0.1', {port})); s.close()\n"
                      "last = socket.socket(); last.setblocking(False)\n"
                      f"last.connect_ex(('127.0.0.1', {port}))\n"
                      "print('made', flush=True); time.sleep(60)\n")
            child = subprocess.Popen(["python3", "-c", script], stdout=subprocess.PIPE, text=True)
            self.assertEqual(child.stdout.readline(), "made\n")
            left = missed(agent.metrics()) - before  # an end that the kernel skipped leaves its entry
            self.assertIn(pending_of(agent, child.pid) - 1, range(int(left) + 1))
            child.kill()
            child.wait()
            child.stdout.close()
            wait_until(lambda: pending_of(agent, child.pid) <= left, 5, "the last one has ended, too")


class Restart(unittest.TestCase):
    def test_a_pending_connect_survives_the_agent(self):
        container = own_container(self)
        with busy_server() as port:
            pin = f"/sys/fs/bpf/sockward-outcome-{free_port()}"
            agent = Agent("--restart.pin-path=" + pin)
            agent.__enter__()
            script = ("import socket, sys\n"
                      "s = socket.socket(); s.setblocking(False)\n"
                      f"s.connect_ex(('127.0.0.1', {port}))\n"
                      "print('begun', flush=True); sys.stdin.read()\n")
            child = subprocess.Popen(["python3", "-c", script], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True, preexec_fn=container.enter)
            self.assertEqual(child.stdout.readline(), "begun\n")
            time.sleep(1.1)
            agent.program.stop(signal.SIGUSR1)
            with Agent("--restart.pin-path=" + pin, output="json") as second:
                child.communicate("")
                found = wait_until(lambda: [r["attributes"] for r in second.records()
                                            if r["attributes"]["process.pid"] == child.pid], 10, "the record")
                self.assertEqual(outcomes(second.metrics(), container, "inet")["given_up"], 1)
            self.assertEqual(len(found), 1)
            self.assertEqual(found[0]["error.type"], "given_up")
            self.assertGreaterEqual(found[0]["sockward.connect.elapsed_ms"], 1100)
            run(str(BUILD / "bin/sockward"), "detach", "--restart.pin-path=" + pin)


class RealPrograms(unittest.TestCase):
    def told(self, trace, program):
        return [a for a in trace.attributes() if a["process.executable.name"] == program
                and a.get("network.transport") == "tcp"]

    def test_curl_gives_up_and_its_look_alike_is_refused(self):
        require("curl")
        with busy_server() as port, Trace() as trace:
            run("curl", "-s", "--connect-timeout", "2", f"http://127.0.0.1:{port}/")
            run("curl", "-s", "--connect-timeout", "2", f"http://127.0.0.1:{free_port()}/")
        given_up, refused = self.told(trace, "curl")
        self.assertEqual((given_up["error.type"], given_up["sockward.cause"]), ("given_up", "no_answer"))
        self.assertNotIn("sockward.errno", given_up)
        self.assertGreaterEqual(given_up["sockward.connect.elapsed_ms"], 1900)
        self.assertGreaterEqual(given_up["sockward.connect.syns"], 2)
        self.assertIn("accept queue is full", " ".join(given_up["sockward.evidence"]))
        self.assertEqual((refused["error.type"], refused["sockward.cause"]),
                         ("ECONNREFUSED", "nothing_listens"))
        self.assertEqual(refused["sockward.connect.syns"], 1)

    def test_nginx_with_a_dead_a_full_and_a_wrong_family_upstream(self):
        require("nginx")
        folder, port, dead = Folder(), free_port(), free_port()
        with busy_server() as full, socket.socket() as four:
            four.bind(("127.0.0.1", 0))
            four.listen(5)
            family = four.getsockname()[1]
            places = "".join(f"location /{name} {{ proxy_pass http://{to}/; }} " for name, to in (
                ("dead", f"127.0.0.1:{dead}"), ("full", f"127.0.0.1:{full}"), ("family", f"[::1]:{family}")))
            paths = "".join(f"{kind}_temp_path {folder.path}/{kind}; " for kind in (
                "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            pathlib.Path(folder / "nginx.conf").write_text(
                f"daemon off; master_process off; pid {folder.path}/pid; error_log {folder.path}/log; "
                f"events {{}} http {{ access_log off; {paths} proxy_connect_timeout 2s; "
                f"server {{ listen 127.0.0.1:{port}; {places} }} }}")
            server = Program("nginx", "-e", folder / "log", "-c", folder / "nginx.conf")
            wait_until(lambda: run("ss", "-Hltn", f"sport = :{port}").stdout, 10, "nginx listens")
            with Trace() as trace:
                answers = {name: run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                                     f"http://127.0.0.1:{port}/{name}").stdout
                           for name in ("dead", "full", "family")}
            server.stop()
        self.assertEqual(answers, {"dead": "502", "full": "504", "family": "502"})
        told = {a["network.peer.port"]: a for a in self.told(trace, "nginx")}
        self.assertEqual({number: a["sockward.cause"] for number, a in told.items()},
                         {dead: "nothing_listens", full: "no_answer", family: "listens_on_other_address"})
        self.assertEqual(told[full]["error.type"], "given_up")
        self.assertGreaterEqual(told[full]["sockward.connect.elapsed_ms"], 1900)
        self.assertEqual(len(self.told(trace, "nginx")), 3, "each is told once")

    def test_psql_and_redis_cli_are_refused_and_their_look_alikes_get_through(self):
        require("psql")
        require("redis-cli")
        with socket.socket() as mute, Trace() as trace:
            mute.bind(("127.0.0.1", 0))
            mute.listen(5)  # connects get through, and nobody speaks
            closed, there = free_port(), mute.getsockname()[1]
            for port in (closed, there):
                run("timeout", "1", "psql", f"postgresql://127.0.0.1:{port}/x?connect_timeout=2", "-c", "")
                run("timeout", "1", "redis-cli", "-h", "127.0.0.1", "-p", str(port), "ping")
        for program in ("psql", "redis-cli"):
            told = self.told(trace, program)
            self.assertEqual({(a["network.peer.port"], a["sockward.cause"]) for a in told},
                             {(closed, "nothing_listens")}, program)

    def test_node_that_loses_a_race_is_no_alarm(self):
        require("node")
        # localhost is ::1 first, where nobody answers; then 127.0.0.1, where somebody does.
        script = ("const net = require('net');"
                  "const server = net.createServer(c => c.end()).listen(0, '127.0.0.1', () => {"
                  "  net.connect({port: server.address().port, host: 'localhost', autoSelectFamily: true,"
                  "    lookup: (h, o, done) => done(null, [{address: '::1', family: 6},"
                  "                                        {address: '127.0.0.1', family: 4}])})"
                  "    .on('connect', () => { console.log('connected'); process.exit(0); })"
                  "    .on('error', e => { console.log(e); process.exit(1); });});")
        with Trace() as trace:
            done = run("node", "-e", script)
        self.assertIn("connected", done.stdout, done.stderr)
        # The first attempt was refused by ::1, and that is told: nobody listens there. Nothing else is.
        ends = {a["error.type"] for a in trace.attributes() if "node" in a["process.executable.name"]
                and a["sockward.syscall.name"] == "connect"}
        self.assertLessEqual(ends, {"ECONNREFUSED"})

    def test_a_packet_filter_is_told_from_a_closed_port(self):
        require("nft")
        script = ("ip link set lo up; "
                  "nft 'add table ip t; add chain ip t c { type filter hook input priority 0; }; "
                  "add rule ip t c tcp dport 81 reject; "
                  "add rule ip t c tcp dport 82 reject with tcp reset; "
                  "add rule ip t c tcp dport 83 drop' || exit 77; "
                  "for port in 80 81 82; do curl -s http://127.0.0.1:$port/; done; "
                  "curl -s --connect-timeout 1.5 http://127.0.0.1:83/")
        with Trace() as trace:
            done = run("unshare", "--net", "sh", "-c", script)
        if done.returncode == 77:
            self.skipTest("this kernel has no nftables")
        told = {a["network.peer.port"]: a for a in self.told(trace, "curl")}
        self.assertEqual({port: a["sockward.cause"] for port, a in told.items()},
                         {80: "nothing_listens", 81: "policy_denied", 82: "nothing_listens", 83: "no_answer"})
        self.assertEqual(told[81]["sockward.policy"], "netfilter")
        self.assertEqual(told[81]["sockward.confidence"], "likely")


if __name__ == "__main__":
    unittest.main()
