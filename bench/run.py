#!/usr/bin/env python3
"""How fast memsect is: whole commands, side by side with drgn and crash, in one run.

usage: bench/run.py [options] [DUMP...]

Four parts (--part; all by default):
  compare  `memsect deps` on each DUMP with types from DWARF, from the vmlinux's BTF, and with nothing but the dump, beside
           a walk of the same sections and usages in drgn (bench/walk_drgn.py) and `kmem -n` in crash, taking turns
  machine  `memsect deps` on made-up machines of up to 131,072 sections, 16 TiB (bench/make_machine)
  pages    `memsect removable` over all struct pages of a made-up machine of 64 GiB, by one thread and by two; and
           `memsect why` of one memory block of each DUMP, beside drgn looking at the same pages (bench/pages_drgn.py)
  forms    `memsect deps` on the first DUMP in other forms: compressed, flattened (tests/tools/make_forms)

A run is a whole process, from start to exit, its files in the page cache. Time is the median, with the fastest and the
slowest run, and the median of CPU time, which a busy machine changes least; memory is the largest resident set of any
run. A tool that is not installed, or that does not do its work on a dump, is left out, and the table says why. Before
anything is timed, the answers of memsect and drgn are held against each other: the same sections, usages, subsection
maps and pageblock types.
"""
import argparse
import collections
import glob
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
MACHINES = (16384, 32768, 65536, 131072)
PAGES_SECTIONS = 512  # of 128 MiB
FORMS = ("elf", "elf-flattened", "kdump-raw", "kdump-zlib", "kdump-lzo", "kdump-snappy", "kdump-zstd",
         "kdump-flattened")

# One timed series: milliseconds of each run, by the clock and of CPU, and the most kilobytes that any run held.
Series = collections.namedtuple("Series", "times cpu peak")


def die(text):
    sys.exit(f"run.py: {text}")


# --- measuring ----------------------------------------------------------------------------------------------

def run_once(command, output):
    """Milliseconds by the clock and of CPU, peak kilobytes and exit code of one process that writes to `output`."""
    done = subprocess.run((sys.executable, "-I", "-S", os.path.join(HERE, "measure.py"), output, *command), check=True,
                          capture_output=True, text=True)
    wall, cpu, peak, code = done.stdout.split()
    return float(wall), float(cpu), int(peak), int(code)


def take_turns(commands, rounds, folder):
    """{name: Series} of {name: (command, runs in each round)}, after one run of each that is not counted."""
    output = os.path.join(folder, "output")
    for command, _ in commands.values():
        run_once(command, output)
    times, cpus, peaks = (collections.defaultdict(list) for _ in range(3))
    for _ in range(rounds):
        for name, (command, runs) in commands.items():
            for _ in range(runs):
                wall, cpu, peak, code = run_once(command, output)
                if code not in (0, 5):
                    die(f"{' '.join(command)}: exit {code}")
                times[name].append(wall)
                cpus[name].append(cpu)
                peaks[name].append(peak)
    return {name: Series(times[name], cpus[name], max(peaks[name])) for name in commands}


def middle(series):
    return statistics.median(series.times)


def spread(series):
    return (f"{middle(series):8.1f} ms ({min(series.times):.1f} to {max(series.times):.1f}, {len(series.times)} runs; "
            f"CPU {statistics.median(series.cpu):.1f})")


def memory(series):
    return f"{series.peak / 1024:7.1f} MiB"


def record(series):
    return {"median_ms": round(middle(series), 2), "min_ms": round(min(series.times), 2),
            "max_ms": round(max(series.times), 2), "cpu_ms": round(statistics.median(series.cpu), 2),
            "runs": len(series.times), "peak_kib": series.peak}


