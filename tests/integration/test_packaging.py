"""What is shipped beside the program."""
import configparser
import os
import pathlib
import re
import signal
import subprocess
import time
import unittest

import yaml

from support import (BUILD, PROVOKE, ROOT, SOCKWARD, Cgroup, Folder, Program, free_port, require, run,
                     wait_until)

UNIT = BUILD / "packaging/sockward.service"
COMMANDS = ["run", "trace", "check", "explain", "scan", "why", "detach", "demo", "completion"]


def flags_of(*command):
    return set(re.findall(r"--[a-z][a-z.-]*", run(SOCKWARD, *command, "--help").stdout.split("Examples:")[0]))


def capabilities_of_unit():
    bounding = re.search(r"^CapabilityBoundingSet=(.*)$", UNIT.read_text(), re.MULTILINE)[1]
    return {name.removeprefix("CAP_") for name in bounding.split()}


class Systemd(unittest.TestCase):
    def test_the_unit_is_accepted_and_as_closed_as_the_document_says(self):
        require("systemd-analyze")
        done = run("systemd-analyze", "security", "--offline=true", str(UNIT))
        score = float(re.search(r"Overall exposure level for sockward.service: ([0-9.]+)", done.stdout)[1])
        told = float(re.search(r"gives it ([0-9.]+)", (ROOT / "docs/security.md").read_text())[1])
        self.assertLessEqual(score, told)

    def test_nothing_in_it_hides_paths(self):
        """The filter of RestrictSUIDSGID= answers openat2 with ENOSYS, by which every path is looked up;
        what the installed agent then says of a path is judged by scripts/test-package."""
        self.assertNotRegex(UNIT.read_text(), r"(?m)^RestrictSUIDSGID=(?!no|false|0)")

    def test_its_command_line_is_one_that_the_program_takes(self):
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str
        unit.read(UNIT)
        command = unit["Service"]["ExecStart"].split()
        self.assertEqual(command[:2], ["/usr/sbin/sockward", "run"])
        told = run(SOCKWARD, "run", "--help").stdout
        for flag in command[2:]:
            self.assertIn(flag.split("=")[0], told)
        self.assertEqual(unit["Service"]["RestartKillSignal"], "SIGUSR1")

    def test_it_allows_every_system_call_that_the_agent_makes(self):
        require("strace")
        unit = UNIT.read_text()
        self.assertIn("SystemCallErrorNumber=EPERM", unit)
        folder, port = Folder(), free_port()
        own = {"STATE_DIRECTORY": folder.path, "RUNTIME_DIRECTORY": folder.path}
        with Cgroup(f"docker/{'c' * 64}") as container:
            agent = Program("strace", "-f", "-qq", "-e", "signal=none", "-o", folder / "calls", SOCKWARD,
                            "run", f"--web.listen-address=127.0.0.1:{port}",
                            f"--restart.pin-path=/sys/fs/bpf/sockward-unit-{port}", "--records.output=json",
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            env={**os.environ, **own})
            address = f"http://127.0.0.1:{port}/-/ready"
            wait_until(lambda: run("curl", "-sf", address).returncode == 0, 60, "the agent is ready")
            for where in (None, container.enter):
                subprocess.run([PROVOKE, "all", folder.path], preexec_fn=where, check=True,
                               capture_output=True)
            run("curl", "-sf", f"http://127.0.0.1:{port}/metrics")
            time.sleep(2)
            self.assertEqual(run(SOCKWARD, "why", f"--query.socket={folder / 'query.sock'}").returncode, 0)
            self.assertTrue(os.path.exists(folder / "records.db"))
            pid = agent.process.pid
            pids = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            os.kill(int(pids[0]), signal.SIGTERM)
            agent.process.wait(60)
        made = (set(re.findall(r"^\d+ +(\w+)\(", pathlib.Path(folder / "calls").read_text(errors="replace"),
                               re.MULTILINE)) - {"execve"})
        self.assertIn("bpf", made)
        allowed, denied = set(), set()
        for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE):
            for name in line.removeprefix("~").split():
                (denied if line.startswith("~") else allowed).update(members(name))
        self.assertEqual(made - (allowed - denied), set())


def members(name):
    """The calls of a group of systemd's, groups in it included."""
    if not name.startswith("@"):
        return {name}
    lines = [line.strip() for line in run("systemd-analyze", "syscall-filter", name).stdout.splitlines()[1:]]
    return set().union(*(members(line) for line in lines if line and not line.startswith("#")))


