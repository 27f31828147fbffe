"""What an answer from a dump with holes may differ in from the answer of the whole dump: it may say less, never something
else, and never silently.

    value            the same; or absent with a reason (`not_applicable` is none); a verdict may also be unknown or undecided
    list             rows of the whole answer and no others; rows may lack only where a warning says that some do
    pages of a unit  what was read adds up with pages_not_read to what there is; reasons count no more than the whole answer's
    prose            is not compared: it says in words what stands beside it
    exit status      0 for the same data alone; else 5, or 3 without any; 1 where `check` blames the filter, rightly
"""
PROSE = {"text", "because", "why", "title", "origin"}
OPEN_VERDICTS = ("unknown", "undecided")
# What tells the rows of a list apart, by the name of the list.
KEYS = {
    "sections": ("section",), "subsections": ("section",), "nodes": ("node",), "blocks": ("block", "sections"),
    "removable": ("block", "sections"), "zones": ("node", "zone", "name"), "holders": ("section",), "edges": ("from", "to"), "cycles": ("sections", "classic"), "checks": ("check",),
    "never": ("section",), "stays": ("block", "sections"), "backing": ("section",),
    "ranges": ("first",), "reasons": ("code", "severity", "block"), "objects": ("kind", "address"),
}
NOT_READ = "not_read"


def is_absent(value):
    return isinstance(value, dict) and "absent" in value


def is_gap(value):
    return is_absent(value) and value["absent"] != "not_applicable"


def key_of(row, name):
    return tuple(str(row.get(key)) for key in KEYS[name])


def is_part_of_cycle(row, cycles):
    """Without one of its needs a cycle falls apart."""
    return any(set(row["sections"]) <= set(cycle["sections"]) and row["classic"] <= cycle["classic"] for cycle in cycles)


class Comparison:
    """`faults`: what is told of neither value nor row; each a path and what is there."""

    def __init__(self, warned):
        self.warned = warned
        self.faults = []

    def fault(self, path, text):
        self.faults.append(f"{path}: {text}")

    def value(self, path, name, whole, part):
        if whole == part or is_gap(part) or name in PROSE:
            return
        if name == "verdict" and part in OPEN_VERDICTS:
            return
        if isinstance(whole, dict) and isinstance(part, dict) and not is_absent(whole) and not is_absent(part):
            self.object(path, whole, part)
        elif isinstance(whole, list) and isinstance(part, list):
            self.list(path, name, whole, part)
        else:
            self.fault(path, f"{short(whole)} became {short(part)}")

    def object(self, path, whole, part):
        if {"offline", "reasons"} <= whole.keys():
            return self.unit(path, whole, part)
        for key in sorted(whole.keys() | part.keys()):
            if key not in part or key not in whole:
                self.fault(f"{path}.{key}", "is only in one of the answers")
            elif key == "reasons":
                self.reasons(path, whole[key], part[key])
            else:
                self.value(f"{path}.{key}", key, whole[key], part[key])

    def list(self, path, name, whole, part):
        if name == "holds":
            return self.holds(path, whole, part)
        has_rows = any(isinstance(row, dict) for row in whole + part)
        if not has_rows:
            return self.plain_list(path, whole, part)
        if name not in KEYS:
            return self.fault(path, "a list that is compared by nothing")
        rows = {key_of(row, name): row for row in part}
        for row in whole:
            key = key_of(row, name)
            if key in rows:
                self.value(f"{path}[{'/'.join(key)}]", "", row, rows.pop(key))
            elif not self.warned:
                self.fault(f"{path}[{'/'.join(key)}]", "is gone, and no warning says so")
        for key, row in rows.items():
            known = all(value is None or key_name in KEYS[name] or is_gap(value) for key_name, value in row.items())
            if not (known and has_gap(row)) and not (name == "cycles" and is_part_of_cycle(row, whole)):
                self.fault(f"{path}[{'/'.join(key)}]", f"is new: {short(row)}")

    def plain_list(self, path, whole, part):
        left = iter(whole)
        if not all(any(value == other for other in left) for value in part):
            self.fault(path, f"{short(whole)} became {short(part)}")
        elif not self.warned:
            self.fault(path, f"{short(whole)} became {short(part)}, and no warning says so")

    def holds(self, path, whole, part):
        """Objects beside each other are one row, which falls apart where one of them is not to be had."""
        def place(row):
            return int(row["phys"], 16), int(row["phys"], 16) + row["bytes"]

        def inside(row, other):
            same = all(row[key] == other[key] for key in ("kind", "permanent"))
            scattered = row["kind"] in ("memory_block", "vmemmap_table", "direct_map_table")
            within = place(other)[0] <= place(row)[0] and (scattered or place(row)[1] <= place(other)[1])
            return (same and (is_gap(row["allocation"]) or row["allocation"] == other["allocation"]) and within
                    and row["bytes"] <= other["bytes"] and set(row["of_sections"]) <= set(other["of_sections"])
                    and set(row["of_nodes"]) <= set(other["of_nodes"]))
        for row in part:
            if not any(inside(row, other) for other in whole):
                self.fault(path, f"{short(row)} is in no object of the whole answer")
        if whole != part and not self.warned and not any(is_gap(value) for row in part for value in row.values()):
            self.fault(path, f"{short(whole)} became {short(part)}, and no warning says so")

    def unit(self, path, whole, part):
        """A memory block or section that was judged."""
        for key in sorted(whole.keys() - {"offline", "reasons"}):
            self.value(f"{path}.{key}", key, whole[key], part.get(key))
        before, after = whole["offline"], part["offline"]
        for key in ("verdict", "error"):
            if not (key == "error" and after["verdict"] in OPEN_VERDICTS and after[key] is None):
                self.value(f"{path}.offline.{key}", key, before[key], after[key])
        pages = ("free_pages", "movable_pages", "unmovable_pages")
        for key in (*pages, "corrupt_pages"):
            if after[key] > before[key]:
                self.fault(f"{path}.offline.{key}", f"{before[key]} became {after[key]}")
        lost = sum(before[key] - after[key] for key in pages)
        if lost > after["pages_not_read"] - before["pages_not_read"]:
            self.fault(f"{path}.offline", f"{lost} pages fewer, {after['pages_not_read']} not read")
        self.reasons(path, whole["reasons"], part["reasons"])

    def reasons(self, path, whole, part):
        not_read = any(reason["code"] == NOT_READ for reason in part)
        rows = {key_of(reason, "reasons"): reason for reason in part}
        for reason in whole:
            key = key_of(reason, "reasons")
            at = f"{path}.reasons[{key[0]}]"
            if key not in rows:
                if not not_read and not self.warned:
                    self.fault(at, "is gone, and nothing says so")
                continue
            other = rows.pop(key)
            if not not_read and not self.warned:
                self.value(at, "", reason, other)
            elif other["count"] > reason["count"] and not is_gap(other.get("attribution")):
                self.fault(at, f"counts {other['count']} instead of {reason['count']}")
        for key, reason in rows.items():
            if key[0] != NOT_READ and not is_gap(reason.get("attribution")):
                self.fault(f"{path}.reasons[{key[0]}]", f"is new: {short(reason)}")


