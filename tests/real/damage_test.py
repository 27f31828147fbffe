#!/usr/bin/env python3
"""Cuts and spoils a real dump in its forms: the command line must end with an answer or a message, soon and small.

usage: damage_test.py MEMSECT MAKE_FORMS CASE_DIR WORK_DIR

The library takes hundreds more of these in tests/formats/mutation_test.cc; this is the whole way through the program.
"""
import json
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time

FORMS = ("elf", "elf-flattened", "kdump-zlib", "kdump-flattened", "kdump-big-endian", "kdump-split")
LONGEST = 20  # seconds; a sound dump takes a tenth of one
LARGEST = 256 << 10  # KiB, where a sound dump does not take more already (sanitizers)


def run(tool, files, vmlinux):
    """Exit code, data (None where there is none), message."""
    start = time.monotonic()
    done = subprocess.run([tool, "sections", "--json", *files, vmlinux, "--no-search"], capture_output=True,
                          timeout=LONGEST * 5, check=False)
    assert time.monotonic() - start < LONGEST, f"{files}: too slow"
    error = done.stderr.decode(errors="replace")
    assert done.returncode in (0, 2, 3, 4, 5), f"{files}: exit {done.returncode}: {error[-2000:]}"
    answer = json.loads(done.stdout) if done.stdout else None
    if done.returncode in (2, 3, 4):
        assert error.startswith("memsect: error: "), f"{files}: exit {done.returncode} and no message"
        assert answer is None
    return done.returncode, answer and answer["data"], error


def save(path, content):
    with open(path, "wb") as file:
        file.write(content)


def load(path):
    with open(path, "rb") as file:
        return file.read()


def try_cuts(tool, vmlinux, files, want):
    """The last file of the form is cut. What still comes is what was there, or absent."""
    whole = load(files[-1])
    ends = [len(whole) * percent // 100 for percent in (3, 50, 80, 92, 97, 99)] + [len(whole) - 1, 5000, 463, 20]
    codes = set()
    for end in sorted(set(ends)):
        save("cut", whole[:end])
        code, data, _ = run(tool, [*files[:-1], "cut"], vmlinux)
        codes.add(code)
        assert code in (0, 3, 5), f"{files} cut at {end}: exit {code}"
        if code == 0:
            assert data == want, f"{files} cut at {end}: other data, and exit 0"
    return codes


def try_fields(tool, vmlinux, files, chance):
    whole = load(files[0])
    codes = set()
    for _ in range(12):
        at = chance.choice([chance.randrange(0, 64), chance.randrange(400, 468), chance.randrange(4096, 4400)]) & ~3
        value = chance.choice([0, 1, 0xffffffff, 0x7fffffff, 0x80000000, chance.getrandbits(32)])
        spoilt = bytearray(whole)
        spoilt[at:at + 4] = struct.pack("<I", value)
        save("spoilt", spoilt)
        codes.add(run(tool, ["spoilt", *files[1:]], vmlinux)[0])
    return codes


def main():
    tool, make_forms, case, work = (os.path.abspath(path) for path in sys.argv[1:5])
    vmlinux = os.path.join(work, "vmlinux")
    chance = random.Random(1)
    with tempfile.TemporaryDirectory(prefix="memsect-damage-") as folder:
        os.chdir(folder)
        made = subprocess.run([make_forms, os.path.join(case, "vmcore"), folder], capture_output=True, check=True)
        forms = {line.split()[0]: line.split()[1:] for line in made.stdout.decode().splitlines()}
        code, want, _ = run(tool, forms["elf"], vmlinux)
        assert code == 0 and want, "the sound dump is not read"
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        codes = set()
        for form in FORMS:
            codes |= try_cuts(tool, vmlinux, forms[form], want)
            codes |= try_fields(tool, vmlinux, forms[form], chance)
        assert {0, 3, 5} <= codes, f"only the exit codes {codes} were seen: is anything damaged at all?"
        largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        assert largest <= max(2 * before, LARGEST), f"{largest} KiB"
        print(f"{len(FORMS)} forms, exit codes {sorted(codes)}")
        os.chdir("/")


main()
