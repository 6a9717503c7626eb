"""records.ignore_paths: what everybody asks for in vain is counted and not written."""
import pathlib
import socket
import unittest

from support import Agent, Folder, total, wait_until


def ask(path):
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(path)


class IgnoredPaths(unittest.TestCase):
    def test_they_are_counted_and_not_written_and_the_list_can_change(self):
        folder = Folder()
        config = Folder() / "sockward.yml"

        def configure(paths):
            pathlib.Path(config).write_text(f"records: {{fold: 0, ignore_paths: [{paths}]}}\n")

        configure(f"{folder / 'vain'}, {folder / 'below'}/*, '@{folder / 'vain'}'")
        with Agent(f"--config.file={config}", output="json") as agent:
            def written():
                found = [r["attributes"].get("sockward.address", "") for r in agent.records()]
                return [address.removeprefix(f"unix:{folder.path}/") for address in found
                        if folder.path in address]

            before = total(agent.metrics(), "sockward_events_suppressed_total")
            self.assertNotEqual(ask("\0" + (folder / "vain")), 0)
            for name in ("vain", "below/it", "below", "told"):
                self.assertNotEqual(ask(folder / name), 0)
            wait_until(lambda: "told" in written(), 10, "the record of the last one")
            self.assertEqual(written(), ["below", "told"])
            self.assertGreaterEqual(total(agent.metrics(), "sockward_events_suppressed_total") - before, 3)
            configure("")

            def told_after_reload():
                ask(folder / "vain")
                return "vain" in written()

            wait_until(told_after_reload, 10, "a record after the list is empty")


if __name__ == "__main__":
    unittest.main()
