"""memsect reads the running kernel over and over while memory is plugged, onlined, offlined and unplugged.

Two sets of memory blocks change: `toggled` stay plugged and go online and offline all the time, `plugged` come and go
as a whole DIMM. All other memory keeps still, so what memsect says of it must be what it said before, word for word.
Of the changing memory an answer may say what is possible, or that it was in flux; nothing else.
"""
import gzip
import io
import json
import tarfile
import threading

from compare import lasting
from guest import GuestFailure

COMMANDS = ("sections", "blocks", "deps", "nodes")
FIXED_HOLDINGS = ("pgdat", "section_root_table")
STATES = {"online", "offline", "going_offline", "going_online"}
DIMM_MIB = 256

TOGGLE = ("(while [ ! -e /tmp/stop ]; do for n in {blocks}; do echo online_movable > /sys/devices/system/memory/memory$n/state; done;"
          " sleep {pause}; for n in {blocks}; do echo offline > /sys/devices/system/memory/memory$n/state; done;"
          " sleep {pause}; echo round >> /tmp/rounds; done) > /dev/null 2>&1 &")
READ = ("mkdir -p /tmp/reads; i=0; while [ $i -lt {reads} ]; do for c in {commands}; do"
        " memsect $c {files} --format json > /tmp/reads/$i.$c 2> /tmp/reads/$i.errors; echo $? > /tmp/reads/$i.status;"
        " i=$((i+1)); done; done; touch /tmp/stop")


class Plugger(threading.Thread):
    """Plugs a DIMM and takes it away, until told to stop."""

    def __init__(self, guest, node, pause):
        super().__init__(daemon=True)
        self.pause = pause
        self.guest = guest
        self.node = node
        self.stopping = threading.Event()
        self.rounds = 0
        self.problem = None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.round()
                self.rounds += 1
        except (GuestFailure, OSError) as problem:
            self.problem = problem

    def round(self):
        self.guest.insert("moving", DIMM_MIB, self.node)
        self.stopping.wait(self.pause)
        self.guest.unplug("moving")
        self.stopping.wait(self.pause)


class Still:
    """What memsect said before anything moved, and what may move."""

    def __init__(self, answers, toggled, plugged):
        self.sections = {s["section"]: s for s in answers["sections"]}
        self.blocks = {b["block"]: b for b in answers["blocks"]}
        self.nodes = {n["node"]: n for n in answers["nodes"]}
        self.holdings = self.fixed_holdings(answers["deps"])
        per_block = len(answers["blocks"][0]["sections"])
        self.toggled_blocks, self.plugged_blocks = set(toggled), set(plugged)
        self.toggled = {n for b in toggled for n in range(b * per_block, (b + 1) * per_block)}
        self.plugged = {n for b in plugged for n in range(b * per_block, (b + 1) * per_block)}
        self.node = self.blocks[min(toggled)]["node"]

    @staticmethod
    def fixed_holdings(deps):
        return {(h["section"], o["kind"], o["address"]) for h in deps["holders"] for o in h["holds"] if o["kind"] in FIXED_HOLDINGS}


def in_flux(value):
    """Whether an answer or a part of it says that it was in flux, and nothing worse."""
    return isinstance(value, dict) and value.get("absent") == "in_flux"


def bad_absences(value, allowed):
    if isinstance(value, dict):
        if "absent" in value:
            if value["absent"] not in allowed:
                yield f"{value['absent']}: {value.get('why')}"
            return
        for part in value.values():
            yield from bad_absences(part, allowed)
    elif isinstance(value, list):
        for part in value:
            yield from bad_absences(part, allowed)


def judge_sections(data, still):
    found = {s["section"]: s for s in data}
    if not set(still.sections) <= set(found) or not set(found) <= set(still.sections) | still.plugged:
        yield f"sections {sorted(found)}"
    coded = {s["coded_mem_map"] for s in still.sections.values()}
    for number, section in found.items():
        if number in still.sections and number not in still.toggled:
            for key, value in lasting(still.sections[number]).items():
                if section[key] != value:
                    yield f"section {number}: {key} is {section[key]}, it was {value}"
            continue
        if not in_flux(section["coded_mem_map"]) and section["coded_mem_map"] not in coded:
            yield f"section {number}: coded_mem_map is {section['coded_mem_map']}"
        if isinstance(section["node"], int) and section["node"] != still.node:
            yield f"section {number} is of node {section['node']}"
        if "early" in section["flags"]:
            yield f"section {number} is early"
        if number in still.toggled and not in_flux(section["usage"]) and section["usage"] != still.sections[number]["usage"]:
            yield f"section {number}: usage is {section['usage']}, it was {still.sections[number]['usage']}"