class Documents(unittest.TestCase):
    def test_the_manual_names_every_flag_and_command(self):
        manual = (BUILD / "packaging/sockward.1").read_text().replace("\\-", "-")
        for command in COMMANDS:
            self.assertRegex(manual, rf"\.TP\n\.B {command}\n")
            for flag in flags_of(command):
                self.assertIn(flag, manual, command)
        told = set(re.findall(r"--[a-z][a-z.-]*", manual))
        known = set().union(flags_of(), *(flags_of(command) for command in COMMANDS))
        self.assertEqual(told - known, set())

    def test_the_settings_shipped_are_the_documented_ones_and_are_taken(self):
        shipped = (ROOT / "packaging/config/sockward.yml").read_text()
        body = shipped.split("\n#\n", 1)[1]
        bare = "".join(re.sub("^# ?", "", line) for line in body.splitlines(keepends=True))
        documented = re.search(r"```yaml\n(probes:.*?)```", (ROOT / "docs/configuration.md").read_text(),
                               re.DOTALL)[1]
        self.assertEqual(bare, documented)
        self.assertEqual(run(SOCKWARD, "run", "--print-default-config").stdout, documented)
        manual = (BUILD / "packaging/sockward.yml.5").read_text().replace("\\-", "-").replace("\\e", "\\")
        self.assertIn(documented, manual)
        folder = Folder()
        for name, text in (("as shipped", shipped), ("all of it", bare),
                           ("of kubernetes", (ROOT / "packaging/kubernetes/sockward.yml").read_text())):
            path = pathlib.Path(folder / "sockward.yml")
            path.write_text(text)
            done = run(SOCKWARD, "check", f"--config.file={path}")
            self.assertEqual((name, done.returncode, "not taken" in done.stderr), (name, 0, False),
                             done.stderr)

    def test_the_manuals_are_well_formed(self):
        require("man")
        for name in ("sockward.1", "sockward.yml.5"):
            done = run("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z",
                       str(BUILD / "packaging" / name))
            self.assertEqual((name, done.returncode, done.stderr), (name, 0, ""))


class Completions(unittest.TestCase):
    def test_they_are_what_the_program_prints(self):
        for shell, name in (("bash", "sockward.bash"), ("zsh", "_sockward"), ("fish", "sockward.fish")):
            printed = run(SOCKWARD, "completion", shell).stdout
            self.assertEqual(printed, (ROOT / "packaging/completions" / name).read_text(),
                             f"next: sockward completion {shell} >packaging/completions/{name}")
            for command in COMMANDS:
                for flag in flags_of(command):
                    self.assertIn(flag.removeprefix("--"), printed)

    def complete(self, *words):
        script = (f'source "{ROOT}/packaging/completions/sockward.bash"; COMP_WORDS=("$@"); '
                  'COMP_CWORD=$(($# - 1)); _sockward; echo "${COMPREPLY[*]}"')
        return subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True,
                              check=True).stdout.split()

    def test_bash_completes(self):
        self.assertEqual(self.complete("sockward", "de"), ["detach", "demo"])
        self.assertEqual(self.complete("sockward", "run", "--probe.backend", "=", "f"), ["fexit"])
        self.assertEqual(self.complete("sockward", "scan", "--js"), ["--json"])
        self.assertEqual(self.complete("sockward", "completion", "z"), ["zsh"])
        self.assertEqual(self.complete("sockward", "nothing", "--bpf"), [])
        # A command line of its own: programs, then files.
        self.assertIn("truncate", self.complete("sockward", "trace", "--json", "--", "trunc"))
        self.assertEqual(self.complete("sockward", "trace", "--", "ls", "/proc/self/comm"),
                         ["/proc/self/comm"])

    def test_bash_completes_what_failed(self):
        folder = Folder()
        shell = pathlib.Path(folder / "sockward")
        shell.write_text("#!/bin/sh\n"
                         '[ "$*" = "why --complete" ] && printf "nginx.service\\nnginx\\ncaddy\\n"\n')
        shell.chmod(0o755)
        self.assertEqual(self.complete(str(shell), "why", "ng"), ["nginx.service", "nginx"])
        self.assertEqual(self.complete(str(shell), "why", "--fo"), ["--follow"])
        self.assertEqual(self.complete(str(shell), "scan", "ng"), [])


