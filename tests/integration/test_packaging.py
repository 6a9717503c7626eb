"""What is shipped beside the program."""
import configparser
import re
import unittest

from support import ROOT, SOCKWARD, require, run

UNIT = ROOT / "packaging/systemd/sockward.service"


class Systemd(unittest.TestCase):
    def test_the_unit_is_accepted_and_as_closed_as_the_document_says(self):
        require("systemd-analyze")
        done = run("systemd-analyze", "security", "--offline=true", str(UNIT))
        score = float(re.search(r"Overall exposure level for sockward.service: ([0-9.]+)", done.stdout)[1])
        told = float(re.search(r"gives it ([0-9.]+)", (ROOT / "docs/security.md").read_text())[1])
        self.assertLessEqual(score, told)

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


if __name__ == "__main__":
    unittest.main()
