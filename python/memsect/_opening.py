# SPDX-License-Identifier: GPL-2.0-or-later
"""Sessions over files, over memory that a function reads, and over drgn."""
import ctypes
import json
import os

from ._library import LIBRARY, READ, STATUS_ERROR, Memory, Range, Session, take_error


def open(*files, **options):  # pylint: disable=redefined-builtin
    """Opens a dump with what there is of its kernel (vmlinux, System.map, BTF), in any order; without files, the running
    kernel. Options: core, vmlinux, symbols, btf (file names by their role), types, search, debuginfod, force."""
    names = [os.fsencode(file) for file in files]
    array = (ctypes.c_char_p * len(names))(*names)
    session, error = ctypes.c_void_p(), ctypes.c_void_p()
    status = LIBRARY.memsect_open(array, len(names), _options(options), ctypes.byref(session), ctypes.byref(error))
    if status == STATUS_ERROR:
        raise take_error(error)
    return Session(session)


def from_memory(read, *, vmcoreinfo=None, machine=None, ranges=(), **options):
    """Opens memory that `read(physical_address, size)` returns as bytes; it raises where there is none.

    `vmcoreinfo` is the text of the note (str or bytes), `machine` what uname -m says, `ranges` pairs of start and size of
    the memory there is. The memory has to hold still."""

    def call_back(_, physical, buffer, size):
        try:
            data = read(physical, size)
        except Exception:  # pylint: disable=broad-exception-caught
            return 1
        if len(data) != size:
            return 1
        ctypes.memmove(buffer, data, size)
        return 0

    function = READ(call_back)
    stretches = (Range * len(ranges))(*(Range(start, size) for start, size in ranges))
    memory = Memory(None, function, stretches, len(ranges), _bytes(vmcoreinfo), _bytes(machine))
    session, error = ctypes.c_void_p(), ctypes.c_void_p()
    status = LIBRARY.memsect_open_memory(ctypes.byref(memory), _options(options), ctypes.byref(session),
                                         ctypes.byref(error))
    if status == STATUS_ERROR:
        raise take_error(error)
    return Session(session, kept=(function, stretches, memory))


MACHINES = {"X86_64": "x86_64", "AARCH64": "aarch64", "PPC64": "ppc64le", "S390X": "s390x", "RISCV64": "riscv64",
            "I386": "i686"}


def from_drgn(prog, **options):
    """Opens the kernel that a drgn.Program is attached to, through drgn's own memory reader."""
    vmcoreinfo = prog["VMCOREINFO"].string_()
    machine = MACHINES.get(prog.platform.arch.name)
    return from_memory(lambda physical, size: prog.read(physical, size, physical=True), vmcoreinfo=vmcoreinfo,
                       machine=machine, **options)


def _bytes(text):
    return text.encode() if isinstance(text, str) else text


def _options(options):
    return json.dumps({name: os.fspath(value) if isinstance(value, os.PathLike) else value
                       for name, value in options.items()}).encode()
