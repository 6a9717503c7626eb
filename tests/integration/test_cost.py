"""scripts/cost --where adds up what a call executed, by function. Of several calls the cheapest counts."""
import contextlib
import importlib.util
import io
import json
import pathlib
import unittest

from support import ROOT, Folder

SPEC = importlib.util.spec_from_file_location("trace_of_calls", pathlib.Path(ROOT) / "tests/vm/trace.py")
TRACE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(TRACE)

GETPPID, PROGRAM, PAGES, USER = 0xFFFFFFFF81000000, 0xFFFFFFFFC0000000, 0xFFFFFFFF82000000, 0x401000
SYMBOLS = f"""\
{PAGES:x} t clear_page\r
{GETPPID:x} T __x64_sys_getppid\r
{PROGRAM:x} t bpf_prog_0123456789abcdef_connect_fexit\t[bpf]\r
"""


def executed(*addresses):
    """As the emulator logs it, with a line of another kind."""
    lines = [f"Trace 0: 0x7f00 [00000000/{address:016x}/00000033/ff000201]" for address in addresses]
    return "\n".join(["Stopped execution of TB chain before 0x7f00", *lines]) + "\n"


class Where(unittest.TestCase):
    """Of three calls the second is the cheapest."""

    def setUp(self):
        self.folder = pathlib.Path(Folder().path)
        self.log = self.folder / "log"

    def count(self, *addresses):
        self.log.write_text(executed(*addresses))
        return TRACE.count(self.log, TRACE.Symbols(SYMBOLS))

    def test_the_cheapest_call_counts(self):
        cheap = [GETPPID, GETPPID + 4, PROGRAM + 8, PROGRAM + 12, USER]
        dear = [GETPPID, PROGRAM, PAGES, PAGES + 4, PAGES + 8, PAGES + 12]
        before, after = [PROGRAM] * 3, [GETPPID]
        self.assertEqual(self.count(*before, *dear, *cheap, *dear, *after),
                         {"__x64_sys_getppid": 2, "bpf_prog_0123456789abcdef_connect_fexit": 2,
                          "user space": 1})

    def test_a_trace_without_a_whole_call_is_none(self):
        with self.assertRaises(SystemExit) as ended:
            self.count(PROGRAM, GETPPID, PROGRAM)
        self.assertIn("no whole call", str(ended.exception))

    def test_the_table_says_what_is_more(self):
        for name, counts in (("bare", {"unix_release": 100, "clear_page": 50}),
                             ("fexit", {"unix_release": 102, "clear_page": 40, "bpf_trampoline_1": 20,
                                        "bpf_trampoline_2": 30, "bpf_prog_0a_connect_fexit": 1000})):
            (self.folder / f"{name}.json").write_text(json.dumps(counts))
        with contextlib.redirect_stdout(io.StringIO()) as said:
            TRACE.print_more(self.folder, "fexit")
        self.assertEqual(said.getvalue().splitlines()[2:],
                         ["| program connect_fexit | 1,000 |", "| trampoline | 50 |", "| clear_page | -10 |",
                          "| all, of 1,192 | 1,042 |"])


if __name__ == "__main__":
    unittest.main()
