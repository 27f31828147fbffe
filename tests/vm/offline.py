"""memsect says of every memory block whether it could be put offline; then the kernel is asked to.

Each guest runs with load: files in memory, slab, anonymous, huge, pinned and spliced pages. Block by block: `memsect
removable` reads the running kernel, or a dump of it where it cannot run inside; the block is told to go offline, and
comes back if it went. What may come of it:

  went       the kernel let it go
  refused    at once, and again on a second try: a reason that lies in the block
  timing     the kernel went on trying to move pages until it was stopped: nobody can foretell that

`blocked` and went, `no_blocker_found` and refused both times, and `unknown` are failures of memsect. A guest in which
nothing was blocked, or nothing free, proves nothing, and fails as well.
"""
import collections
import csv
import io
import os
import subprocess
import time

from kernels import Unavailable

OUTCOMES = ("went", "refused", "timing", "raced")
VERDICTS = ("blocked", "no_blocker_found", "unknown")
COMPILER = "cc"
LISTS = 12
COLUMNS = "--format csv -n -o BLOCK,VERDICT,CODES"
STOP_AFTER = 6  # seconds: what is refused is refused at once, even when it is emulated
SETTLE = 0.5  # seconds: processes that have just ended are still giving back pages, pipes and page tables among them
LOAD = (
    "mkdir -p /tmp/files; i=0; while [ $i -lt 2000 ]; do echo $i > /tmp/files/$i; i=$((i+1)); done",
    "dd if=/dev/zero of=/tmp/large bs=1M count=24 2> /dev/null",
    "echo 20 > /proc/sys/vm/nr_hugepages",
    "mkdir -p /tmp/huge; mount -t hugetlbfs none /tmp/huge && fallocate -l 8M /tmp/huge/used",
    "hold anonymous 32 > /tmp/held1 &",
    "hold pinned 8 > /tmp/held2 &",
    "hold pinned-huge 4 > /tmp/held4 &",
    # In single pages, which lie in ZONE_MOVABLE and stay there.
    "echo never > /sys/kernel/mm/transparent_hugepage/enabled; hold spliced 24 > /tmp/held3 &",
)
# Prints STATE STATUS START END WORDS, times in seconds; what goes on trying is interrupted.
TRY = ("s=$(cut -d' ' -f1 /proc/uptime); timeout {stop} sh -c 'echo offline > /sys/devices/system/memory/memory{block}/state'"
       " 2> /tmp/refusal; status=$?; e=$(cut -d' ' -f1 /proc/uptime);"
       " echo $(cat /sys/devices/system/memory/memory{block}/state) $status $s $e $(cat /tmp/refusal)")


def build_holder(folder):
    """The program hold.c in a folder, linked so that it needs nothing of the guest."""
    path = os.path.join(folder, "hold")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hold.c")
    try:
        done = subprocess.run([COMPILER, "-O1", "-static", "-o", path, source], capture_output=True, text=True, check=False)
    except OSError as error:
        raise Unavailable(f"{COMPILER}: {error}") from error
    if done.returncode != 0:
        raise Unavailable(f"{COMPILER}: {done.stderr.strip().splitlines()[-1]}")
    return path


def load(guest):
    """Makes the guest busy. What this kernel or guest cannot do is left out."""
    for command in LOAD:
        guest.run(command, 120)
    guest.run("sleep 2", 60)


def live(guest, files):
    """Asks memsect in the guest: block -> (verdict, codes)."""
    def ask(block):
        status, output = guest.run(f"timeout 100 memsect removable {files} --block {block} {COLUMNS} 2> /tmp/errors", 130)
        return verdict_of(block, status, output.decode(errors="replace"), guest.run("cat /tmp/errors")[1].decode(errors="replace"))
    return ask


def problems_of_lists(guest, files):
    """What is not known in lists of all blocks, of a kernel that stands still. Unlike with one block, all CPUs read at once."""
    problems = {}
    for _ in range(LISTS):
        status, output = guest.run(f"timeout 100 memsect removable {files} --format csv -n -o BLOCK,VERDICT,REASON 2> /tmp/errors", 130)
        problems.update(judge_list(status, output.decode(errors="replace"), guest.run("cat /tmp/errors")[1].decode(errors="replace")))
    return list(problems.values())


def judge_list(status, output, errors):
    """block -> what is wrong with its line."""
    if status not in (0, 5):
        return {None: f"the list of all blocks: exit {status}: {errors.strip()}"}
    rows = list(csv.reader(io.StringIO(output)))
    if not rows:
        return {None: "the list of all blocks is empty"}
    return {block: f"memory{block}: unknown in a list of all blocks: {reason}" for block, verdict, reason in rows if verdict == "unknown"}


def from_dumps(guest, memsect):
    """Asks memsect outside, each time on a dump taken for it, which stays until the next."""
    dump = os.path.join(guest.folder, "dump")

    def ask(block):
        if os.path.exists(dump):
            os.unlink(dump)
        time.sleep(SETTLE)
        guest.dump(dump)
        try:
            done = subprocess.run([memsect, "removable", dump, "--no-search", "--block", str(block), *COLUMNS.split()],
                                  capture_output=True, text=True, check=False, timeout=200)
        except subprocess.TimeoutExpired as problem:
            return f"failed: {problem}", ""
        return verdict_of(block, done.returncode, done.stdout, done.stderr)
    return ask


def verdict_of(block, status, output, errors):
    """(verdict, codes) of what memsect printed for one block."""
    rows = list(csv.reader(io.StringIO(output)))
    if status not in (0, 5) or len(rows) != 1 or rows[0][0] != str(block):
        return f"failed: exit {status}: {errors.strip()} {output[-200:]!r}", ""
    return rows[0][1], rows[0][2]


