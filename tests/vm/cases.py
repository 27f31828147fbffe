"""The steps of one guest, and what comes of them: a row of the table.

On amd64 memsect runs inside the guest, on /proc/kcore, and outside, on the dump that QEMU takes a moment later. On other
machines it runs outside only, on the dump.
"""
import os
import shutil
import time

import compare
import hotplug
import kernels
import offline
from asking import Failure, ask_dump, ask_live, check, only_data
from guest import Guest, GuestCrash, GuestFailure
from kernels import Unavailable
from machines import X86
from words import Words

ATTEMPTS = 3  # at words that move while memsect looks
MOST_ATTEMPTS = 3
# Of virtio-mem: not a multiple of a memory block, so that one is plugged in part; and what is taken from it once it is online.
RESIZABLE_MIB = 512
PLUGGED_MIB = 352
TAKEN_MIB = 32
# Guests for the verdicts on amd64: what their kernels are told, and how large a virtio-mem device they have. CMA's areas
# lie in ZONE_MOVABLE then, where nothing else keeps a block. Debian's cloud kernels for amd64 have CMA since 7.x.
OFFLINING = (
    ("ordinary", "movablecore=128M", 0),
    ("memmap_on_memory", "memory_hotplug.memmap_on_memory=1", 0),
    ("virtio-mem and CMA", "movablecore=512M cma=64M", RESIZABLE_MIB),
)


class Row:
    """What came of one kernel."""

    COLUMNS = ("live", "dump", "live = dump", "hot-plug loop", "offlining")

    def __init__(self, name):
        self.name = name
        self.release = ""
        self.cells = dict.fromkeys(self.COLUMNS, "-")
        self.problems = []
        self.skipped = ""
        self.seconds = 0
        self.tables = []

    def step(self, column, action):
        """Runs one step; what it returns is the cell. Says whether it went well."""
        start = time.monotonic()
        failed = True
        try:
            self.cells[column] = action() or "ok"
            failed = False
        except GuestCrash:  # another try, from the beginning
            raise
        except (Failure, GuestFailure) as failure:
            self.cells[column] = "FAILED"
            self.problems.append(f"{column}: {'' if isinstance(failure, Failure) else 'the guest: '}{failure}")
        print(f"{self.release}: {column}: {self.cells[column]}, {time.monotonic() - start:.0f} s", flush=True)
        return not failed

    def line(self):
        cells = [f"skipped: {self.skipped}"] if self.skipped and not self.problems else [self.cells[c] for c in self.COLUMNS]
        return [self.name, self.release or "-", *cells, f"{self.seconds:.0f} s"]


class Case:
    """One kernel in one guest, step by step."""

    def __init__(self, guest, options, row):
        self.guest = guest
        self.options = options
        self.row = row
        self.version = guest.kernel.version
        self.vmlinux = vmlinux_of(guest.kernel, options)
        self.files = "/bin/" + os.path.basename(self.vmlinux) if self.vmlinux else ""  # inside the guest
        self.movable = []
        self.live = self.dump = None

    def step(self, column, action):
        """One step of the row. When it fails and --keep names a folder, what the guest then is goes there."""
        if not self.row.step(column, action) and self.options.keep:
            self.guest.dump(self.kept(column.replace(" ", "-")))

    def kept(self, name):
        return os.path.join(self.options.keep, f"{self.row.release}-{name}.vmcore")

    def keep_dump(self, block):
        """Keeps the dump on which a wrong verdict was given; of the running kernel there is none."""
        dump = os.path.join(self.guest.folder, "dump")
        if self.options.keep and os.path.exists(dump):
            shutil.move(dump, self.kept(f"verdict-memory{block}"))

    def prepare(self):
        """Memory that is offline, memory in ZONE_MOVABLE and hot-plugged memory of the kernel, as far as the machine has it."""
        {"dimm": self.plug_dimms, "virtio_mem": self.plug_virtio_mem, "": self.put_offline}[self.guest.machine.plugs]()

    def plug_dimms(self):
        guest = self.guest
        offline_blocks = guest.plug("stays", 256, 1)
        self.movable = guest.plug("movable", 256, 1)
        kernel = guest.plug("kernel", guest.machine.dimm_mib, 0)
        for blocks, state in ((offline_blocks, "offline"), (self.movable, "online_movable"), (kernel, "online_kernel")):
            for number in blocks:
                guest.set_block(number, state)

    def plug_virtio_mem(self):
        *others, partial = self.guest.resize(PLUGGED_MIB)
        self.guest.set_block(others[0], "online_kernel")
        self.guest.set_block(partial, "online_movable")
        self.guest.resize(PLUGGED_MIB - TAKEN_MIB)

    def put_offline(self):
        """The highest memory block that goes."""
        for number in sorted(self.guest.blocks(), reverse=True):
            if offline.attempt(self.guest, number)[0] == "went":
                return
        raise GuestFailure("no memory block goes offline")

    def check_live(self):
        """memsect inside the guest."""
        for attempt in range(1, ATTEMPTS + 1):
            before = Words(self.guest)
            answers = ask_live(self.guest, self.files)
            after = Words(self.guest)
            problems = list(compare.compare_all(only_data(answers), before, after, self.version))
            if not problems or attempt == ATTEMPTS:
                check(problems)
                break
        self.live = only_data(answers)
        return told(answers)

    def check_dump(self):
        """memsect on the dump of the guest."""
        dump = os.path.join(self.guest.folder, "dump")
        for attempt in range(1, ATTEMPTS + 1):
            before = Words(self.guest)
            self.guest.dump(dump)
            after = Words(self.guest)
            answers = ask_dump(self.options.memsect, dump, self.vmlinux)
            os.unlink(dump)
            problems = list(compare.compare_all(only_data(answers), before, after, self.version))
            if not problems or attempt == ATTEMPTS:
                check(problems)
                break
        self.dump = only_data(answers)
        return told(answers)

    def check_same(self):
        if self.live is None or self.dump is None:
            return "-"
        check(compare.compare_answers(self.live, self.dump))
        return "ok"

    def check_hotplug(self):
        guest = self.guest
        plugged = guest.plug("moving", hotplug.DIMM_MIB, 1)
        guest.unplug("moving")
        answers = only_data(ask_live(guest, self.files))
        counts, wrong, moved = hotplug.loop(guest, answers, self.movable, plugged, self.files, self.options.reads, self.options.pause)
        tally = f"{counts['right']} right, {counts['in flux']} in flux, {counts['wrong']} wrong ({moved})"
        if wrong:
            raise Failure(tally + "\n" + "\n".join(wrong[:6]))
        # A machine that never stands still has little to tell.
        if self.options.pause >= 1 and counts["right"] * 2 < sum(counts.values()):
            raise Failure(f"{tally}: more than half of the answers leave something out")
        return tally

    def check_offlining(self, what, ask):
        """Verdicts on all blocks, and what the kernel then does."""
        offline.load(self.guest)
        problems = offline.problems_of_lists(self.guest, self.files) if self.guest.machine is X86 else []
        tally = offline.try_all(self.guest, ask, self.keep_dump)
        self.row.tables.append(f"{self.row.release}, {what}: verdict and outcome\n{tally.table()}")
        problems += tally.problems()
        if problems:
            raise Failure(f"{what}: {tally.line()}\n" + "\n".join(problems[:8]))
        return tally.line()


