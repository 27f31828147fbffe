"""memsect's answers to all questions of a comparison: inside the guest about the running kernel, outside about its dump."""
import json
import subprocess

COMMANDS = ("info", "sections", "nodes", "blocks", "usemap", "subsections", "deps", "check")


class Failure(Exception):
    """memsect is wrong: what it said, and what it should have said."""


def data_of(command, status, output, errors):
    # A check that does not hold is told by compare.py, with its findings.
    if status not in ((0, 1, 5) if command == "check" else (0,)):
        raise Failure(f"{command}: exit {status}: {errors.strip()} {output[-300:].decode(errors='replace') if status == 5 else ''}")
    return json.loads(output)


def ask_live(guest, files):
    """command -> envelope, from inside the guest."""
    answers = {}
    for command in COMMANDS:
        # A memsect that never ends must not be taken for a guest that hangs.
        status, output = guest.run(f"timeout 200 memsect {command} {files} --format json 2> /tmp/errors", 300)
        answers[command] = data_of(command, status, output, guest.text("cat /tmp/errors"))
        if answers[command]["source"]["live"] is not True:
            raise Failure(f"{command}: does not say that it read the running kernel")
    return answers


def ask_dump(memsect, dump, vmlinux):
    """The same from the dump."""
    files = [dump] + ([vmlinux] if vmlinux else [])
    answers = {}
    for command in COMMANDS:
        try:
            done = subprocess.run([memsect, command, *files, "--no-search", "--format", "json"], capture_output=True, check=False, timeout=200)
        except subprocess.TimeoutExpired as problem:
            raise Failure(f"{command}: {problem}") from problem
        answers[command] = data_of(command, done.returncode, done.stdout, done.stderr.decode(errors="replace"))
    return answers


def only_data(envelopes):
    return {command: envelope["data"] for command, envelope in envelopes.items() if command != "info"}


def check(problems):
    problems = list(problems)
    if problems:
        raise Failure("\n".join(problems[:6]))
