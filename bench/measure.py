"""Runs one command and prints its milliseconds by the clock and of CPU, its largest resident set in KiB, its exit code.

usage: python3 -I -S measure.py OUTPUT COMMAND [ARGUMENT...]

A process of its own, and a small one: Linux counts what a child shared with its parent before it became another program
as the child's, so the parent's size is the least that can be seen.
"""
import os
import sys
import time

out = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, out, 1),
           (os.POSIX_SPAWN_DUP2, out, 2)]
start = time.perf_counter()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ, file_actions=actions)
_, status, usage = os.wait4(pid, 0)
wall = time.perf_counter() - start
print(wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