def attempt(guest, block):
    """went, refused or timing; and the kernel's word for it."""
    words = guest.text(TRY.format(block=block, stop=STOP_AFTER), 120).split(None, 4)
    state, seconds = words[0], float(words[3]) - float(words[2])
    if state == "offline":
        return "went", ""
    return ("timing" if seconds > STOP_AFTER / 2 else "refused"), words[4] if len(words) > 4 else ""


def judge(verdict, outcome, again):
    """What is wrong with a verdict after the kernel's answer; nothing when it is right. `again`: the second answer."""
    if verdict not in VERDICTS:
        return verdict
    if verdict == "unknown":
        return "said unknown, where all of the memory can be read"
    if verdict == "blocked" and outcome == "went":
        return "said blocked, and it went"
    if verdict == "no_blocker_found" and outcome == "refused" and again == "refused":
        return "said no_blocker_found, and it was refused twice"
    return ""


class Tally:
    """How often which verdict met which outcome, and what was wrong."""

    def __init__(self):
        self.counts = collections.Counter()
        self.codes = collections.Counter()
        self.wrong = []
        self.tried_long = []  # blocks that nothing blocked, and that the kernel went on trying
        self.asked_meanwhile = 0

    def add(self, block, verdict, codes, outcome, problem, words):
        self.counts[verdict if verdict in VERDICTS else "failed", outcome] += 1
        for code in codes.split(","):
            self.codes[code] += outcome == "refused"
        if (verdict, outcome) == ("no_blocker_found", "timing"):
            self.tried_long.append(block)
        if problem:
            self.wrong.append(f"memory{block}: {problem}; reasons: {codes or 'none'}; the kernel: {words}")

    def table(self):
        lines = [f"{'':18}" + "".join(f"{outcome:>9}" for outcome in OUTCOMES)]
        for verdict in VERDICTS:
            lines.append(f"{verdict:18}" + "".join(f"{self.counts[verdict, outcome]:9}" for outcome in OUTCOMES))
        named = ", ".join(f"{code} {count}" for code, count in self.codes.most_common() if code and count)
        return "\n".join(lines + [f"causes of refusals: {named or 'none'}"])

    def stayed_and_went(self):
        """How many blocks proved either verdict."""
        return sum(self.counts["blocked", outcome] for outcome in ("refused", "timing")), self.counts["no_blocker_found", "went"]

    def problems(self):
        """What was wrong; and a tally that could not have been."""
        stayed, went = self.stayed_and_went()
        return (self.wrong + ([] if stayed else ["no block was blocked: the tally proves nothing"])
                + ([] if went else ["no block was free: the tally proves nothing"]))

    def line(self):
        blocked, free = self.stayed_and_went()
        meanwhile = f" ({self.asked_meanwhile} asked meanwhile)" if self.asked_meanwhile else ""
        return (f"{blocked} blocked stayed, {free} free went, {sum(self.counts[v, 'timing'] for v in VERDICTS)} timing{meanwhile}, "
                f"{len(self.wrong)} wrong")


def reason_in_log(guest):
    return guest.run("dmesg | grep -iE 'migrat|unmovable|offlin|hole' | tail -n 3")[1].decode(errors="replace").strip()


def ask_while_trying(guest, ask, tally):
    """Asks for a block on its way out: its state is going_offline, and its pageblocks are isolated by that alone."""
    for block in tally.tried_long[:1]:
        state = f"/sys/devices/system/memory/memory{block}/state"
        guest.run(f"timeout {STOP_AFTER * 3} sh -c 'echo offline > {state}' > /tmp/refusal 2>&1 &")
        guest.run("sleep 2")
        before, (verdict, codes), after = guest.text(f"cat {state}"), ask(block), guest.text(f"cat {state}")
        guest.run(f"while pgrep -f 'echo offline' > /tmp/trying; do sleep 1; done; echo online > {state}", STOP_AFTER * 6)
        if not before.strip() == after.strip() == "going-offline":
            continue  # what held it has let go
        tally.asked_meanwhile += 1
        if verdict != "no_blocker_found" or "going_offline" not in codes.split(","):
            tally.wrong.append(f"memory{block}: said {verdict} ({codes}) while it was going offline")


def try_all(guest, ask, keep=lambda block: None):
    """Asks for every block that is online, and leaves each as it was. `keep` is told of each wrong verdict at once."""
    tally = Tally()
    for block in sorted(guest.blocks(), reverse=True):
        folder = f"/sys/devices/system/memory/memory{block}"
        if guest.text(f"cat {folder}/state").strip() != "online":
            continue
        zone = guest.run(f"cat {folder}/valid_zones")[1].decode(errors="replace").strip()
        verdict, codes = ask(block)
        outcome, words = attempt(guest, block)
        again = ""
        if verdict == "no_blocker_found" and outcome == "refused":
            # Pages may have been taken in between: once more, from what is there now.
            verdict, codes = ask(block)
            again, words = attempt(guest, block)
            if verdict == "no_blocker_found" and again != "refused":
                outcome = "raced"
        problem = judge(verdict, outcome, again)
        if problem:
            keep(block)
        tally.add(block, verdict, codes, outcome, problem, f"{words} {reason_in_log(guest)}" if problem else words)
        if "went" in (outcome, again):
            guest.run(f"echo {'online_movable' if zone == 'Movable' else 'online_kernel'} > {folder}/state"
                      f" || echo online > {folder}/state")
    ask_while_trying(guest, ask, tally)
    return tally
