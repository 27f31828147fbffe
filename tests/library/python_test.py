#!/usr/bin/env python3
"""The Python package gives the answers of the program, on all real dumps, from files and from memory that Python reads; and
through drgn, where python3-drgn is installed.

usage: PYTHONPATH=python MEMSECT_LIBRARY=LIBRARY python_test.py MEMSECT TESTDATA_REAL UNPACKED
"""
import importlib.util
import json
import pathlib
import subprocess
import sys

import memsect

TOOL, DATA, UNPACKED = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
TARGETS = {"why": "node:0", "addr": "pfn:0x100"}


def by_program(command, *words):
    run = subprocess.run([TOOL, command, "--json", "--no-search", *words], capture_output=True, text=True, check=False)
    assert run.returncode in (0, 1, 5), (command, words, run.stderr)
    return json.loads(run.stdout)


def same(by_library, by_tool, what):
    assert by_library == by_tool, f"{what}: the library says something else than the program"


def all_questions(session, files, data_alone=False):
    for question in memsect.questions():
        name = question["name"]
        target = [TARGETS[name]] if question["target"] else []
        got, want = getattr(session, name)(*target), by_program(name, *target, *files)
        if data_alone:
            got, want = got["data"], want["data"]
            if name == "info":  # says what the file is
                got, want = dict(got, dump=None, origin=None), dict(want, dump=None, origin=None)
        same(got, want, f"{name} {files}")


def from_files():
    for case in sorted(DATA.iterdir()):
        if not (case / "vmcore").exists() or case.name.startswith("flatmem"):
            continue
        files = [str(file) for file in (case / "vmcore", UNPACKED / case.name / "vmlinux") if file.exists()]
        with memsect.open(*files, search=False) as session:
            all_questions(session, files)


def options_and_errors():
    dump = str(DATA / "circular-5.10/vmcore")
    with memsect.open(dump, search=False) as session:
        same(session.sections(section="2-3", blocks=True), by_program("sections", "--section", "2-3", "--blocks", dump), "options")
        same(session.check(check=["usage_shared", "usage_apart"]),
             by_program("check", "--check", "usage_shared", "--check", "usage_apart", dump), "lists")
        for bad in ({"moon": True}, {"fail_on": "rain"}):
            try:
                session.deps(**bad)
                raise AssertionError(f"{bad} was taken")
            except memsect.UsageError as error:
                assert str(error), error
    try:
        session.deps()
        raise AssertionError("a closed session answered")
    except ValueError:
        pass
    try:
        memsect.open("/no/such/vmcore")
        raise AssertionError("opened what is not there")
    except memsect.UnreadableError as error:
        assert "no/such/vmcore" in str(error), error


def elf_memory(path):
    """The physical memory of an ELF core as a function, its ranges, and its VMCOREINFO."""
    data = path.read_bytes()
    number = lambda at, size: int.from_bytes(data[at:at + size], "little")
    loads, note = [], b""
    for i in range(number(56, 2)):
        at = number(32, 8) + i * number(54, 2)
        kind, offset, physical, size = number(at, 4), number(at + 8, 8), number(at + 24, 8), number(at + 32, 8)
        if kind == 1:
            loads.append((physical, size, offset))
        elif kind == 4:
            note = data[offset:offset + size]
    start = note.index(b"OSRELEASE=")

    def read(physical, size):
        page, got = b"", 0
        while got < size:
            first, _, offset = next(load for load in loads if load[0] <= physical + got < load[0] + load[1])
            end = next(load[0] + load[1] for load in loads if load[0] == first)
            part = min(size - got, end - physical - got)
            page += data[offset + physical + got - first:offset + physical + got - first + part]
            got += part
        return page
    return read, [(load[0], load[1]) for load in loads], note[start:].split(b"\0")[0]


def from_memory():
    work = UNPACKED / "circular-5.10"
    small = work / "python.elf"
    files = [str(DATA / "circular-5.10/vmcore"), str(work / "vmlinux")]
    subprocess.run([TOOL, "extract", *files, "--no-search", "--as", "elf", "--to", str(small)], check=True, capture_output=True)
    read, ranges, vmcoreinfo = elf_memory(small)
    with memsect.from_memory(read, vmcoreinfo=vmcoreinfo, machine="x86_64", ranges=ranges, vmlinux=files[1],
                             search=False) as session:
        all_questions(session, [str(small), files[1]], data_alone=True)


def from_drgn():
    if importlib.util.find_spec("drgn") is None:
        return "no drgn here"
    import drgn  # pylint: disable=import-outside-toplevel
    work = UNPACKED / "hotplug-6.1"
    files = [str(DATA / "hotplug-6.1/vmcore"), str(work / "vmlinux")]
    prog = drgn.Program()
    try:
        prog.set_core_dump(files[0])
        prog.load_debug_info([files[1]])
        prog["VMCOREINFO"]
    except Exception as failure:  # pylint: disable=broad-exception-caught
        return f"drgn cannot read this dump: {failure}"
    with memsect.from_drgn(prog, vmlinux=files[1], search=False) as session:
        same(session.deps()["data"], by_program("deps", *files)["data"], "drgn")
    return "the same through drgn"


from_files()
options_and_errors()
from_memory()
print("the library says what the program says;", from_drgn())
