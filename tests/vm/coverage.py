#!/usr/bin/python3
"""coverage.py FOLDER: a table of what each kernel and backend sees, from the serial logs of scripts/vm."""
import pathlib
import re
import sys

LINE = re.compile(r'^COVERAGE (\w+) sockward_coverage\{operation="([^"]+)",route="([^"]+)"\} ([01])$')
logs = sorted(pathlib.Path(sys.argv[1]).glob("serial-*.log"),
              key=lambda p: [int(n) for n in re.findall(r"\d+", p.stem)])
logs = [log for log in logs if "-full" not in log.stem]
seen, rows, columns = {}, {}, []
for log in logs:
    for line in log.read_text(errors="replace").splitlines():
        found = LINE.match(line)
        if found:
            backend, operation, route, value = found.groups()
            column = (log.stem.removeprefix("serial-"), backend)
            if column not in columns:
                columns.append(column)
            rows.setdefault((operation, route), None)
            seen[operation, route, column] = value
print("<!-- matrix -->")
print("| operation | route | " + " | ".join(f"{kernel} {backend}" for kernel, backend in columns) + " |")
print("| --- " * (len(columns) + 2) + "|")
for operation, route in rows:
    cells = [{"1": "seen", "0": "no"}.get(seen.get((operation, route, column)), "?") for column in columns]
    print(f"| {operation} | {route} | " + " | ".join(cells) + " |")
print("<!-- end -->")