def judge_blocks(data, still):
    found = {b["block"]: b for b in data}
    if not set(still.blocks) <= set(found) or not set(found) <= set(still.blocks) | still.plugged_blocks:
        yield f"blocks {sorted(found)}"
    for number, block in found.items():
        if number in still.blocks and number not in still.toggled_blocks:
            if block != still.blocks[number]:
                yield f"block {number} is {block}, it was {still.blocks[number]}"
            continue
        if not in_flux(block["state"]) and block["state"] not in STATES:
            yield f"block {number} is {block['state']}"
        if isinstance(block["node"], int) and block["node"] != still.node:
            yield f"block {number} is of node {block['node']}"
        if isinstance(block["zone"], str) and block["zone"] != "Movable":
            yield f"block {number} is of zone {block['zone']}"


def judge_nodes(data, still):
    if {n["node"] for n in data} != set(still.nodes):
        yield f"nodes {[n['node'] for n in data]}"
        return
    for node in data:
        was = still.nodes[node["node"]]
        if node["pgdat"] != was["pgdat"]:
            yield f"node {node['node']}: pgdat is {node['pgdat']}, it was {was['pgdat']}"
        for zone, zone_was in zip(node["zones"], was["zones"]):
            figures = [zone[key] for key in ("managed_pages", "present_pages", "spanned_pages")]
            if node["node"] == still.node and any(in_flux(figure) for figure in figures):
                continue
            if (node["node"], zone["name"]) != (still.node, "Movable"):
                if figures[1:] != [zone_was["present_pages"], zone_was["spanned_pages"]]:
                    yield f"node {node['node']} zone {zone['name']}: present and spanned are {figures[1:]}"
            elif figures[1] > figures[2]:
                yield f"node {node['node']} zone Movable: present, spanned are {figures[1:]}"


def judge_deps(data, still):
    got = still.fixed_holdings(data)
    if got != still.holdings:
        yield f"what cannot move is held otherwise: {sorted(got ^ still.holdings)}"


JUDGES = {"sections": judge_sections, "blocks": judge_blocks, "nodes": judge_nodes, "deps": judge_deps}


def judge(command, status, output, errors, still):
    """("right" | "in flux" | "wrong", sentence) of one read."""
    text = errors.decode(errors="replace").strip()
    if status == 3 and ("in flux" in text or "came or went" in text or "comes and goes" in text):
        return "in flux", text
    if status not in (0, 5):
        return "wrong", f"exit {status}: {text}"
    try:
        data = json.loads(output)["data"]
    except ValueError as error:
        return "wrong", f"no JSON: {error}"
    if in_flux(data):
        return "in flux", str(data.get("why"))
    problems = list(bad_absences(data, ("in_flux", "not_applicable"))) + list(JUDGES[command](data, still))
    if problems:
        return "wrong", "; ".join(problems[:3])
    return ("in flux" if any(bad_absences(data, ("not_applicable",))) else "right"), ""


def fetch_reads(guest):
    _, packed = guest.run("tar c -C /tmp reads | gzip -1", 300)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as archive:
        return {member.name.split("/")[1]: archive.extractfile(member).read() for member in archive if member.isfile()}


def loop(guest, answers, toggled, plugged, files, reads, pause):
    """Reads `reads` times, `pause` seconds between changes; (counts by verdict, sentences on what was wrong, a line on how much moved)."""
    still = Still(answers, toggled, plugged)
    guest.text(TOGGLE.format(blocks=" ".join(map(str, sorted(toggled))), pause=pause))
    plugger = Plugger(guest, still.node, pause)
    plugger.start()
    try:
        guest.text(READ.format(reads=reads, files=files, commands=" ".join(COMMANDS)), 60 + 20 * reads)
    finally:
        plugger.stopping.set()
        plugger.join(120)
    if plugger.problem:
        raise GuestFailure(f"hot-plug: {plugger.problem}")
    rounds = guest.text("cat /tmp/rounds 2> /dev/null | wc -l").strip()
    output = fetch_reads(guest)
    counts = {"right": 0, "in flux": 0, "wrong": 0}
    wrong = []
    for number in range(reads):
        command = COMMANDS[number % len(COMMANDS)]
        verdict, sentence = judge(command, int(output[f"{number}.status"]), output[f"{number}.{command}"], output[f"{number}.errors"], still)
        counts[verdict] += 1
        if verdict == "wrong":
            wrong.append(f"read {number}, {command}: {sentence}")
    return counts, wrong, f"{plugger.rounds} times plugged, {rounds} times onlined"
