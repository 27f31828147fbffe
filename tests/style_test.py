#!/usr/bin/env python3
"""What no formatter checks: length of files, their last newline, and words that have no place in the repository.
Usage: style_test.py REPOSITORY. It proves on small texts that it can fail.
"""
import os
import pathlib
import re
import sys

LONGEST = 1000
SKIPPED_FOLDERS = re.compile(r"\.git|build.*|__pycache__|real")  # real: dumps of real machines, compressed
# Written in pieces, so that this file does not find itself.
PLACES = re.compile(r"(?<![\w.])/(?:wo" r"rk|ro" r"ot|ho" r"me)/")
UNFINISHED = re.compile(r"\b(?:TO" r"DO(?!\(#\d+\))|FIX" r"ME|X" r"XX)\b")


def problems(path, text):
    lines = text.split("\n")
    if len(lines) - 1 > LONGEST and path != "LICENSE":
        yield f"{path} has {len(lines) - 1} lines, {LONGEST} is the most"
    if text and not text.endswith("\n"):
        yield f"{path} does not end in a newline"
    for number, line in enumerate(lines, 1):
        if PLACES.search(line):
            yield f"{path}:{number}: a directory of one machine: {line.strip()}"
        if UNFINISHED.search(line):
            yield f"{path}:{number}: something unfinished that names no issue: {line.strip()}"
        if line != line.rstrip() and path != "LICENSE":
            yield f"{path}:{number}: blanks at the end of the line"


def prove_that_it_can_fail():
    fine = "see TO" "DO(#12) and the root/ of a tree, a/ho" "me/x\n" * LONGEST
    assert list(problems("a", fine)) == [], list(problems("a", fine))
    for bad in ("x\n" * (LONGEST + 1), "x", "in /ro" "ot/a\n", "// TO" "DO later\n", "// FIX" "ME\n", "x \n"):
        assert len(list(problems("a", bad))) == 1, bad


def main():
    prove_that_it_can_fail()
    top = pathlib.Path(sys.argv[1])
    found, seen = [], 0
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(f for f in folders if not SKIPPED_FOLDERS.fullmatch(f))
        for path in (pathlib.Path(folder, name) for name in sorted(names)):
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # a binary
            seen += 1
            found += problems(str(path.relative_to(top)), text)
    print("\n".join(found) or f"{seen} files are in style")
    sys.exit(1 if found or not seen else 0)


main()
