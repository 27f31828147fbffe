#!/usr/bin/env python3
"""What cmake/Hardening.cmake asks for must be in the program. Usage: hardening_test.py READELF MEMSECT [--optimised]

--optimised: the build optimises, so that calls of libc are fortified, too.
"""
import platform
import subprocess
import sys


def readelf(*options):
    return subprocess.run([sys.argv[1], "--wide", *options, sys.argv[2]], capture_output=True, text=True, check=True).stdout


def symbols():
    return [line.split()[7].split("@")[0] for line in readelf("--dyn-syms").splitlines() if line.count(":") and len(line.split()) > 7]


header, segments, dynamic, names = readelf("-h"), readelf("-l"), readelf("-d"), symbols()
checks = {
    "position independent": "DYN (" in header,
    "relocations read-only": "GNU_RELRO" in segments,
    "bound at start": "BIND_NOW" in dynamic or "Flags: NOW" in dynamic,
    "stack not executable": any("GNU_STACK" in line and "RWE" not in line for line in segments.splitlines()),
    "stack protector": "__stack_chk_fail" in names,
    "no run path": "RUNPATH" not in dynamic and "RPATH" not in dynamic,
}
if platform.machine() == "x86_64":
    # The program's own functions; the mark on the whole needs a C library built so, which Debian's is not.
    with open(sys.argv[2], "rb") as program:
        checks["control flow (endbr64)"] = program.read().count(b"\xf3\x0f\x1e\xfa") > 500
if "--optimised" in sys.argv:
    checks["fortified libc"] = any(name.endswith("_chk") and name != "__stack_chk_fail" for name in names)
for name, held in checks.items():
    print(f"{'ok    ' if held else 'FAILED'} {name}")
sys.exit(0 if all(checks.values()) else 1)
