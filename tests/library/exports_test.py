#!/usr/bin/env python3
"""libmemsect exports the functions of its header and nothing else, and a C program of the documentation works with it.

usage: exports_test.py LIBRARY HEADER EXAMPLE MEMSECT DUMP
"""
import pathlib
import re
import subprocess
import sys

library, header, example, memsect, dump = sys.argv[1:]
symbols = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
exported = {line.split()[-1].split("@")[0] for line in symbols.splitlines()}
text = re.sub(r"/\*.*?\*/", "", pathlib.Path(header).read_text(), flags=re.S)
declared = set(re.findall(r"MEMSECT_API[^;(]*?\b(memsect_\w+)\(", text))
assert len(declared) > 5, declared
for name in sorted(exported ^ declared):
    print(f"{name} is {'exported and not in the header' if name in exported else 'in the header and not exported'}")
if exported != declared:
    sys.exit(1)
by_library = subprocess.run([example, dump], capture_output=True, text=True, check=False)
by_program = subprocess.run([memsect, "deps", "--json", dump], capture_output=True, text=True, check=False)
assert by_library.returncode == by_program.returncode == 0, (by_library, by_program.stderr)
assert by_library.stdout == by_program.stdout, "the example says something else than memsect deps --json"
refused = subprocess.run([example, header], capture_output=True, text=True, check=False)
assert refused.returncode == 3 and "hint: " in refused.stderr, refused
print(f"{len(declared)} functions; the example says what the program says")