def short(value):
    text = str(value)
    return text if len(text) <= 160 else text[:157] + "..."


def has_gap(value):
    if isinstance(value, dict):
        return is_gap(value) or any(has_gap(part) for part in value.values())
    return isinstance(value, list) and any(has_gap(part) for part in value)


def warnings(answer):
    """Those that name what is missing. That the filter took pages of the kernel, it did with every one of them."""
    return {note["text"] for note in answer["notes"]
            if note["severity"] == "warning" and not note["text"].startswith("the dump's filter left out")}


def blames_the_filter(answer):
    """`check` finds a page of the kernel missing, which is so, and nothing else wrong."""
    violated = [check["check"] for check in answer["data"]["checks"] if check["verdict"] == "violated"]
    return violated == ["filter_kept_kernel_pages"]


def untold(whole, code, part):
    """What differs and is not told, as texts; `whole` and `part` are answers, `code` the exit status of the latter, whose
    part is None where it has none."""
    if code == 3:
        return [] if part is None else ["exit 3, and an answer"]
    if code == 1 and whole["command"] == "check" and blames_the_filter(part):
        code = 5
        part["data"]["checks"] = [row if row["check"] != "filter_kept_kernel_pages" else
                                  {**row, "verdict": "holds", "findings": [], "found": 0} for row in part["data"]["checks"]]
    if code not in (0, 5) or part is None:
        return [f"exit {code}"]
    if part["data"] == whole["data"]:
        return []
    if code == 0:
        comparison = Comparison(False)
        comparison.value("data", whole["command"], whole["data"], part["data"])
        return ["exit 0: " + fault for fault in comparison.faults] or ["exit 0, and not the same"]
    comparison = Comparison(bool(warnings(part) - warnings(whole)))
    comparison.value("data", whole["command"], whole["data"], part["data"])
    return comparison.faults
