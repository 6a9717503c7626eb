"""The documents hang together: links lead somewhere, the index has them all, lines fit."""
import pathlib
import re
import unittest

from support import ROOT, Folder, require, run

CODE = re.compile(r"^(```.*?^```$)", re.MULTILINE | re.DOTALL)


def documents():
    below = [path for name in ("docs", "dashboards", "packaging") for path in (ROOT / name).rglob("*.md")]
    return sorted([*ROOT.glob("*.md"), *below])


def without_code(text):
    return CODE.sub("", text)


def links(text):
    """Targets of inline links, pictures and link definitions."""
    return re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[[^]]+\]: (\S+)$", text, re.MULTILINE)


def anchors(path):
    """Those that headings make, as GitHub does."""
    text = without_code(path.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


class Links(unittest.TestCase):
    def test_each_leads_to_a_file_and_to_a_heading(self):
        wrong = []
        for path in documents():
            for link in links(without_code(path.read_text(encoding="utf-8"))):
                if re.match(r"[a-z]+:", link):
                    continue
                name, _, anchor = link.partition("#")
                target = (path.parent / name).resolve() if name else path
                if not target.exists() or (anchor and anchor not in anchors(target)):
                    wrong.append((path.name, link))
        self.assertEqual(wrong, [])

    def test_files_that_are_named_exist(self):
        """In code spans: paths below the folders of the source."""
        folders = "agent|bpf|exporters|tests|dashboards|docs|packaging|scripts"
        named = re.compile(rf"`(?:\./)?((?:{folders})/[\w./-]+)[` ]")
        wrong = []
        for path in documents():
            if path.name == "CHANGELOG.md":  # tells of what was
                continue
            for name in named.findall(path.read_text(encoding="utf-8")):
                if not (ROOT / name).exists():
                    wrong.append((path.name, name))
        self.assertEqual(wrong, [])

    def test_a_reference_is_defined_and_used(self):
        for path in documents():
            text = without_code(path.read_text(encoding="utf-8"))
            defined = set(re.findall(r"^\[([^]]+)\]: ", text, re.MULTILINE))
            used = set(re.findall(r"(?<!\])\[([a-z_]+)\](?![(:\w])", text))
            if defined:
                self.assertEqual(used, defined, path.name)


class Index(unittest.TestCase):
    def test_it_has_every_document(self):
        index = ROOT / "docs/README.md"
        targets = {(index.parent / link.partition("#")[0]).resolve() for link in links(index.read_text())}
        missing = [str(path) for path in (ROOT / "docs").rglob("*.md")
                   if path != index and path not in targets and path.parent not in targets]
        self.assertEqual(missing, [])
        self.assertIn(ROOT / "README.md", targets)
        self.assertIn("docs/README.md", links((ROOT / "README.md").read_text()))


class Lines(unittest.TestCase):
    LONGEST = 110

    def test_they_fit(self):
        """Not counted: generated tables, words without a break."""
        wrong = []
        for path in documents():
            text = path.read_text(encoding="utf-8")
            text = re.sub(r"<!-- matrix -->.*?<!-- end -->", "", text, flags=re.DOTALL)
            if path.name == "metrics.md":
                text = re.sub(r"^\|.*$", "", text, flags=re.MULTILINE)
            for line in text.splitlines():
                if len(line) > self.LONGEST and max(map(len, line.split())) < self.LONGEST:
                    wrong.append((str(path.relative_to(ROOT)), line))
        self.assertEqual(wrong, [])


class Snippets(unittest.TestCase):
    def test_prometheus_takes_the_one_of_the_readme(self):
        require("promtool")
        pattern = r"<!-- checked by promtool -->\n```yaml\n(.*?)```"
        text = re.search(pattern, (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[1]
        path = pathlib.Path(Folder() / "prometheus.yml")
        path.write_text(text.replace("/usr/share/sockward/prometheus", str(ROOT / "dashboards/prometheus")))
        done = run("promtool", "check", "config", str(path))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
