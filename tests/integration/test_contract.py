"""docs/contract.md says what the program does, and all of it: each table is compared in both directions."""
import functools
import json
import pathlib
import re
import shlex
import unittest
import urllib.error

import yaml

from support import LABEL, PROVOKE, ROOT, SCHEMA, SOCKWARD, Agent, Folder, Trace, run

CONTRACT = (ROOT / "docs/contract.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
SETTINGS = re.search(r"```yaml\n(probes:.*?)```", PAGE, re.DOTALL)[1]
ACCESS = {"username", "password_file", "bearer_token_file", "ca_file", "cert_file", "key_file"}
ATTRIBUTES = SCHEMA.schema["properties"]["attributes"]
CELL = re.compile(r"(?<!\\)\|")
WORD = re.compile(r"`([^`]+)`")
OPTION = re.compile(r"  (?P<name>--[a-z.-]+|[a-z]+)(?P<value>(?: [A-Z]+)?)"
                    r"(?::(?:[A-Z]+|\{(?P<choices>\S+)\}))?(?P<operand> REQUIRED)?(?: {2,}| \.\.\.|$)")


def cells(line):
    return [cell.strip() for cell in CELL.split(line.strip().strip("|"))]


def table(*columns):
    """The rows of the one table with these headings, as tuples."""
    found = []
    lines = iter(CONTRACT.splitlines())
    for line in lines:
        if line.startswith("|") and tuple(cells(line)) == columns:
            next(lines)
            rows = []
            for row in lines:
                if not row.startswith("|"):
                    break
                rows.append(tuple(cells(row)))
            found.append(rows)
    if len(found) != 1 or any(len(row) != len(columns) for row in found[0]):
        raise AssertionError(f"docs/contract.md has no table, several, or a broken one with {columns}")
    return found[0]


def words(cell):
    return WORD.findall(cell)


def word(cell):
    (only,) = words(cell)
    return only


@functools.cache
def help_of(*command):
    return run(SOCKWARD, *command, "--help").stdout.split("\nExamples:")[0]


def options_of(*command):
    """{flag or operand: the choices it has, () for any value, None where it takes none}"""
    options, operands = {}, False
    for line in help_of(*command).splitlines():
        operands = line == "Positionals:" if line.endswith(":") else operands
        found = OPTION.match(line)
        if found and (found["name"].startswith("-") or (operands and " ..." not in line)):
            listed = tuple(found["choices"].split(",")) if found["choices"] else ()
            options[found["name"]] = listed if found["value"] else None
    return options


def commands():
    part = help_of().split("Subcommands:")[1]
    return set(re.findall(r"^  ([a-z]+)  ", part, re.MULTILINE))


class CommandLine(unittest.TestCase):
    def test_the_commands_are_those_of_the_help(self):
        self.assertEqual({word(row[0]) for row in table("command", "does")}, commands())

    def test_the_flags_of_each_command_are_those_of_its_help(self):
        told = {command: {} for command in commands()}
        for where, flag, value, _ in table("command", "flag", "value", "is"):
            named = set(words(where))
            for command in commands() - named if where.startswith("all but") else named:
                self.assertNotIn(word(flag), told[command])
                told[command][word(flag)] = value
        for command, flags in told.items():
            options = options_of(command)
            self.assertEqual(set(flags), set(options), command)
            for flag, value in flags.items():
                self.assertEqual(bool(value), options[flag] is not None, (command, flag))
                if options[flag]:
                    self.assertEqual(tuple(value.split(", ")), options[flag], (command, flag))

    def test_without_a_command_it_takes_three_flags(self):
        line = re.search(r"without a command: (.*?)\.", CONTRACT)[1]
        self.assertEqual(set(words(line)) | {"--help"}, set(re.findall(r"--[a-z-]+", help_of())))

    def test_every_example_ends_with_its_exit_code(self):
        meanings = {int(code) for code, _ in table("code", "means")}
        seen = {command: set() for command in commands()}
        for line, code in table("command line", "exit code"):
            arguments = shlex.split(word(line))[1:]
            done = run(SOCKWARD, *arguments)
            self.assertEqual(done.returncode, int(code), f"{line}: {done.stderr}")
            self.assertIn(int(code), meanings)
            if int(code) == 2:
                self.assertIn("next:", done.stderr, line)
            if arguments and arguments[0] in seen:
                seen[arguments[0]].add(int(code))
        self.assertEqual({code for codes in seen.values() for code in codes}, meanings)
        # run ends with 0 when it is stopped (see Agent), why where something has failed (test_why.py).
        for command in seen.keys() - {"run", "why"}:
            self.assertLessEqual({0, 2}, seen[command], command)

    def test_scan_has_the_members_that_are_named(self):
        told = re.search(r"`scan --json` prints one object with the members (.*?) \(", CONTRACT, re.DOTALL)[1]
        self.assertEqual(set(words(told)), set(json.loads(run(SOCKWARD, "scan", "--json").stdout)))


class Records(unittest.TestCase):
    def test_members_event_names_and_severities_are_those_of_the_schema(self):
        members = SCHEMA.schema["properties"]
        told = {word(name): kind for name, kind, _ in table("member", "type", "is")}
        self.assertEqual(set(told), set(members))
        for name, kind in told.items():
            self.assertEqual(kind, type_of(members[name]), name)
        named = [word(row[0]) for row in table("event_name", "a record of")]
        self.assertEqual(named, members["event_name"]["enum"])
        severities = table("severity_text", "severity_number", "of")
        self.assertEqual([word(row[0]) for row in severities], members["severity_text"]["enum"])
        self.assertEqual([int(row[1]) for row in severities], members["severity_number"]["enum"])
        resource = words(re.search(r"^\| `resource` .*$", CONTRACT, re.MULTILINE)[0])[1:]
        self.assertEqual(set(resource), set(members["resource"]["properties"]))

    def test_attributes_are_those_of_the_schema(self):
        rows = table("attribute", "type", "always", "is")
        told = {word(name): (kind, always == "yes") for name, kind, always, _ in rows}
        self.assertEqual(len(told), len(rows))
        known = {name: (type_of(rule), name in ATTRIBUTES["required"])
                 for name, rule in ATTRIBUTES["properties"].items()}
        self.assertEqual(told, known)

    def test_closed_lists_are_those_of_the_schema(self):
        told = {word(name): words(values) for name, values in table("attribute", "values")}
        told["sockward.syscall.name"] = [word(row[0]) for row in table("call", "counted", "recorded")]
        told["sockward.cause"] = [word(row[0]) for row in table("cause", "says", "starts at 0 for")]
        known = {name: rule["enum"] for name, rule in ATTRIBUTES["properties"].items() if "enum" in rule}
        self.assertEqual(told, known)

    def test_the_program_has_the_name_of_every_attribute_and_event(self):
        program = pathlib.Path(SOCKWARD).read_bytes()
        names = [word(row[0]) for row in table("attribute", "type", "always", "is")]
        names += [word(row[0]) for row in table("event_name", "a record of")]
        self.assertEqual([name for name in names if name.encode() not in program], [])

    def test_records_of_real_failures_hold_nothing_else(self):
        told = {word(row[0]) for row in table("attribute", "type", "always", "is")}
        always = {word(row[0]) for row in table("attribute", "type", "always", "is") if row[2] == "yes"}
        severities = {word(row[0]): int(row[1]) for row in table("severity_text", "severity_number", "of")}
        with Trace("--errno", "all") as trace:
            run(PROVOKE, "all", Folder().path)
        self.assertTrue(trace.records)
        for record in trace.records:
            self.assertEqual(set(record), {word(row[0]) for row in table("member", "type", "is")})
            self.assertLessEqual(set(record["attributes"]), told)
            self.assertLessEqual(always, set(record["attributes"]))
            self.assertEqual(severities[record["severity_text"]], record["severity_number"])

    def test_trace_knows_each_call_and_no_other(self):
        calls = [word(row[0]) for row in table("call", "counted", "recorded")]
        done = run(SOCKWARD, "trace", "--duration", "0.1", "--syscall", ",".join(calls))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(run(SOCKWARD, "trace", "--duration", "0.1", "--syscall", "recvmsg").returncode, 2)


def type_of(rule):
    if "const" in rule:
        return "boolean"
    if "enum" in rule:
        return "integer" if isinstance(rule["enum"][0], int) else "string"
    return " or ".join(rule["type"]) if isinstance(rule["type"], list) else rule["type"]


def families(text):
    return dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE"))


def series(text):
    """[(name, {label: value})]"""
    found = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, labels = line.rsplit(" ", 1)[0].partition("{")
            found.append((name, dict(LABEL.findall(labels))))
    return found


class Pages(unittest.TestCase):
    """What an agent on a free port of loopback answers; nothing of it is pinned."""

    @classmethod
    def setUpClass(cls):
        cls.agent = Agent("--restart.pin-path=off")
        cls.agent.__enter__()
        cls.addClassCleanup(cls.agent.__exit__)
        cls.text = cls.agent.get("/metrics").read().decode()
        cls.series = series(cls.text)

    def values(self, metric, label, **wanted):
        return {labels[label] for name, labels in self.series
                if name == metric and wanted.items() <= labels.items()}

    def test_metrics_are_those_of_the_catalogue_and_of_the_page(self):
        told = {word(name): (kind, words(labels)) for name, kind, labels in table("metric", "type", "labels")}
        catalogue = {}
        for line in run(SOCKWARD, "--list-metrics").stdout.splitlines()[2:]:
            name, kind, labels, _ = cells(line)
            catalogue[word(name)] = (kind, labels.split(",") if labels else [])
        self.assertEqual(told, catalogue)
        served = families(self.text)
        only_while_measured = {"sockward_bpf_run_seconds_total", "sockward_bpf_runs_total"}
        self.assertEqual(set(told) - set(served), only_while_measured)
        self.assertEqual({name: told[name][0] for name in served}, served)
        for name, labels in self.series:
            base = name if name in told else re.sub(r"_(bucket|sum|count)$", "", name)
            self.assertEqual(set(labels) - {"le"}, set(told[base][1]), name)

    def test_values_of_labels_are_those_that_are_served(self):
        told = {}
        for metric, label, values in table("metric", "label", "values"):
            told.setdefault((word(metric), word(label)), set()).update(words(values))
        for (metric, label), values in told.items():
            served = self.values(metric, label)
            if label == "backend":  # those that this kernel brings about
                self.assertLessEqual(served, values)
            else:
                self.assertEqual(served, values, (metric, label))
        buckets = re.search(r"Buckets of `sockward_unix_path_bytes`: (.*)\.", CONTRACT)[1].split(", ")
        self.assertEqual(self.values("sockward_unix_path_bytes_bucket", "le"), {*buckets, "+Inf"})

    def test_calls_are_counted_as_the_document_says(self):
        both = {"ok", "error"}
        results = {"all": both, "AF_UNIX datagrams": both, "only ELOOP": {"error"}, "no": set()}
        for call, counted, _ in table("call", "counted", "recorded"):
            served = self.values("sockward_calls_total", "result", syscall=word(call))
            self.assertEqual(served, results[counted], call)
        known = {word(row[0]) for row in table("call", "counted", "recorded") if row[1] != "no"}
        self.assertEqual(self.values("sockward_calls_total", "syscall"), known)

    def test_each_cause_has_the_series_that_start_at_zero(self):
        metric = "sockward_diagnoses_total"
        rows = table("cause", "says", "starts at 0 for")
        told = {word(cause): set(words(calls.replace("`sends`", "`sendto` `sendmsg` `sendmmsg`")))
                for cause, _, calls in rows}
        served = {cause: self.values(metric, "syscall", cause=cause, container_name="host")
                  for cause in self.values(metric, "cause")}
        self.assertEqual(set(told), set(served))
        for cause in told:  # a neighbour's failure may have added a series
            self.assertLessEqual(told[cause], served[cause], cause)
        pages = {path.stem for path in (ROOT / "docs/diagnoses").glob("*.md")}
        self.assertEqual(set(told) - {"unknown"}, pages)

    def status(self, path, agent=None, **options):
        try:
            with (agent or self.agent).get(path, **options) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def test_each_path_is_served_and_there_are_no_others(self):
        rows = table("path", "open", "shows names", "answers")
        paths = {word(path): names == "yes" for path, _, names, _ in rows}
        for path, names in paths.items():
            self.assertEqual(self.status(path), 404 if names and path.startswith("/api/") else 200, path)
            self.assertEqual(self.status(path, headers={"Host": "elsewhere.example"}), 421, path)
        self.assertEqual(self.status("/metrics", method="HEAD"), 200)
        self.assertEqual(self.status("/nothing"), 404)
        # Of the sources: short strings in the program's bytes may be machine code.
        sources = "".join(path.read_text() for path in (ROOT / "agent").rglob("*.cpp"))
        known = set(re.findall(r'"(/-/[a-z]+|/api/v\d/[a-z-]+|/page\.[a-z]+)"', sources))
        self.assertEqual(known, set(paths) - {"/", "/metrics"})

    def test_with_the_page_and_with_users_access_is_as_described(self):
        rows = table("path", "open", "shows names", "answers")
        with Agent("--restart.pin-path=off", "--web.enable-ui") as agent:
            self.assertEqual([path for path, *_ in rows if self.status(word(path), agent) != 200], [])
        folder = Folder()
        web = pathlib.Path(folder / "web.yml")
        web.write_text("basic_auth_users: {reader: $2y$05$" + "a" * 21 + "u" * 32 + "}\n")
        with Agent("--restart.pin-path=off", f"--web.config.file={web}") as agent:
            served = {path: self.status(word(path), agent) for path, *_ in rows}
        self.assertEqual(served, {path: 200 if public == "yes" else 401 for path, public, _, _ in rows})


class Configuration(unittest.TestCase):
    def told(self):
        keys = {}
        for section, names, _ in table("section", "keys", "changed by reload"):
            keys.setdefault(word(section), []).extend(words(names))
        return keys

    def unknown(self, text):
        path = pathlib.Path(self.folder / "sockward.yml")
        path.write_text(text)
        return "unknown key" in run(SOCKWARD, "check", f"--config.file={path}", "--btf.path=/none").stderr

    def setUp(self):
        self.folder = Folder()

    def test_the_documented_settings_are_these(self):
        documented = yaml.safe_load(SETTINGS)
        for section, names in self.told().items():
            self.assertEqual(len(names), len(set(names)), section)
            self.assertEqual(set(names) - ACCESS, set(documented[section]) - ACCESS, section)
        self.assertEqual(set(self.told()), set(documented))

    def test_the_program_takes_each_of_them(self):
        for section, names in self.told().items():
            for name in names:
                self.assertFalse(self.unknown(f"{section}: {{{name}: []}}\n"), f"{section}.{name}")
        self.assertTrue(self.unknown("web: {nothing: 1}\n"))

    def test_the_program_takes_no_other(self):
        """Words of its source that may be keys, and are not in the documented file, are tried as such."""
        files = (ROOT / "agent/config").glob("settings*.[ch]pp")
        texts = [path.read_text(encoding="utf-8") for path in files]
        known = set(re.findall(r'"([a-z][a-z_]+)"', "".join(texts)))
        told = self.told()
        self.assertLessEqual(set(told) | {name for names in told.values() for name in names}, known)
        for name in sorted(known - set(re.findall(r"\w+", SETTINGS)) - ACCESS):
            self.assertTrue(self.unknown(f"{name}: {{}}\n"), name)
            for section in told:
                self.assertTrue(self.unknown(f"{section}: {{{name}: []}}\n"), f"{section}.{name}")
        for section in set(told) - {"alerts", "otlp"}:
            self.assertTrue(self.unknown(f"{section}: {{username: []}}\n"), section)


if __name__ == "__main__":
    unittest.main()
