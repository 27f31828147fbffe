"""Holds memsect's answers against the kernel's own words, which were read before and after: a figure that moved in
between may be anything from the one to the other. Each function yields a sentence for what is wrong."""

BOOT_CHECK_IS_GONE_FROM = (7, 1)


def between(value, before, after):
    return min(before, after) <= value <= max(before, after)


def compare_pageblocks(nodes, before, after):
    """memsect nodes against /proc/pagetypeinfo."""
    zones = {(n["node"], z["name"]): z["pageblocks"] for n in nodes for z in n["zones"]}
    for where, counts in before.pageblocks.items():
        got = zones.get(where)
        if got is None:
            yield f"node {where[0]} zone {where[1]}: the kernel has it, memsect does not"
            continue
        for kind, count in counts.items():
            later = after.pageblocks.get(where, {}).get(kind, count)
            if not isinstance(got.get(kind), int) or not between(got[kind], count, later):
                yield f"node {where[0]} zone {where[1]}: {got.get(kind)} pageblocks are {kind}, the kernel counted {count}, then {later}"


def compare_zones(nodes, before, after):
    """memsect nodes against /proc/zoneinfo."""
    zones = {(n["node"], z["name"]): z for n in nodes for z in n["zones"]}
    keys = {"spanned": "spanned_pages", "present": "present_pages", "managed": "managed_pages", "start_pfn": "start_pfn"}
    for where, figures in before.zones.items():
        got = zones.get(where, {})
        for name, figure in figures.items():
            later = after.zones.get(where, {}).get(name, figure)
            value = got.get(keys[name])
            if not isinstance(value, int) or not between(value, figure, later):
                yield f"node {where[0]} zone {where[1]}: {name} is {value}, the kernel said {figure}, then {later}"


def compare_blocks(blocks, before, after):
    """memsect blocks against sysfs."""
    if {b["block"] for b in blocks} != set(before.blocks):
        yield f"memory blocks {sorted(b['block'] for b in blocks)}, the kernel has {sorted(before.blocks)}"
        return
    for block in blocks:
        said = before.blocks[block["block"]]
        states = {said["state"], after.blocks.get(block["block"], said)["state"]}
        if block["state"].replace("_", "-") not in states:
            yield f"{block['name']} is {block['state']}, the kernel said {' then '.join(states)}"
        if block["start_section"] != said["phys_index"] * len(block["sections"]):
            yield f"{block['name']} begins with section {block['start_section']}, its phys_index is {said['phys_index']}"
        if said["nodes"] and block["node"] not in said["nodes"]:
            yield f"{block['name']} is of node {block['node']}, the kernel said {said['nodes']}"
        # Of an online block this is its zone; of any other, where it could go.
        if states == {"online"} and (block["zone"] or "none") not in said["zones"]:
            yield f"{block['name']} is of zone {block['zone']}, the kernel said {said['zones']}"


def compare_sections(sections, blocks, words):
    """memsect sections against the blocks that they make up."""
    numbers = [number for block in blocks for number in block["sections"]]
    if [s["section"] for s in sections] != sorted(numbers):
        yield f"sections {[s['section'] for s in sections]}, the blocks are made of {sorted(numbers)}"
        return
    state = {number: words.blocks.get(block["block"], {}).get("state") for block in blocks for number in block["sections"]}
    for section in sections:
        if ("online" in section["flags"]) != (state[section["section"]] == "online"):
            yield f"section {section['section']} has flags {section['flags']}, the kernel calls its block {state[section['section']]}"


def compare_boot_check(deps, words, version):
    """memsect deps against dmesg."""
    if version < BOOT_CHECK_IS_GONE_FROM and deps["kernel_messages"] != words.boot_check:
        yield f"the replay of the kernel's messages is {deps['kernel_messages']}, the kernel printed {words.boot_check}"


def compare_checks(checks):
    """memsect check: a healthy kernel keeps every rule, and all of its memory can be read."""
    if not checks["checks"]:
        yield "check: no rule was judged"
    for rule in checks["checks"]:
        if rule["verdict"] != "holds":
            yield f"check {rule['check']} is {rule['verdict']}: {'; '.join(rule['findings'][:3]) or rule['why']}"


def lasting(section):
    """What of a section does not move while nothing is plugged or onlined."""
    return {key: value for key, value in section.items() if key not in ("pageblocks", "zones", "holds")}


def compare_answers(live, dump):
    """memsect's answers about the running kernel against those about the dump taken a moment later."""
    for mine, theirs in zip(live["sections"], dump["sections"]):
        for key, value in lasting(mine).items():
            if value != theirs.get(key):
                yield f"section {mine['section']}: {key} is {value} live and {theirs.get(key)} in the dump"
    for mine, theirs in zip(live["nodes"], dump["nodes"]):
        for key in ("node", "pgdat", "phys", "sections", "start_pfn", "spanned_pages", "present_pages"):
            if mine[key] != theirs[key]:
                yield f"node {mine['node']}: {key} is {mine[key]} live and {theirs[key]} in the dump"
    for key in ("cycles", "never", "kernel_messages", "removal_order"):
        if live["deps"][key] != dump["deps"][key]:
            yield f"deps: {key} is {live['deps'][key]} live and {dump['deps'][key]} in the dump"


def absences(value):
    """All absences in an answer, those that are no gap left out."""
    if isinstance(value, dict):
        if "absent" in value:
            if value["absent"] != "not_applicable":
                yield value
        else:
            for part in value.values():
                yield from absences(part)
    elif isinstance(value, list):
        for part in value:
            yield from absences(part)


def compare_all(answers, before, after, version):
    """One set of answers against the kernel's words."""
    yield from compare_pageblocks(answers["nodes"], before, after)
    yield from compare_zones(answers["nodes"], before, after)
    yield from compare_blocks(answers["blocks"], before, after)
    yield from compare_sections(answers["sections"], answers["blocks"], after)
    yield from compare_boot_check(answers["deps"], after, version)
    yield from compare_checks(answers["check"])
    for command, data in answers.items():
        for absence in list(absences(data))[:3]:
            yield f"{command}: {absence['absent']}: {absence.get('why')}"
