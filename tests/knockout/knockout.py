#!/usr/bin/env python3
"""Takes pages out of a real dump, one at a time, and asks memsect everything: each answer must be that of the whole dump,
or tell what is absent (told.py). No exceptions: what is found is mended.

usage: knockout.py KNOCKOUT_ASK CASE_DIR WORK_DIR [--alone] [--sample N] [--each] [--jobs N] [--only WORD] [--pages PFN[-PFN]]

CASE_DIR has vmcore, WORK_DIR the unpacked vmlinux. Every page that an answer is made of is taken out: with the vmlinux and
(--alone: the dump has BTF and kallsyms) without it. A page that was not asked for cannot make a difference.

  read while opening the dump           one at a time; where it opens all the same, every question
  by the listings                       one at a time
  by `removable`, `why` and `addr`      those that the listings read too one at a time, by `removable`; the others 64 at a
                                        time, then 8, then one where something is wrong (--each: always one)

--sample N takes N of these, the same ones each time. --only: questions that have WORD in them. --pages: these alone.
"""
import argparse
import collections
import json
import os
import queue
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from told import untold, warnings  # noqa: E402

LISTINGS = ("info", "sections --blocks", "nodes", "blocks", "usemap", "subsections", "deps", "deps --self", "check")
JUDGEMENTS = ("removable", "removable --by section", "removable --plan")
GROUPS = (64, 8, 1)


class Server:
    """A process that has the dump open."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # pylint: disable=consider-using-with
        self.out = None

    def request(self, *words):
        self.process.stdin.write((" ".join(words) + "\n").encode())
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"{words}: the process is gone"
        return line

    def reply(self, *words):
        status, size = (int(word) for word in self.request(*words).split())
        return status, self.process.stdout.read(size)

    def open(self, out):
        """Exit status; 0 when it is open."""
        self.out = None if out else ()
        return self.reply("open", pages_text(out))[0]

    def open_whole(self):
        if self.out != ():
            assert self.open([]) == 0

    def ask(self, words, out=()):
        status, text = self.reply("ask", pages_text(out), words)
        return status, json.loads(text) if status in (0, 1, 5) else None

    def seen(self):
        return {int(page) for page in self.request("seen").split()}


def pages_text(pages):
    return ",".join(str(page) for page in pages) or "-"


class Question:
    def __init__(self, server, words, alone):
        self.words, self.alone = words, alone
        self.name = words + (" (alone)" if alone else "")
        code, self.whole = server.ask(words)
        assert code == 0, f"{self.name}: exit {code} of the whole dump"
        self.pages = server.seen()

    def same(self, code, part):
        return code == 0 and part["data"] == self.whole["data"] and warnings(part) == warnings(self.whole)


class Findings:
    """What was found, by question; printed as it comes."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = collections.defaultdict(lambda: [0, 0, 0])  # the same, told, silent
        self.codes = set()

    def note(self, question, pages, code, faults, same):
        with self.lock:
            self.codes.add(code)
            self.counts[question.name][2 if faults else 0 if same else 1] += 1
            if faults:
                where = ", ".join(f"{page:#x}" for page in pages)
                print(f"{question.name} without {where}:", *faults[:4], sep="\n    ", flush=True)

    def total(self, which):
        return sum(count[which] for count in self.counts.values())


def groups_of(pages, size):
    return [pages[at:at + size] for at in range(0, len(pages), size)]


def try_out(server, question, pages, findings):
    server.open_whole()
    code, part = server.ask(question.words, pages)
    faults = untold(question.whole, code, part)
    if faults and len(pages) > 1:
        for group in groups_of(pages, next(size for size in GROUPS if size < len(pages))):
            try_out(server, question, group, findings)
    else:
        findings.note(question, pages, code, faults, question.same(code, part))


def try_opening(server, questions, page, findings):
    code = server.open([page])
    for question in questions:
        if code in (3, 4):
            findings.note(question, [page], code, [] if code == 3 else [f"exit {code}"], False)
        else:
            answer = server.ask(question.words)
            findings.note(question, [page], answer[0], untold(question.whole, *answer), question.same(*answer))


