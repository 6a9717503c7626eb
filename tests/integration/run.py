#!/usr/bin/env python3
"""Runs the integration tests and writes how many passed, failed and were skipped as JSON into a file."""
import json
import pathlib
import sys
import time
import unittest


class TimedResult(unittest.TextTestResult):
    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.stream.writeln(f"   {time.monotonic() - self.began:6.1f} s  {test.id()}")


def main():
    here = pathlib.Path(__file__).parent
    sys.path.insert(0, str(here))
    names = sys.argv[2:]
    suite = (unittest.defaultTestLoader.loadTestsFromNames(names) if names
             else unittest.defaultTestLoader.discover(str(here)))
    result = unittest.TextTestRunner(resultclass=TimedResult, warnings="ignore").run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    pathlib.Path(sys.argv[1]).write_text(json.dumps({"passed": result.testsRun - failed - skipped,
                                                     "failed": failed, "skipped": skipped}))
    return 1 if failed or result.testsRun == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
