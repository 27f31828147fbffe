#!/usr/bin/env python3
"""Holds the #include lines of src/ and formats/ against the order of the folders (docs/how-it-works.md).

A folder may include itself and what the table names: always lower floors, never a neighbour on its own floor. Usage:
floors_test.py REPOSITORY. Before it looks at the repository it proves on a small tree that it can fail.
"""
import pathlib
import re
import sys

BASE, ABOVE_BASE = {"base"}, {"base", "memory"}
KERNEL = ABOVE_BASE | {"formats", "elf", "types", "symbols", "arch", "kernel"}
MAY_INCLUDE = {
    "base": set(), "memory": BASE, "render": BASE,
    "formats": ABOVE_BASE, "elf": ABOVE_BASE, "arch": ABOVE_BASE,
    "types": ABOVE_BASE | {"elf"}, "symbols": ABOVE_BASE | {"elf"},
    "kernel": KERNEL, "model": BASE, "page": KERNEL | {"model"}, "offlining": KERNEL | {"model"},
    "decode": KERNEL | {"model", "page"}, "extract": KERNEL | {"model", "page", "decode", "offlining"},
    "analysis": {"base", "model"}, "compare": {"base", "render"}, "view": {"base", "model", "analysis", "render"},
    "answer": KERNEL | {"model", "page", "decode", "offlining", "analysis", "view", "render"},
    "cli": KERNEL | {"model", "extract", "view", "answer", "render", "compare"},
    "library": {"base", "memory", "kernel", "render", "answer", "memsect"},  # memsect: its own header
}
# Third-party headers: which ones, and the files that may include them.
THIRD_PARTY = {
    r"tl/expected\.hpp": r"src/base/result\.h",
    r"fmt/.*": r".*\.cc",
    r"CLI/.*": r"src/cli/.*",
    r"libdwarf\.h|dwarf\.h": r"src/types/dwarf_die\.cc",
    r"bpf/.*": r"src/types/btf\.cc",
    r"gelf\.h|libelf\.h": r"src/(elf|symbols)/.*\.cc",
    r"zlib\.h|zstd\.h|lzo/.*|snappy-c\.h":
        r"formats/(codec|lzop|stream_unpacker)\.cc|src/elf/(inflated_section|debug_file)\.cc",
    r"bzlib\.h|lzma\.h": r"formats/stream_unpacker\.cc",
    r"seccomp\.h|linux/(capability|landlock)\.h": r"src/cli/sandbox\.cc",
    r"libsmartcols\.h": r"src/render/.*\.cc",
    r"nlohmann/.*": r"src/(render|library)/.*\.cc|src/compare/saved_answer\.cc",
}
SYSTEM = re.compile(r"[a-z_0-9]+|(stddef|stdint|dlfcn|elf|fcntl|sched|termios|unistd)\.h|sys/[a-z]+\.h")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def place_of(path):
    """How an #include names it."""
    return path.removeprefix("src/").removeprefix("include/")


def folder_of(path):
    return place_of(path).split("/")[0]


def problems(files):
    """What is wrong with `files` ({path: text}), one sentence each."""
    found = []
    names = {place_of(p) for p in files}
    for path, text in sorted(files.items()):
        folder = folder_of(path)
        allowed = MAY_INCLUDE.get(folder, set()) | {folder}
        for bracket, name in INCLUDE.findall(text):
            if bracket == '"':
                if folder_of(name) not in allowed:
                    found.append(f"{path} must not include {name}")
                elif name not in names and name + ".in" not in names:
                    found.append(f'{path} includes "{name}", which is not there (write paths from src/ or the top)')
                continue
            owners = [where for what, where in THIRD_PARTY.items() if re.fullmatch(what, name)]
            if owners and not re.fullmatch(owners[0], path):
                found.append(f"{path} must not include <{name}>: that is for {owners[0]}")
            elif not owners and not SYSTEM.fullmatch(name):
                found.append(f"{path} includes <{name}>, which is in no list of tests/floors_test.py")
    return found


def prove_that_it_can_fail():
    good = {"src/base/a.h": "#include <vector>", "src/base/result.h": "#include <tl/expected.hpp>",
            "src/memory/m.h": '#include "base/a.h"', "src/model/values.h": '#include "base/a.h"',
            "src/decode/d.h": '#include "model/values.h"',
            "src/decode/d.cc": '#include "kernel/k.h"\n#include "decode/d.h"',
            "src/analysis/a.cc": '#include "model/values.h"\n#include <fmt/format.h>',
            "formats/f.h": '#include "memory/m.h"', "src/kernel/k.h": "",
            "src/kernel/k.cc": '#include "formats/f.h"\n#include <sys/stat.h>'}
    bad = {"src/base/b.h": '#include "memory/m.h"', "src/base/c.h": "#include <tl/expected.hpp>",
           "src/memory/n.h": "# include <fmt/format.h>", "src/arch/x.cc": '#include "formats/f.h"',
           "src/analysis/b.cc": '#include "memory/m.h"', "src/view/v.cc": '#include "kernel/k.h"',
           "src/analysis/c.cc": '#include "decode/d.h"', "src/model/reads.h": '#include "memory/m.h"',
           "src/kernel/l.cc": "#include <CLI/App.hpp>",
           "src/types/d.cc": "#include <libdwarf.h>", "src/render/r.cc": "#include <boost/any.hpp>",
           "src/cli/c.cc": '#include "gone.h"', "src/fresh/f.cc": '#include "base/a.h"'}
    assert problems(good) == [], problems(good)
    wrong = {p.split()[0] for p in problems({**good, **bad})}
    assert wrong == set(bad), wrong


def main():
    prove_that_it_can_fail()
    top = pathlib.Path(sys.argv[1])
    files = {str(p.relative_to(top)): p.read_text() for root in ("src", "formats", "include") for p in (top / root).rglob("*.*")
             if p.name.endswith((".h", ".cc", ".h.in"))}
    assert files, f"no sources below {top}"
    found = problems(files)
    print("\n".join(found) or f"{len(files)} files keep to the floors")
    sys.exit(1 if found else 0)


main()
