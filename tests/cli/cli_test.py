#!/usr/bin/env python3
"""Runs the commands of a .test file and holds what they print against what is written below them.

usage: cli_test.py MEMSECT TESTDATA_REAL UNPACKED FILE.test

    # a remark
    $ memsect nodes --node 9 vmcore        a shell command; memsect is the one under test
    > NODE ...                             a line of standard output
    ! memsect: warning: ...                a line of standard error
    ? 5                                    the exit code, where it is not 0

"..." stands for any text, in a line or, alone in one, for any number of lines. What is not written must not be printed.
Each file runs in a folder of its own that has vmcore and vmlinux of hotplug-6.1, other/vmcore and other/vmlinux of
circular-5.10, plugged/before, plugged/after and plugged/vmlinux of plugged-6.1, flat/vmcore and flat/vmlinux of flatmem-i386, classic/vmcore and classic/vmlinux of
classic-i386, hugetlb/vmcore and thp/vmcore of hugetlb-reserved-6.1 and
thp-pinned-5.10, and of hotplug-6.1's dump: cut-early (before its pages), cut-late (a few pages short).
"""
import os
import re
import subprocess
import sys
import tempfile


def read_cases(text):
    cases = []
    for number, line in enumerate(text.splitlines(), 1):
        mark, rest = line[:2], line[2:]
        if mark == "$ ":
            cases.append({"command": rest, "line": number, ">": [], "!": [], "?": 0})
        elif mark in ("> ", "! ", ">", "!"):
            cases[-1][mark[0]].append(rest)
        elif mark == "? ":
            cases[-1]["?"] = int(rest)
        elif line and not line.startswith("#"):
            sys.exit(f"line {number}: what is this: {line}")
    return cases


def matches(lines, text):
    pattern = "".join(r"(?:[^\n]*\n)*" if line == "..." else re.escape(line).replace(r"\.\.\.", "[^\n]*") + "\n"
                      for line in lines)
    return re.fullmatch(pattern, text) is not None


def problems(cases, folder, tool):
    environment = dict(os.environ, PATH=os.path.dirname(tool) + os.pathsep + os.environ["PATH"], LC_ALL="C.UTF-8")
    environment.pop("NO_COLOR", None)
    for case in cases:
        done = subprocess.run(["bash", "-c", case["command"]], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)
        for stream, got in ((">", done.stdout), ("!", done.stderr)):
            if not matches(case[stream], got):
                yield f"line {case['line']}: $ {case['command']}: not what was expected:\n" + \
                    "".join(f"{stream} {line}\n" for line in got.splitlines())
        if done.returncode != case["?"]:
            yield f"line {case['line']}: $ {case['command']}: exit {done.returncode}, not {case['?']}: {done.stderr}"


def prove_that_it_can_fail():
    case = read_cases("# x\n$ true\n> a ... c\n> ...\n! e\n? 3\n")[0]
    assert (case["command"], case[">"], case["!"], case["?"]) == ("true", ["a ... c", "..."], ["e"], 3)
    assert matches(["a ... c", "..."], "a b c\n") and matches(["a ... c", "..."], "a  c\nx\ny\n")
    for text in ("", "a b\n", "a b c\nd", "x\na b c\n"):
        assert not matches(["a ... c"], text), text
    assert matches([], "") and not matches([], "\n")
    assert len(list(problems(read_cases("$ echo a; exit 1\n! b\n"), ".", "/bin/true"))) == 3


def prepare(folder, real, unpacked):
    for where, case in ((folder, "hotplug-6.1"), (os.path.join(folder, "other"), "circular-5.10"),
                        (os.path.join(folder, "flat"), "flatmem-i386"),
                        (os.path.join(folder, "classic"), "classic-i386")):
        os.makedirs(where, exist_ok=True)
        os.symlink(os.path.join(real, case, "vmcore"), os.path.join(where, "vmcore"))
        os.symlink(os.path.join(unpacked, case, "vmlinux"), os.path.join(where, "vmlinux"))
    os.makedirs(os.path.join(folder, "plugged"))
    for name, where in (("before", real), ("after", real), ("vmlinux", unpacked)):
        os.symlink(os.path.join(where, "plugged-6.1", name), os.path.join(folder, "plugged", name))
    for name, case in (("hugetlb", "hugetlb-reserved-6.1"), ("thp", "thp-pinned-5.10")):  # these need no vmlinux
        os.makedirs(os.path.join(folder, name))
        os.symlink(os.path.join(real, case, "vmcore"), os.path.join(folder, name, "vmcore"))
    with open(os.path.join(folder, "vmcore"), "rb") as file:
        dump = file.read()
    for name, percent in (("cut-early", 10), ("cut-late", 90)):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(dump[:len(dump) * percent // 100])


def main():
    prove_that_it_can_fail()
    tool, real, unpacked, test = (os.path.abspath(path) for path in sys.argv[1:5])
    with open(test, encoding="utf-8") as file:
        cases = read_cases(file.read())
    assert cases, f"{test} has no commands"
    with tempfile.TemporaryDirectory(prefix="memsect-cli-") as folder:
        prepare(folder, real, unpacked)
        found = list(problems(cases, folder, tool))
    print("\n".join(found) or f"{len(cases)} commands, all as expected")
    sys.exit(1 if found else 0)


main()
