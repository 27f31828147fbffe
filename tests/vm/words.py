"""What the running kernel says of its own memory: read in the guest, taken apart here."""
import re

COMMANDS = {
    "pagetypeinfo": "cat /proc/pagetypeinfo",
    "zoneinfo": "cat /proc/zoneinfo",
    "blocks": "cd /sys/devices/system/memory; for m in memory[0-9]*; do echo $m $(cat $m/phys_index) $(cat $m/state)"
              " $(cat $m/valid_zones | tr ' ' ,) $(ls -d $m/node* 2> /dev/null | sed 's,.*/node,,' | tr '\\n' ,); done",
    "dmesg": "dmesg",
}
BOOT_CHECK = re.compile(r"(?:Section \d+ and \d+ \(node \d+\) have a circular dependency on usemap and pgdat allocations"
                        r"|node \d+ must be removed before remove section \d+)")


class Words:
    """One look at the kernel's words."""

    def __init__(self, guest):
        text = {name: guest.text(command) for name, command in COMMANDS.items()}
        self.pageblocks = pageblocks(text["pagetypeinfo"])
        self.zones = zones(text["zoneinfo"])
        self.blocks = blocks(text["blocks"])
        self.boot_check = BOOT_CHECK.findall(text["dmesg"])


def pageblocks(text):
    """(node, zone) -> {migratetype: pageblocks}: "Number of blocks type" of /proc/pagetypeinfo."""
    types = re.search(r"Number of blocks type\s+(.*)", text)[1].split()
    lines = re.finditer(r"^Node (\d+), zone\s+(\S+)((?:\s+\d+)+)\s*$", text, re.M)
    return {(int(line[1]), line[2]): dict(zip(types, map(int, line[3].split()))) for line in lines}


def zones(text):
    """(node, zone) -> {"spanned": pages, "present": pages, "managed": pages, "start_pfn": pfn where there is one}."""
    found = {}
    for part in re.split(r"^(?=Node \d+, zone)", text, flags=re.M)[1:]:
        head = re.match(r"Node (\d+), zone\s+(\S+)", part)
        found[int(head[1]), head[2]] = {
            name: int(value) for name, value in re.findall(r"^\s+(spanned|present|managed|start_pfn):?\s+(\d+)$", part, re.M)}
    return found


def blocks(text):
    """number -> {"phys_index", "state", "zones", "nodes"} of /sys/devices/system/memory."""
    found = {}
    for line in text.splitlines():
        name, index, state, valid, nodes = (line.split(" ") + [""])[:5]  # no nodes without NUMA
        found[int(name[len("memory"):])] = {
            "phys_index": int(index, 16), "state": state, "zones": valid.split(","),
            "nodes": [int(node) for node in nodes.strip(",").split(",") if node]}
    return found
