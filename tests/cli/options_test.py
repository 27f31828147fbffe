#!/usr/bin/env python3
"""Every option of `memsect COMMAND --help` is in the manual page (.It Fl ...), and no others are.

usage: options_test.py MEMSECT MAN_PAGE
"""
import re
import subprocess
import sys


def help_options(text):
    """{"-c", "--core", ...} of one help text."""
    found = set()
    for line in text.splitlines():
        if re.match(r"  -", line):
            found |= set(line.split()[0].split(","))
    return found


def manual_options(text):
    """The options that head an item: .It Fl c , Fl Fl core Ar FILE (mdoc writes the first dash itself)."""
    found = set()
    for line in re.findall(r"^\.It (Fl .*)$", text, re.M):
        found |= {"-" + "-" * dashes.count("Fl") + name.lstrip("-") if dashes else "-" + name
                  for dashes, name in re.findall(r"Fl ((?:Fl )*)(-?[A-Za-z][\w-]*)", line)}
    return found


def prove_that_it_can_fail():
    assert help_options("  -c,--core FILE   the -x dump\n  --no-search  x\ntext --not-one\n") == {"-c", "--core", "--no-search"}
    page = ".It Fl c , Fl Fl core Ar FILE\n.It Fl -no-search\nSee Fl z\n"
    assert manual_options(page) == {"-c", "--core", "--no-search"}, manual_options(page)


def main():
    prove_that_it_can_fail()
    tool, page = sys.argv[1:3]
    try:
        with open(page, encoding="utf-8") as file:
            manual = manual_options(file.read())
    except FileNotFoundError:
        print(f"skipped: {page} is not written yet")
        sys.exit(77)
    run = lambda *words: subprocess.run([tool, *words], capture_output=True, text=True, check=True).stdout
    general = run("--help")
    commands = re.findall(r"^  ([a-z]+) ", general.split("Subcommands:")[1].split("\n\n")[0], re.M)
    assert len(commands) > 1, general
    offered = help_options(general).union(*(help_options(run(command, "--help")) for command in commands))
    for option in sorted(offered - manual):
        print(f"{option} is in --help and not in {page}")
    for option in sorted(manual - offered):
        print(f"{option} is in {page} and not in --help")
    print(f"{len(offered)} options of {len(commands)} commands")
    sys.exit(0 if offered == manual else 1)


main()