class Container(unittest.TestCase):
    def test_what_the_image_holds_runs_without_anything_else(self):
        folder = Folder()
        done = run(str(ROOT / "packaging/container/collect-root"), folder / "image")
        self.assertEqual(done.returncode, 0, done.stderr)
        image = pathlib.Path(folder / "image")
        self.assertEqual([str(path) for path in image.rglob("*sh") if path.is_file()], [], "no shell")
        script = (
            f'mount -t proc proc {image}/proc && mount --rbind /sys {image}/sys && '
            f'exec chroot {image} /usr/sbin/sockward check --config.file=/etc/sockward/sockward.yml '
            '--config.strict --verbose'
        )
        done = run("unshare", "-m", "sh", "-c", script)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^ +bind +(tracepoint|fexit)")

    def test_the_file_starts_what_was_collected_with_the_units_capabilities(self):
        text = (ROOT / "packaging/container/Containerfile").read_text()
        self.assertEqual(set(re.search(r"--cap-add=(\S+)", text)[1].split(",")), capabilities_of_unit())
        self.assertIn('ENTRYPOINT ["/usr/sbin/sockward"]', text)
        self.assertIn("STOPSIGNAL SIGUSR1", text)
        self.assertEqual(re.findall(r"^FROM (\S+)", text, re.MULTILINE)[-1], "scratch")


class Kubernetes(unittest.TestCase):
    """The schemas are held against it by scripts/check-kubernetes."""

    def test_the_rules_are_those_of_prometheus(self):
        done = run(str(ROOT / "scripts/make-kubernetes"), "--check")
        self.assertEqual(done.returncode, 0, done.stderr)
        require("promtool")
        rule = yaml.safe_load((ROOT / "packaging/kubernetes/prometheusrule.yaml").read_text())
        path = pathlib.Path(Folder() / "rules.yml")
        path.write_text(yaml.safe_dump(rule["spec"]))
        done = run("promtool", "check", "rules", str(path))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_pod_asks_for_named_capabilities_only(self):
        _, daemonset = yaml.safe_load_all((ROOT / "packaging/kubernetes/daemonset.yaml").read_text())
        (container,) = daemonset["spec"]["template"]["spec"]["containers"]
        context = container["securityContext"]
        self.assertFalse(context["privileged"])
        self.assertEqual(context["capabilities"]["drop"], ["ALL"])
        self.assertEqual(set(context["capabilities"]["add"]), capabilities_of_unit())
        told = flags_of(container["args"][0])
        for argument in container["args"][1:]:
            self.assertIn(argument.split("=")[0], told)
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        self.assertEqual(mounted,
                         {volume["name"] for volume in daemonset["spec"]["template"]["spec"]["volumes"]})

    def test_the_kustomization_names_files_that_exist(self):
        for path in (ROOT / "packaging/kubernetes/kustomization.yaml",
                     ROOT / "dashboards/kustomization.yaml"):
            told = yaml.safe_load(path.read_text())
            files = (told.get("resources", [])
                     + [name for maker in told["configMapGenerator"] for name in maker["files"]])
            for name in files:
                self.assertTrue((path.parent / name).exists(), name)
        dashboards = {path.name for path in (ROOT / "dashboards/grafana").glob("*.json")}
        self.assertEqual({pathlib.Path(name).name for name in files}, dashboards)


class Fleet(unittest.TestCase):
    def test_the_scrape_configuration_of_the_document_is_taken(self):
        require("promtool")
        text = re.search(r"<!-- checked by promtool -->\n```yaml\n(.*?)```",
                         (ROOT / "docs/fleet.md").read_text(), re.DOTALL)[1]
        folder = Folder()
        text = text.replace("/usr/share/sockward/prometheus", str(ROOT / "dashboards/prometheus"))
        pathlib.Path(folder / "prometheus.yml").write_text(text)
        done = run("promtool", "check", "config", "--syntax-only", folder / "prometheus.yml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_document_shows_the_files_that_test_fleet_runs(self):
        text = (ROOT / "docs/fleet.md").read_text(encoding="utf-8")
        for name in ("prometheus.yml", "vmagent.yml", "sockward.yml", "otel-collector.yml"):
            file = (ROOT / "packaging/fleet" / name).read_text(encoding="utf-8")
            self.assertIn(f"```yaml\n{file}```\n", text, name)
        shown = re.sub(r" \\\n +", " ", text)
        for line in (ROOT / "packaging/fleet/commands").read_text(encoding="utf-8").splitlines():
            if line.startswith(("victoria", "vm", "alertmanager")):
                self.assertIn("\n" + line + "\n", shown)


if __name__ == "__main__":
    unittest.main()