def text_of(*command):
    """Standard output, or None when the command cannot be had or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False,
                              stdin=subprocess.DEVNULL, timeout=300)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode in (0, 5) else None


# --- what there is to measure with --------------------------------------------------------------------------

def find_python_with_drgn():
    for python in dict.fromkeys((sys.executable, shutil.which("python3"), "/usr/bin/python3")):
        version = python and text_of(python, "-c", "import drgn; print(drgn.__version__)")
        if version:
            return python, version.strip()
    return None, None


def describe(options):
    model = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo", encoding="utf-8").read())
    python, drgn = find_python_with_drgn()
    crash = text_of("crash", "--version")
    about = {
        "memsect": (text_of(options.memsect, "--version") or die(f"{options.memsect} does not run")).split()[-1],
        "drgn": drgn or "not installed",
        "crash": re.search(r"crash (\S+)", crash).group(1) if crash else "not installed",
        "machine": f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} CPUs, "
                   f"Linux {platform.release()}",
    }
    for name, text in about.items():
        print(f"{name + ':':9} {text}")
    print()
    return about, python, crash is not None


def release_of(memsect, dump):
    """The release of the dump's kernel; it stands in VMCOREINFO as text."""
    answer = text_of(memsect, "info", "-J", "--no-search", dump)
    if answer:
        return json.loads(answer)["source"]["release"]
    found = re.search(rb"OSRELEASE=(\S+)", open(dump, "rb").read(16 << 20))
    return found.group(1).decode() if found else None


def find_vmlinux(options, dump, release):
    """The kernel's vmlinux with all its debug information; else the cut-down one of a case in testdata/real."""
    for place in (f"boot/vmlinux-{release}", f"lib/modules/{release}/vmlinux"):
        path = os.path.join(options.debug_dir, place)
        if os.path.exists(path):
            return path, "full"
    packed = os.path.join(os.path.dirname(dump), "vmlinux.zst")
    if os.path.exists(packed) and shutil.which("zstd"):
        path = os.path.join(options.folder, f"vmlinux-{release}")
        subprocess.run(["zstd", "-dqf", packed, "-o", path], check=True)
        return path, "cut down"
    return None, None


# --- compare ------------------------------------------------------------------------------------------------

def sections_of_memsect(memsect, dump, vmlinux):
    answer = json.loads(text_of(memsect, "sections", "-J", "--no-search", dump, vmlinux)
                        or die(f"memsect sections {dump} {vmlinux} fails"))
    rows = {}
    for section in answer["data"]:
        usage, blocks = section["usage"], section["pageblocks"]
        kinds = blocks.get("migratetypes", {})
        rows[section["section"]] = (usage.get("address"), usage.get("section"), section["subsections"].get("map"),
                                    {i: n for i, n in enumerate(kinds.values()) if n})
    return rows


def sections_of_drgn(text):
    rows = {}
    for line in text.splitlines():
        number, _, usage, holder, subsections, kinds = line.split()
        rows[int(number)] = (usage, int(holder), subsections,
                             {int(k): int(n) for k, n in (pair.split(":") for pair in kinds.split(","))})
    return rows


def same_sections(ours, theirs):
    """True when both name the same sections with the same usages. Isolated blocks are counted apart by memsect."""
    return ours.keys() == theirs.keys() and all(ours[nr] == theirs[nr] for nr in ours)


def others(options, dump, vmlinux):
    """The commands of drgn and crash that do their work on this dump, and a sentence for each that does not."""
    commands, left_out = {}, []
    walk = (options.python, os.path.join(HERE, "walk_drgn.py"), dump, vmlinux)
    if options.python is None:
        left_out.append("drgn: not installed")
    elif (text := text_of(*walk)) is None:
        left_out.append("drgn: cannot walk this dump")
    elif not same_sections(sections_of_memsect(options.memsect, dump, vmlinux), sections_of_drgn(text)):
        left_out.append("drgn: names other sections or usages than memsect")
    else:
        commands["drgn"] = (walk, 1)
    script = os.path.join(options.folder, "crash.in")
    with open(script, "w", encoding="ascii") as out:
        out.write("kmem -n\nquit\n")
    crash = ("crash", "-s", vmlinux, dump, "-i", script)
    if not options.crash:
        left_out.append("crash: not installed")
    elif not re.search(r"^\s*NR\s+SECTION\s+CODED_MEM_MAP.*\n(\s*\d+\s+[0-9a-f]{16}\s.*\n)+", text_of(*crash) or "",
                       re.MULTILINE):
        left_out.append("crash: shows no section table of this dump")
    else:
        commands["crash"] = (crash, 1)
    return commands, left_out


def other_sources(options, dump, vmlinux):
    """The same question with types from BTF, and with nothing but the dump, where it has what that takes."""
    deps = (options.memsect, "deps", "--no-search", dump)
    candidates = {"- BTF": (*deps, vmlinux, "--types", "btf"), "- alone": deps}
    return {name: (command, options.runs) for name, command in candidates.items() if text_of(*command) is not None}


