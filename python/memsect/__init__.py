# SPDX-License-Identifier: GPL-2.0-or-later
"""Ask a Linux crash dump, or a running kernel, about its memory sections.

    import memsect

    with memsect.open("vmcore", "vmlinux") as kernel:
        for cycle in kernel.deps()["data"]["cycles"]:
            print(cycle["example"])
        print(kernel.why("memory35")["data"]["verdict"])

Each question is a method with the options of the command of that name (memsect(1)), dashes written as underscores; the
answer is the JSON of memsect-json(5) as dictionaries and lists. `from_drgn(prog)` asks whatever drgn is attached to.
"""
from ._library import Error, MismatchError, Session, UnreadableError, UsageError, library_version, questions
from ._opening import from_drgn, from_memory, open

__all__ = ["Error", "MismatchError", "Session", "UnreadableError", "UsageError", "from_drgn", "from_memory",
           "library_version", "open", "questions"]
__version__ = library_version()
