#!/usr/bin/env python3
"""Installs the build into a temporary directory and uses what arrived there: the program runs, a C program finds the library
through pkg-config and another one through CMake, and manual pages and completions lie where man and the shells look for
them. Usage: install_test.py BUILD_FOLDER EXAMPLE.c DUMP, which the C program is asked about.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

EXPECTED = [
    "bin/memsect",
    "include/memsect/memsect.h",
    "lib/libmemsect.so",
    "lib/libmemsect.so.0",
    "lib/libmemsect.so.0.1.0",
    "lib/pkgconfig/memsect.pc",
    "lib/cmake/memsect/memsect-config.cmake",
    "lib/cmake/memsect/memsect-config-version.cmake",
    "share/man/man1/memsect.1",
    "share/man/man5/memsect-json.5",
    "share/bash-completion/completions/memsect",
    "share/zsh/site-functions/_memsect",
    "share/fish/vendor_completions.d/memsect.fish",
]

BUILD, EXAMPLE, DUMP = sys.argv[1:]
PROJECT = """cmake_minimum_required(VERSION 3.22)
project(user LANGUAGES C)
find_package(memsect REQUIRED)
add_executable(by_cmake EXAMPLE)
target_link_libraries(by_cmake PRIVATE memsect::memsect)
"""


def run(*words, **environment):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False,
                          env={**os.environ, **environment})
    if done.returncode not in (0, 5):
        sys.exit(f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr}")
    return done.stdout


def check_files(prefix):
    installed = sorted(str(p.relative_to(prefix)) for p in prefix.rglob("*") if p.is_file())
    missing = [path for path in EXPECTED if path not in installed]
    # CMake calls the file with the targets of a build type after that.
    surplus = [path for path in installed if path not in EXPECTED and not path.startswith("share/doc/")
               and not path.startswith("lib/cmake/memsect/memsect-config-")]
    for path in missing:
        print(f"not installed: {path}")
    for path in surplus:
        print(f"installed, and nobody asked for it: {path}")
    if missing or surplus:
        sys.exit(1)


def check_library(prefix, folder):
    """Both ways to the library give a program that says what memsect itself says."""
    words = run("pkg-config", "--cflags", "--libs", "memsect", PKG_CONFIG_PATH=str(prefix / "lib/pkgconfig")).split()
    run("cc", "-o", folder / "by_pkg_config", EXAMPLE, *words)
    (folder / "CMakeLists.txt").write_text(PROJECT.replace("EXAMPLE", EXAMPLE))
    run("cmake", "-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", folder / "build")
    said = run(prefix / "bin/memsect", "deps", "--json", DUMP)
    for program in (folder / "by_pkg_config", folder / "build/by_cmake"):
        if run(program, DUMP, LD_LIBRARY_PATH=str(prefix / "lib")) != said:
            sys.exit(f"{program.name} says something else than memsect")


with tempfile.TemporaryDirectory() as temporary:
    root = pathlib.Path(temporary)
    subprocess.run(["cmake", "--install", BUILD, "--prefix", root / "usr"], check=True, stdout=subprocess.DEVNULL)
    check_files(root / "usr")
    version = run(root / "usr/bin/memsect", "--version")
    if not version.startswith("memsect "):
        sys.exit(f"memsect --version says {version!r}")
    (root / "user").mkdir()
    # A library with a sanitizer inside needs a program with the same.
    cache = (pathlib.Path(BUILD) / "CMakeCache.txt").read_text()
    if "MEMSECT_SANITIZE:STRING=\n" in cache and "MEMSECT_BUILD_FUZZERS:BOOL=ON" not in cache:
        check_library(root / "usr", root / "user")
    print(version, end="")
