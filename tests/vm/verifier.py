#!/usr/bin/python3
"""verifier.py FOLDER DOCUMENT [--write]: what the verifier had to do
for each program, from the serial logs of scripts/vm.

Compares with the table in DOCUMENT and fails where a program came closer to the kernel's limits: a tenth and
500 instructions more than it says, 32 bytes of stack more, or a program that it does not have. --write puts
the new table in.
"""
import pathlib
import re
import sys

LINE = re.compile(r"^VERIFIER (\w+) (\d+) (\d+)$")
CELL = re.compile(r"^([\d,]+) / (\d+)$")


def measured(folder):
    logs = [log for log in pathlib.Path(folder).glob("serial-*.log") if "-full" not in log.stem]
    logs.sort(key=lambda path: [int(n) for n in re.findall(r"\d+", path.stem)])
    kernels = [log.stem.removeprefix("serial-") for log in logs]
    costs = {}
    for kernel, log in zip(kernels, logs):
        for line in log.read_text(errors="replace").splitlines():
            if found := LINE.match(line):
                costs.setdefault(found[1], {})[kernel] = (int(found[2]), int(found[3]))
    return kernels, costs


def table(kernels, costs):
    lines = ["<!-- matrix -->", "| program | " + " | ".join(kernels) + " |",
             "| --- " * (len(kernels) + 1) + "|"]
    for program in sorted(costs):
        cells = [f"{c[0]:,} / {c[1]}" if (c := costs[program].get(kernel)) else "" for kernel in kernels]
        lines.append(f"| {program} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "<!-- end -->"])


def documented(text):
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()
            if line.startswith("| ")]
    kernels = rows[0][1:] if rows else []
    return {(row[0], kernel): (int(found[1].replace(",", "")), int(found[2]))
            for row in rows[1:] for kernel, cell in zip(kernels, row[1:]) if (found := CELL.match(cell))}


def main():
    folder, document = sys.argv[1], pathlib.Path(sys.argv[2])
    kernels, costs = measured(folder)
    text = document.read_text()
    begin, end = text.index("<!-- matrix -->"), text.index("<!-- end -->") + len("<!-- end -->")
    if "--write" in sys.argv:
        document.write_text(text[:begin] + table(kernels, costs) + text[end:])
        return 0
    known = documented(text[begin:end])
    grown = 0
    for program, by_kernel in sorted(costs.items()):
        for kernel, (instructions, stack) in by_kernel.items():
            before = known.get((program, kernel))
            if before and instructions <= before[0] * 1.1 + 500 and stack <= before[1] + 32:
                continue
            grown += 1
            was = f"{before[0]:,} / {before[1]}" if before else "nothing"
            print(f"{program} on {kernel}: {instructions:,} instructions / {stack} bytes of stack; "
                  f"{document} says {was}")
    if grown or not costs:
        print(f"{grown} programs are closer to the verifier's limits; next: shrink them, or "
              f"tests/vm/verifier.py {folder} {document} --write")
    return 1 if grown or not costs else 0


sys.exit(main())
