#!/usr/bin/env python3
"""The same dump in every form must give the same answers, byte for byte.

usage: forms_test.py MEMSECT MAKE_FORMS CASE_DIR WORK_DIR

CASE_DIR (testdata/real/NAME) has vmcore; WORK_DIR has the unpacked vmlinux. MAKE_FORMS writes the dump anew in each form.
Where makedumpfile is installed, it has to make the plain dump out of the flattened and the split one: that ours are what
its own are.
"""
import filecmp
import json
import os
import shutil
import subprocess
import sys
import tempfile

COMMANDS = ("info", "sections", "nodes", "blocks", "deps")


def run(*command, **how):
    done = subprocess.run(command, capture_output=True, check=False, **how)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def answers(tool, files, vmlinux):
    """The data of every command as text, what `info` says of the dump, and the formats of its files."""
    data, dump, formats = {}, None, None
    for command in COMMANDS:
        answer = json.loads(run(tool, command, *files, vmlinux, "--no-search", "--format", "json"))
        if command == "info":
            dump = answer["data"].pop("dump")
            formats = [f["format"] for f in answer["source"]["files"] if f["role"] == "dump"]
        data[command] = json.dumps(answer["data"])
    return data, dump, formats


def check_form(form, files, dump, formats):
    kind = "elf-core" if form.startswith("elf") else "kdump"
    flattened = "flattened" in form
    assert dump["format"] == kind and dump["flattened"] == flattened and dump["parts"] == len(files), f"{form}: {dump}"
    assert formats == ["flattened" if flattened else kind] * len(files), f"{form}: {formats}"
    assert dump["truncated"] is False, f"{form}: {dump}"
    codec = form.removeprefix("kdump-")
    if codec in ("zlib", "lzo", "snappy", "zstd"):
        assert dump["compression"] == codec, f"{form}: {dump}"


def check_with_makedumpfile(forms):
    if shutil.which("makedumpfile") is None:
        print("skipped: makedumpfile, which would join our forms again, is not installed")
        return
    for form in ("kdump-flattened", "kdump-flattened-backwards"):
        with open(form, "rb") as flattened:
            run("makedumpfile", "-R", "rearranged", stdin=flattened)
        assert filecmp.cmp("rearranged", "kdump-zlib", shallow=False), f"makedumpfile -R makes another dump of {form}"
        os.remove("rearranged")
    run("makedumpfile", "--reassemble", *forms["kdump-split"], "reassembled")
    forms["reassembled"] = ["reassembled"]


def main():
    tool, make_forms, case, work = (os.path.abspath(path) for path in sys.argv[1:5])
    vmlinux = os.path.join(work, "vmlinux")
    want, _, _ = answers(tool, [os.path.join(case, "vmcore")], vmlinux)
    with tempfile.TemporaryDirectory(prefix="memsect-forms-") as folder:
        os.chdir(folder)
        forms = {}
        for line in run(make_forms, os.path.join(case, "vmcore"), folder).decode().splitlines():
            if line.startswith("skipped"):
                print(line)
            else:
                forms[line.split()[0]] = line.split()[1:]
        check_with_makedumpfile(forms)
        for form, files in forms.items():
            got, dump, formats = answers(tool, list(reversed(files)), vmlinux)
            check_form(form, files, dump, formats)
            for command in COMMANDS:
                assert got[command] == want[command], f"{form}: {command} gives other data"
        assert len(forms) >= 9, f"only {list(forms)}"
        print(f"{len(forms)} forms, the same answers: {', '.join(forms)}")
        os.chdir("/")


main()