def told(answers):
    """The cell of a comparison that went well: where types and symbols came from, and what there was to compare."""
    source = answers["sections"]["source"]
    states = [block["state"] for block in answers["blocks"]["data"]]
    return f"ok ({source['types_from']}, {source['symbols_from']}; {len(states)} blocks, {states.count('online')} online)"


def vmlinux_of(kernel, options):
    """The debug kernel among those that were named, or nothing."""
    path = os.path.join(options.vmlinux or "", kernel.release)
    return path if options.vmlinux and os.path.exists(path) else None


def steps_on_amd64(kernel, options, row, with_loop):
    programs = [path for path in (options.memsect, vmlinux_of(kernel, options)) if path]

    def look(guest):
        case = Case(guest, options, row)
        case.prepare()
        case.step("live", case.check_live)
        case.step("dump", case.check_dump)
        case.step("live = dump", case.check_same)
        if with_loop and case.live:
            case.step("hot-plug loop", case.check_hotplug)

    in_guest(row, look, kernel, programs)
    for what, append, resizable in OFFLINING if with_loop else OFFLINING[:1]:
        def put_offline(guest, what=what, resizable=resizable):
            case = Case(guest, options, row)
            case.prepare()
            if resizable:
                case.plug_virtio_mem()
            case.step("offlining", lambda: case.check_offlining(what, offline.live(guest, case.files)))

        in_guest(row, put_offline, kernel, [*programs, *options.holders], (640, 640), append, resizable)


def steps_elsewhere(kernel, options, row):
    def look(guest):
        case = Case(guest, options, row)
        case.prepare()
        case.step("dump", case.check_dump)
        case.step("offlining", lambda: case.check_offlining("from dumps", offline.from_dumps(guest, options.memsect)))

    in_guest(row, look, kernel, (), (512, 512), "", RESIZABLE_MIB if kernel.machine.plugs == "virtio_mem" else 0)


def in_guest(row, steps, *arguments):
    """Takes steps in a guest. Emulated kernels crash or hang now and then: that is another try, and no word about memsect."""
    for attempt in range(1, MOST_ATTEMPTS + 1):
        problems, tables = list(row.problems), list(row.tables)
        try:
            guest = Guest(*arguments)
            guest.patience <<= attempt - 1
            with guest:
                try:
                    steps(guest)
                finally:
                    if guest.has_crashed():
                        raise GuestCrash("the kernel crashed")
            return
        except GuestCrash as crash:
            row.problems, row.tables = problems, tables
            print(f"{row.release}: try {attempt} of {MOST_ATTEMPTS}: {crash}", flush=True)
    raise Unavailable(f"the kernel crashed or hung under emulation, {MOST_ATTEMPTS} times")


def run_kernel(machine, name, options, with_loop=False):
    """The row of one kernel."""
    row = Row(name)
    start = time.monotonic()
    try:
        kernel = kernels.find(machine, machine.suites or kernels.SUITES[name], options.cache)
        row.release = kernel.release
        if kernel.version > kernels.NEWEST_TRIED:
            print(f"warning: {kernel.release} is newer than any kernel tried before", flush=True)
        if machine is X86:
            steps_on_amd64(kernel, options, row, with_loop)
        else:
            steps_elsewhere(kernel, options, row)
    except Unavailable as problem:
        row.skipped = str(problem)
    except GuestFailure as problem:
        row.problems.append(f"the guest: {problem}")
    row.seconds = time.monotonic() - start
    return row
