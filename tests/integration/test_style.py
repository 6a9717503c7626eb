"""The checks of style find what they are for, and nothing in what is right."""
import importlib.machinery
import importlib.util
import pathlib
import subprocess
import unittest

from support import ROOT, Folder

RIGHT = """# A title

Words, [a link](other.md#some-thing) and `[no](link.md)`:
- an item
  and its second line
  - one below

1. A number, and a paragraph

   of the same item.

| a | b |
| --- | --- |
| a \\| b | {row} |

```
- no item {code}
```
""".format(row="x" * 120, code="x x" * 50)

WRONG = {
    "x " * 60: "columns",
    "[gone](none.md)": "no such file",
    "[no heading](other.md#nothing)": "no heading",
    "[absolute](/other.md)": "relative",
    "a sentence that goes\n- on here": "middle of a sentence",
    "- an item\nwhose line is not indented": "indented by 0",
    "- an item\n - half a level": "between two levels",
    "| a | b |\n| --- | --- |\n| 1 | 2 | 3 |": "3 cells",
    "```\nnever closed": "not closed",
}


def load(name):
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(ROOT / "scripts" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


class Style(unittest.TestCase):
    def markdown(self, text):
        folder = Folder()
        pathlib.Path(folder / "other.md").write_text("## Some `thing`\n")
        path = pathlib.Path(folder / "text.md")
        path.write_text(text + "\n")
        return subprocess.run([ROOT / "scripts/check-markdown", path], capture_output=True, text=True)

    def test_markdown_that_is_right(self):
        self.assertEqual(self.markdown(RIGHT).stdout, "")

    def test_markdown_that_is_wrong(self):
        for text, said in WRONG.items():
            with self.subTest(text=text):
                done = self.markdown(text)
                self.assertEqual((done.returncode, done.stdout.count("\n")), (1, 1), done.stdout)
                self.assertIn(said, done.stdout)

    def test_text(self):
        folder = Folder()
        for text, said in (("right\n", ""), ("end \n", "white space"), ("other\r\n", "another system"),
                           ("<" * 7 + " HEAD\n", "unfinished merge"), ("no end", "no line end"),
                           ("#!/bin/sh\n" + "x" * 111 + "\n", "111 columns")):
            with self.subTest(text=text):
                pathlib.Path(folder / "file").write_bytes(text.encode())
                done = subprocess.run([ROOT / "scripts/check-text", folder / "file"], capture_output=True,
                                      text=True)
                self.assertEqual((done.returncode, done.stdout.count("\n")), (1, 1) if said else (0, 0))
                self.assertIn(said, done.stdout)

    def test_messages(self):
        check = load("check-commits").check
        body = "\n\nIt was wrong, because.\n"
        for message, changed, said in (
                ("bind: report the length", 10, None), ("bind: report the length" + body, 900, None),
                ("address_in_use, docs: pass it on" + body, 900, None),
                ("bind: report the length", 11, "no body"), ("a" * 73 + body, 1, "73 characters"),
                ("bind: report the length." + body, 1, "period"),
                ("bind: reports it" + body, 1, "imperative"),
                ("bind: added it" + body, 1, "imperative"),
                ("bind: report it\nand more", 1, "empty line"),
                ("bind: report it\n\nSigned-off-by: A <a@b.example>\n", 99, "no body"),
                ("docs: updates" + body, 1, "name what changed"), ("WIP" + body, 1, "finish it")):
            with self.subTest(message=message):
                found = "; ".join(check(message, changed))
                self.assertEqual(bool(found), said is not None, found)
                self.assertIn(said or "", found)
        self.assertEqual(list(check("Merge: what else", 900, merge=True)), [])


if __name__ == "__main__":
    unittest.main()
