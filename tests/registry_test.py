#!/usr/bin/env python3
"""Finds what was written and then forgotten: a driver, renderer or command that is not in its array, a source or test
that no CMakeLists.txt names, a test that docs/support.md names and nobody has. Usage: registry_test.py REPOSITORY. It
proves on a small tree that it can fail.
"""
import pathlib
import re
import sys

# folder, type of the objects, the file with their array
REGISTRIES = [
    ("formats", "FormatDriver", "formats/format.cc"),
    ("src/arch", "ArchDriver", "src/arch/arch.cc"),
    ("src/analysis", "Check", "src/analysis/checks.cc"),
    ("src/render", "Renderer", "src/render/renderers.cc"),
    ("src/answer", "Question", "src/answer/questions.cc"),
    ("src/cli", "Command", "src/cli/commands.cc"),
]


def folder_of(path):
    return path.rpartition("/")[0]


def registry_problems(files, folder, kind, array_file):
    defined = {name: path for path, text in files.items() if folder_of(path) == folder and path.endswith(".cc")
               for name in re.findall(rf"^(?:extern )?const {kind} (\w+)\s*[={{]", text, re.M)}
    array = re.search(rf"std::array<const {kind}\*, \d+> \w+\s*=?\s*{{([^}}]*)}}", files.get(array_file, ""))
    listed = set(re.findall(r"&(\w+)", array.group(1))) if array else set()
    if not array:
        yield f"{array_file} has no array of {kind}"
    for name in sorted(set(defined) - listed):
        yield f"{defined[name]}: {name} is not in the array of {array_file}"
    for name in sorted(listed - set(defined)):
        yield f"{array_file} lists {name}, which no file of {folder} defines"


def build_problems(files):
    for path, text in sorted(files.items()):
        folder, _, name = path.rpartition("/")
        if path.endswith((".cc", "_test.py")):
            above = [f"{folder}/CMakeLists.txt", f"{folder_of(folder)}/CMakeLists.txt"]
            if not any(re.search(rf"(^|[\s/(]){re.escape(name)}([\s)]|$)", files.get(c, "")) for c in above):
                yield f"{path} is in no CMakeLists.txt"


def support_problems(files):
    """`Suite.Test`, `Suite.*` and real_CASE of docs/support.md."""
    text = files.get("docs/support.md", "")
    tests = {f"{suite}.{name}" for path, code in files.items() if path.endswith("_test.cc")
             for suite, name in re.findall(r"^TEST(?:_P|_F)?\(\s*(\w+),\s*(\w+)\)", code, re.M)}
    for name in sorted(set(re.findall(r"`([A-Z]\w+\*?\.(?:[A-Z]\w+|\*))`", text))):
        pattern = re.escape(name).replace(r"\*", r"\w*")
        if not any(re.fullmatch(pattern, test) for test in tests):
            yield f"docs/support.md names {name}, which is no test"
    for case in sorted(set(re.findall(r"\breal_(?!test)([\w.-]+\w)", text))):
        if not any(re.search(rf"[\s(]{re.escape(case)}[\s)]", code) for path, code in files.items() if path == "tests/real/CMakeLists.txt"):
            yield f"docs/support.md names real_{case}, which is no test"


def problems(files):
    found = [p for registry in REGISTRIES for p in registry_problems(files, *registry)]
    return found + list(build_problems(files)) + list(support_problems(files))


def prove_that_it_can_fail():
    def one(folder, kind, array_file):
        return {f"{folder}/a.cc": f"const {kind} a{{1}};", array_file: f"std::array<const {kind}*, 1> all{{&a}};"}
    good = {path: text for registry in REGISTRIES for path, text in one(*registry).items()}
    for folder in {folder_of(path) for path in good} | {"tests/arch"}:
        good[f"{folder}/CMakeLists.txt"] = "x(SOURCES a.cc arch.cc format.cc renderers.cc commands.cc checks.cc questions.cc a_test.cc)"
    good["tests/arch/a_test.cc"] = ""
    assert problems(good) == [], problems(good)
    assert problems({**good, "formats/b.cc": "extern const FormatDriver b{1};"}) == [
        "formats/b.cc: b is not in the array of formats/format.cc", "formats/b.cc is in no CMakeLists.txt"]
    assert problems({**good, "src/arch/a.cc": ""}) == ["src/arch/arch.cc lists a, which no file of src/arch defines"]
    assert problems({**good, "src/cli/commands.cc": ""}) == [
        "src/cli/commands.cc has no array of Command", "src/cli/a.cc: a is not in the array of src/cli/commands.cc"]
    good["tests/arch/a_test.cc"] = "TEST(Abc, Does) {}"
    good["docs/support.md"] = "`Abc.Does` `Abc.*`"
    assert problems(good) == [], problems(good)
    assert problems({**good, "docs/support.md": "`Abc.Fails` real_none"}) == [
        "docs/support.md names Abc.Fails, which is no test", "docs/support.md names real_none, which is no test"]
    assert problems({**good, "tests/arch/b_test.cc": ""}) == ["tests/arch/b_test.cc is in no CMakeLists.txt"]


def main():
    prove_that_it_can_fail()
    top = pathlib.Path(sys.argv[1])
    files = {str(p.relative_to(top)): p.read_text() for root in ("src", "formats", "tests", "bench")
             for p in (top / root).rglob("*") if p.suffix in (".cc", ".py") or p.name == "CMakeLists.txt"}
    files["docs/support.md"] = (top / "docs/support.md").read_text()
    found = problems(files)
    print("\n".join(found) or f"{len(files)} files, nothing forgotten")
    sys.exit(1 if found else 0)


main()