def compare(options):
    results = []
    for dump in options.dumps:
        release = release_of(options.memsect, dump)
        vmlinux, kind = find_vmlinux(options, dump, release) if release else (None, None)
        if vmlinux is None:
            print(f"{dump}: left out, no vmlinux of {release} under {options.debug_dir}\n")
            continue
        sizes = [os.path.getsize(path) / 2**20 for path in (vmlinux, dump)]
        print(f"{release}: {kind} vmlinux, {sizes[0]:.0f} MiB; dump {sizes[1]:.1f} MiB")
        deps = (options.memsect, "deps", "--no-search", dump, vmlinux)
        commands, left_out = others(options, dump, vmlinux)
        ours = {"memsect": (deps, options.runs), **other_sources(options, dump, vmlinux)}
        measured = take_turns({**ours, **commands}, options.rounds, options.folder)
        ours, our_cpu = middle(measured["memsect"]), statistics.median(measured["memsect"].cpu)
        for name, series in measured.items():
            ratio = "" if name == "memsect" else (f"  {middle(series) / ours:6.1f} times memsect's, "
                                                  f"CPU {statistics.median(series.cpu) / our_cpu:.1f} times")
            print(f"  {name:8} {spread(series):58} {memory(series)}{ratio}")
        for sentence in left_out:
            print(f"  {sentence}")
        print()
        results.append({"release": release, "vmlinux": kind, "left_out": left_out,
                        "tools": {name: record(series) for name, series in measured.items()}})
    return results


# --- machine ------------------------------------------------------------------------------------------------

def machine(options):
    tool = os.path.join(options.build, "bench", "make_machine")
    if not os.path.exists(tool):
        print(f"machine: left out, {tool} is not built (-DMEMSECT_BUILD_BENCH=ON)\n")
        return []
    results, commands = [], {}
    for sections in MACHINES:
        dump = os.path.join(options.folder, f"machine-{sections}")
        vmlinux = subprocess.run([tool, str(sections), dump], check=True, capture_output=True, text=True).stdout.strip()
        listed = json.loads(text_of(options.memsect, "info", "-J", "--no-search", dump, vmlinux)
                            or die(f"memsect cannot read {dump}"))["data"]["present_sections"]
        if listed != sections:
            die(f"{dump} should have {sections} sections, memsect sees {listed}")
        commands[sections] = ((options.memsect, "deps", "--no-search", dump, vmlinux), 1)
    measured = take_turns(commands, options.rounds, options.folder)
    print("made-up machines, `memsect deps`")
    for sections, series in measured.items():
        each = middle(series) * 1000 / sections
        print(f"  {sections:7,} sections {sections / 8192:5.1f} TiB {spread(series):58} {memory(series)}  "
              f"{each:5.2f} us a section")
        results.append({"sections": sections, **record(series)})
    print()
    return results


# --- pages --------------------------------------------------------------------------------------------------

def scan_machine(options):
    """Struct pages a second, of a machine of 64 GiB in an uncompressed dump."""
    tool = os.path.join(options.build, "bench", "make_machine")
    if not os.path.exists(tool):
        print(f"pages: the made-up machine is left out, {tool} is not built (-DMEMSECT_BUILD_BENCH=ON)\n")
        return []
    dump = os.path.join(options.folder, "machine-pages")
    made = subprocess.run([tool, str(PAGES_SECTIONS), dump, "2"], check=True, capture_output=True, text=True)
    vmlinux = made.stdout.strip()
    info = json.loads(text_of(options.memsect, "info", "-J", "--no-search", dump, vmlinux))["data"]
    size = info["present_sections"] * info["pages_per_section"] * info["struct_page_size"]
    scan = (options.memsect, "removable", "--no-search", dump, vmlinux, "--threads")
    commands = {"deps": ((options.memsect, "deps", "--no-search", dump, vmlinux), 1),
                "1 thread": ((*scan, "1"), 1), "2 threads": ((*scan, "2"), 1)}
    measured = take_turns(commands, options.rounds, options.folder)
    print(f"made-up machine of 64 GiB, {size / 2**20:.0f} MiB of struct pages, `memsect removable`")
    floor = measured.pop("deps")
    results = []
    for name, series in measured.items():
        rate = size / 2**20 / (middle(series) - middle(floor))
        per_core = size / 2**20 / (statistics.median(series.cpu) - statistics.median(floor.cpu))
        print(f"  {name:9} {spread(series):58} {memory(series)}  {rate:.2f} GiB/s, {per_core:.2f} a second of CPU")
        results.append({"threads": name, "bytes": size, **record(series)})
    print()
    return results


