#!/usr/bin/env python3
"""DWARF and BTF of a real kernel give the same layouts: every type that the sources ask for by name.

usage: types_test.py COMPARE_TYPES REPOSITORY VMLINUX
"""
import pathlib
import re
import subprocess
import sys

QUESTIONS = {"struct": r'find_struct\("(\w+)"', "enum": r'enumerators_of\("(\w+)"',
             "enumerator": r'find_enumerator\(\s*"(\w*)",\s*"(\w+)"'}
# Known to be in the DWARF of other files than those that memsect opens, or cut out of the kernels in testdata.
LEAST = 12


def main():
    tool, top, vmlinux = sys.argv[1:4]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(pathlib.Path(top, "src").rglob("*.cc")))
    words = []
    for kind, pattern in QUESTIONS.items():
        found = re.findall(pattern, text)
        assert found, f"no source asks for any {kind}"
        words += sorted({f"{kind}:{'/'.join(name) if isinstance(name, tuple) else name}" for name in found})
    done = subprocess.run([tool, vmlinux, *words], capture_output=True, text=True, check=False)
    print(done.stdout + done.stderr)
    agreed = int(re.search(r"^(\d+) types agree", done.stdout, re.M)[1])
    assert agreed >= LEAST, f"only {agreed} types were compared"
    sys.exit(done.returncode)


main()
