"""Once everything is attached the agent keeps little, and works with it."""
import os
import pathlib
import re
import socket
import subprocess
import unittest

from support import PROVOKE, ROOT, SOCKWARD, Agent, run, total, wait_until

NUMBERS = {"CAP_DAC_READ_SEARCH": 2, "CAP_NET_ADMIN": 12, "CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21, "CAP_BPF": 39}
HTTP = {"CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE", "CAP_BPF"}


def bits(names):
    return sum(1 << NUMBERS[name] for name in names)


class Privileges(unittest.TestCase):
    def threads(self, agent):
        found = []
        for status in pathlib.Path(f"/proc/{agent.pid}/task").glob("*/status"):
            found.append(dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line))
        return found

    def check(self, agent, kept):
        threads = self.threads(agent)
        self.assertGreater(len(threads), 4)
        for thread in threads:
            for field in ("CapEff", "CapPrm", "CapBnd"):
                self.assertEqual(int(thread[field], 16) & ~bits(kept), 0, thread)
            self.assertEqual(int(thread["CapInh"], 16), 0)
            self.assertEqual(thread["NoNewPrivs"], "1")
            self.assertEqual(thread["Seccomp"], "2")
        # The threads that answer requests have less than the one that diagnoses.
        wanted = sorted({bits(kept & HTTP), bits(kept)} if kept & HTTP != kept else {bits(kept)})
        self.assertEqual(sorted({int(thread["CapEff"], 16) for thread in threads}), wanted)

    def test_every_thread_keeps_only_what_is_needed(self):
        with Agent() as agent:
            self.check(agent, set(NUMBERS))

    def test_with_the_least_it_still_counts_and_tells(self):
        drop = sorted(set(NUMBERS) - {"CAP_BPF"})
        with Agent(config=f"privileges: {{drop: [{', '.join(drop)}]}}\nrecords: {{fold: 0}}\n", output="json") as agent:
            self.check(agent, {"CAP_BPF"})
            self.assertIn("is not possible", agent.said())
            subprocess.run([PROVOKE, "storm", "20"], check=True)
            self.assertEqual(total(agent.metrics(), "sockward_call_errors_total", errno="ENOENT", family="unix", syscall="bind"), 20)
            with socket.socket() as holder, socket.socket() as late:
                holder.bind(("127.0.0.1", 0))
                holder.listen()
                with self.assertRaises(OSError):
                    late.bind(holder.getsockname())
            record = wait_until(lambda: [r for r in agent.records() if r["attributes"].get("error.type") == "EADDRINUSE"], 5)[0]
            self.assertEqual(record["attributes"]["sockward.cause"], "address_in_use")
            self.assertEqual(record["attributes"]["sockward.holder.pid"], os.getpid())

    def test_what_cannot_be_given_up_is_named(self):
        for name, word in (("CAP_BPF", "cannot be given up"), ("CAP_SYS_PTRAC", "did you mean CAP_SYS_PTRACE?")):
            agent = Agent(config=f"privileges: {{drop: [{name}]}}\n")
            done = run(*agent.command)
            self.assertEqual(done.returncode, 2)
            self.assertIn(name, done.stderr)
            self.assertIn(word, done.stderr)

    def test_the_document_lists_them_all(self):
        text = (ROOT / "docs/security.md").read_text()
        self.assertEqual(set(re.findall(r"^\| `(CAP_\w+)`", text, re.M)), set(NUMBERS))


if __name__ == "__main__":
    unittest.main()