def pages(options):
    results = scan_machine(options)
    for dump in options.dumps:
        release = release_of(options.memsect, dump)
        vmlinux, kind = find_vmlinux(options, dump, release) if release else (None, None)
        if vmlinux is None:
            continue
        block = json.loads(text_of(options.memsect, "removable", "-J", "--no-search", dump, vmlinux))["data"][1]
        first, end = int(block["phys_start"], 0) >> 12, int(block["phys_end"], 0) >> 12
        why = (options.memsect, "why", f"memory{block['block']}", "--no-search", dump, vmlinux)
        walk = (options.python or "", os.path.join(HERE, "pages_drgn.py"), dump, vmlinux, str(first), str(end - first))
        commands = {"memsect": (why, options.runs)}
        if options.python and text_of(*walk):
            commands["drgn"] = (walk, 1)
        measured = take_turns(commands, options.rounds, options.folder)
        ours = middle(measured["memsect"])
        print(f"{release}: {kind} vmlinux, one block of {end - first} pages, `memsect why`")
        for name, series in measured.items():
            ratio = "" if name == "memsect" else f"  {middle(series) / ours:6.1f} times memsect's"
            print(f"  {name:8} {spread(series):58} {memory(series)}{ratio}")
            results.append({"release": release, "tool": name, **record(series)})
        print()
    return results


# --- forms --------------------------------------------------------------------------------------------------

def forms(options):
    tool = os.path.join(options.build, "tests", "tools", "make_forms")
    if not os.path.exists(tool):
        print(f"forms: left out, {tool} is not built (-DMEMSECT_BUILD_BENCH=ON)\n")
        return []
    dump = options.dumps[0]
    release = release_of(options.memsect, dump)
    vmlinux, kind = find_vmlinux(options, dump, release)
    if vmlinux is None:
        print(f"forms: left out, no vmlinux of {release}\n")
        return []
    subprocess.run([tool, dump, options.folder], check=True, stdout=subprocess.DEVNULL)
    commands = {}
    for form in FORMS:
        path = os.path.join(options.folder, form)
        if os.path.exists(path):
            commands[form] = ((options.memsect, "deps", "--no-search", path, vmlinux), options.runs)
    measured = take_turns(commands, options.rounds, options.folder)
    plain = middle(measured["elf"])
    print(f"one dump in many forms, `memsect deps`: {release}, {kind} vmlinux")
    results = []
    for form, series in measured.items():
        size = os.path.getsize(commands[form][0][3])
        print(f"  {form:16} {size / 2**20:7.1f} MiB {spread(series):58} {memory(series)}"
              f"  {middle(series) / plain:5.2f} times elf's")
        results.append({"form": form, "bytes": size, **record(series)})
    print()
    return results


PARTS = {"compare": compare, "machine": machine, "pages": pages, "forms": forms}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dumps", nargs="*", metavar="DUMP", help="default: the dumps in testdata/real")
    parser.add_argument("--memsect", help="the program (default: build/rel/src/cli/memsect); Release is what counts")
    parser.add_argument("--debug-dir", default="/usr/lib/debug", help="where vmlinux files are (default: %(default)s)")
    parser.add_argument("--part", action="append", choices=PARTS, help="may be given several times")
    parser.add_argument("--rounds", type=int, default=5, help="turns that each tool gets (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="runs of memsect in a turn (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="also write all figures there")
    options = parser.parse_args()

    options.memsect = os.path.abspath(options.memsect or os.path.join(ROOT, "build", "rel", "src", "cli", "memsect"))
    options.build = os.path.dirname(os.path.dirname(os.path.dirname(options.memsect)))
    options.dumps = options.dumps or sorted(glob.glob(os.path.join(ROOT, "testdata", "real", "*", "vmcore")))
    about, options.python, options.crash = describe(options)
    with tempfile.TemporaryDirectory(prefix="memsect-bench-") as folder:
        options.folder = folder
        floor = take_turns({"true": (("true",), 5)}, 1, folder)["true"]
        print(f"an empty process: {spread(floor).strip()}, {memory(floor).strip()}: less than that is not seen here\n")
        results = {"about": about, "floor": record(floor)}
        for name in options.part or PARTS:
            results[name] = PARTS[name](options)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(results, out, indent=2)
            out.write("\n")


main()