def targets_of(server):
    """What `why` and `addr` are asked for: every block (or section) and node; a page of each section, and its usage."""
    nodes, sections, blocks = (server.ask(words)[1]["data"] for words in ("nodes", "sections", "blocks"))
    yield from (f"why {block['name']}" for block in blocks)
    yield from (f"why section:{section['section']}" for section in (sections[::8] if blocks else sections))
    for node in nodes:
        yield from (f"why node:{node['node']}", f"addr virt:{node['pgdat']}")
    for section in sections:
        yield from (f"addr pfn:{section['start_pfn'] + 77:#x}", f"addr virt:{section['usage']['address']}")
    yield from (f"addr virt:{block['memory_block']}" for block in blocks[-2:])


def tasks_of(server, alone, options):
    """Functions of a server and the findings."""
    assert server.open([]) == 0
    opened = server.seen()
    words = [*LISTINGS, *JUDGEMENTS, *targets_of(server)]
    server.seen()
    questions = [Question(server, one, alone) for one in words if options.only in one]
    wanted = (lambda page: options.pages[0] <= page <= options.pages[1]) if options.pages else (lambda page: True)
    tasks = [lambda server, findings, page=page: try_opening(server, questions, page, findings)
             for page in sorted(filter(wanted, opened))]
    listed = set().union(*(question.pages for question in questions if question.words in LISTINGS))
    for question in questions:
        pages = sorted(page for page in question.pages - opened if wanted(page))
        single = set(pages) if options.each or question.words in LISTINGS else listed if question.words in JUDGEMENTS else set()
        groups = [[page] for page in pages if page in single]
        rest = [page for page in pages if page not in single]
        groups += groups_of(rest, GROUPS[0])
        tasks += [lambda server, findings, question=question, group=group: try_out(server, question, group, findings)
                  for group in groups]
    print(f"{'without vmlinux' if alone else 'with vmlinux'}: {len(questions)} questions, "
          f"{len(set().union(*(q.pages for q in questions)) | opened)} pages, {len(tasks)} tasks", flush=True)
    return tasks


def work_off(command, tasks, jobs, findings):
    todo = queue.SimpleQueue()
    for task in tasks:
        todo.put(task)
    failures = []

    def work():
        server = Server(command)
        try:
            while not failures:
                todo.get_nowait()(server, findings)
        except queue.Empty:
            pass
        except BaseException as error:  # pylint: disable=broad-except
            failures.append(error)
        server.process.kill()
        server.process.communicate()
    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("paths", nargs=3)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--sample", type=int)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="")
    parser.add_argument("--pages", type=lambda text: [int(number, 16) for number in (text + "-" + text).split("-")[:2]])
    options = parser.parse_args()
    tool, case, work = (os.path.abspath(path) for path in options.paths)
    findings = Findings()
    for alone in [False, True] if options.alone else [False]:
        command = [tool, os.path.join(case, "vmcore")] + ([] if alone else [os.path.join(work, "vmlinux")])
        server = Server(command)
        tasks = tasks_of(server, alone, options)
        server.process.kill()
        server.process.communicate()
        if options.sample is not None:
            step = max(len(tasks) // options.sample, 1)
            tasks = tasks[step // 2::step]
        work_off(command, tasks, options.jobs, findings)
    for name, (same, told, silent) in sorted(findings.counts.items(), key=lambda item: -item[1][2]):
        if silent:
            print(f"{silent:6} silent, {told} told, {same} no difference: {name}")
    print(f"{os.path.basename(case)}: {findings.total(2)} silent, {findings.total(1)} told, {findings.total(0)} no difference")
    assert options.pages or options.only or {0, 5} <= findings.codes, f"only exit codes {findings.codes}: was anything taken out?"
    sys.exit(1 if findings.total(2) else 0)


main()
