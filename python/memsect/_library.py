# SPDX-License-Identifier: GPL-2.0-or-later
"""libmemsect by ctypes: memsect.h as Python sees it."""
import ctypes
import json
import os


class Error(Exception):
    """What memsect cannot answer: a sentence, and in `hint` what to do about it ("" where nothing is known)."""

    def __init__(self, text, hint=""):
        super().__init__(text)
        self.hint = hint


class UsageError(Error):
    """An option, target or question that makes no sense."""


class UnreadableError(Error):
    """Files that cannot be opened or decoded."""


class MismatchError(Error):
    """Files that do not belong together."""


ERROR_CLASSES = {2: UsageError, 3: UnreadableError, 4: MismatchError}
STATUS_ERROR = -1

READ = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_size_t)


class Range(ctypes.Structure):
    _fields_ = [("start", ctypes.c_uint64), ("size", ctypes.c_uint64)]


class Memory(ctypes.Structure):
    _fields_ = [("context", ctypes.c_void_p), ("read", READ), ("ranges", ctypes.POINTER(Range)),
                ("range_count", ctypes.c_size_t), ("vmcoreinfo", ctypes.c_char_p), ("machine", ctypes.c_char_p)]


def load():
    """The library: the one that MEMSECT_LIBRARY names, or the installed one."""
    library = ctypes.CDLL(os.environ.get("MEMSECT_LIBRARY", "libmemsect.so.0"))
    handle, text, error = ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p)
    signatures = {
        "memsect_version": (text, []),
        "memsect_questions": (handle, []),
        "memsect_open": (ctypes.c_int, [ctypes.POINTER(text), ctypes.c_size_t, text, error, error]),
        "memsect_open_memory": (ctypes.c_int, [ctypes.POINTER(Memory), text, error, error]),
        "memsect_ask": (ctypes.c_int, [handle, text, text, error, error]),
        "memsect_error_code": (ctypes.c_int, [handle]),
        "memsect_error_text": (text, [handle]),
        "memsect_error_hint": (text, [handle]),
        "memsect_error_free": (None, [handle]),
        "memsect_free": (None, [handle]),
        "memsect_close": (None, [handle]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


LIBRARY = load()


def library_version():
    return LIBRARY.memsect_version().decode()


def take_text(pointer):
    """The text at a pointer that memsect_free() takes."""
    text = ctypes.cast(pointer, ctypes.c_char_p).value.decode()
    LIBRARY.memsect_free(pointer)
    return text


def take_error(pointer):
    kind = ERROR_CLASSES.get(LIBRARY.memsect_error_code(pointer), Error)
    failure = kind(LIBRARY.memsect_error_text(pointer).decode(errors="replace"),
                   LIBRARY.memsect_error_hint(pointer).decode(errors="replace"))
    LIBRARY.memsect_error_free(pointer)
    return failure


def questions():
    """The questions with their options and columns: [{"name": "deps", "options": [...], ...}, ...]."""
    return json.loads(take_text(LIBRARY.memsect_questions()))


class Session:
    """A kernel that is open. One thread at a time; close() it, or use it in a `with`."""

    def __init__(self, handle, kept=()):
        self._handle = handle
        self._kept = kept  # what the library calls back into

    def ask(self, question, **options):
        """The answer to a question, as memsect-json(5) has it: schema, command, source, notes, data."""
        if self._handle is None:
            raise ValueError("the session is closed")
        given = {name.replace("_", "-"): value for name, value in options.items() if value is not None}
        answer, error = ctypes.c_void_p(), ctypes.c_void_p()
        status = LIBRARY.memsect_ask(self._handle, question.encode(), json.dumps(given).encode(),
                                     ctypes.byref(answer), ctypes.byref(error))
        if status == STATUS_ERROR:
            raise take_error(error)
        return json.loads(take_text(answer))

    def close(self):
        if self._handle is not None:
            LIBRARY.memsect_close(self._handle)
            self._handle, self._kept = None, ()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        self.close()


def add_question(question):
    """Gives Session the method of a question."""
    names = [option["name"].replace("-", "_") for option in question["options"]] + ["threads"]

    if question["target"]:
        def method(self, *target, **options):
            return self.ask(question["name"], target=list(target), **options)
    else:
        def method(self, **options):
            return self.ask(question["name"], **options)
    method.__name__ = question["name"]
    method.__doc__ = f"{question['summary']}. Options: {', '.join(names)}."
    setattr(Session, question["name"], method)


for one in questions():
    add_question(one)
