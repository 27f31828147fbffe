#!/usr/bin/env python3
"""Holds the shell completions against what memsect itself says: the same commands, and the same options for each.
Usage: completions_test.py REPOSITORY MEMSECT. bash is asked, zsh's and fish's files are read.
"""
import pathlib
import re
import subprocess
import sys

OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")


def help_of(memsect, *words):
    """The options of the program or a command, and its commands, out of the left column of its help."""
    text = subprocess.run([memsect, *words, "-h"], capture_output=True, text=True, check=True).stdout
    options, commands, section = set(), [], ""
    for line in text.splitlines():
        if not line.startswith(" "):
            section = line
        elif re.match(r" {2}\S", line):
            if section.lower().startswith("subcommands"):
                commands.append(line.split()[0])
            elif names := re.match(r" *((--?[\w-]+,? *)+)", line):
                options |= set(OPTION.findall(names.group(1)))
    return options, commands


def checks_of(memsect):
    """The names that --check takes, out of what it says to another one."""
    run = subprocess.run([memsect, "check", "--check", "?"], capture_output=True, text=True, check=False)
    return re.search(r"possible values: (.*)", run.stderr).group(1).split(", ")


def ask_bash(top, words):
    """What bash offers after `words`, the last of which is being typed."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _memsect; printf "%s\\n" "${COMPREPLY[@]}"')
    run = subprocess.run(["bash", "-c", script, "bash", str(top / "completions/memsect.bash"), *words],
                         capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def read_zsh(text, command):
    arrays = {name: body for name, body in re.findall(r"^(\w+)=\(\n(.*?)^\)", text, re.M | re.S)}
    if command is None:
        specs = re.search(r"^_arguments -C (.*?)'1:", text, re.M | re.S).group(1)
    else:
        specs = re.search(rf"^  {command}\) _arguments -C (.*) ;;$", text, re.M).group(1)
    specs = re.sub(r"\$(\w+)", lambda m: arrays[m.group(1)], specs)
    return set(OPTION.findall(re.sub(r"\[.*?\]", "", specs)))


def read_fish(text, command):
    commands = re.search(r"^set -l commands (.*)$", text, re.M).group(1).split()
    options = set()
    for line in re.findall(r"^complete -c memsect (.*)$", text, re.M):
        condition = re.search(r'-n "(not )?__fish_seen_subcommand_from ([^"]*)"', line)
        named = condition.group(2).replace("$commands", " ".join(commands)).split() if condition else [command]
        if (command in named) != bool(condition and condition.group(1)):
            words = re.sub(r"-n \"[^\"]*\"|-[da] ('[^']*'|\"[^\"]*\")", "", line)
            options |= {"-" + o for o in re.findall(r"-s (\w)\b", words)}
            options |= {"--" + o for o in re.findall(r"-l ([\w-]+)", words)}
    return options


def main():
    top, memsect = pathlib.Path(sys.argv[1]), sys.argv[2]
    zsh = (top / "completions/_memsect").read_text()
    fish = (top / "completions/memsect.fish").read_text()
    program, commands = help_of(memsect)
    checks = checks_of(memsect)
    found = []

    def compare(shell, what, offered, wanted):
        for word in sorted(offered ^ wanted):
            found.append(f"{shell}: {what}: {word} is {'not' if word in offered else 'only'} in memsect's help")

    assert commands and "--help" in program, "memsect --help lists nothing"
    compare("bash", "memsect", ask_bash(top, ["memsect", ""]), set(commands) | program)
    compare("zsh", "commands", set(re.findall(r"^  [\"']([a-z]+):", zsh, re.M)), set(commands))
    compare("fish", "commands", set(re.findall(r" -a (\w+) -d", fish.split("-l version")[0])), set(commands))
    compare("zsh", "memsect", read_zsh(zsh, None), program)
    compare("fish", "memsect", read_fish(fish, None), program)
    for command in commands:
        wanted, _ = help_of(memsect, command)
        compare("bash", command, ask_bash(top, ["memsect", command, "-"]), wanted)
        compare("zsh", command, read_zsh(zsh, command), wanted)
        compare("fish", command, read_fish(fish, command), wanted)
    for where in ("completions/memsect.bash", "completions/_memsect", "completions/memsect.fish", "man/memsect.1"):
        words = set(re.findall(r"[a-z_]+", (top / where).read_text()))
        found += [f"{where}: the check {name} is missing" for name in checks if name not in words]
    print("\n".join(found) or f"{len(commands)} commands, three shells: nothing missing, nothing made up")
    sys.exit(1 if found else 0)


main()
