#!/usr/bin/env python3
"""Installs the build into a temporary directory and uses what arrived there: the program runs, and manual pages and
completions lie where man and the shells look for them. Usage: install_test.py BUILD_FOLDER.
"""
import pathlib
import subprocess
import sys
import tempfile

EXPECTED = [
    "bin/memsect",
    "share/man/man1/memsect.1",
    "share/man/man5/memsect-json.5",
    "share/bash-completion/completions/memsect",
    "share/zsh/site-functions/_memsect",
    "share/fish/vendor_completions.d/memsect.fish",
]

with tempfile.TemporaryDirectory() as folder:
    prefix = pathlib.Path(folder)
    subprocess.run(["cmake", "--install", sys.argv[1], "--prefix", folder], check=True, stdout=subprocess.DEVNULL)
    installed = sorted(str(p.relative_to(prefix)) for p in prefix.rglob("*") if p.is_file())
    missing = [path for path in EXPECTED if path not in installed]
    surplus = [path for path in installed if path not in EXPECTED and not path.startswith("share/doc/")]
    for path in missing:
        print(f"not installed: {path}")
    for path in surplus:
        print(f"installed, and nobody asked for it: {path}")
    if missing or surplus:
        sys.exit(1)
    version = subprocess.run([prefix / "bin/memsect", "--version"], capture_output=True, text=True, check=True).stdout
    if not version.startswith("memsect "):
        sys.exit(f"memsect --version says {version!r}")
    print(version, end="")
