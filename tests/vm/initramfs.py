"""What a guest boots into: busybox, the init that takes commands, modules, and programs with the libraries that ldd names."""
import gzip
import os
import re
import stat
import subprocess

INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
export PATH=/bin:/sbin
mount -t tmpfs tmp /tmp
for module in $(ls /modules); do insmod /modules/$module; done
echo 1 > /proc/sys/kernel/printk
(while sleep 3; do echo alive; done > /dev/console) &
until [ -c CONTROL ]; do sleep 0.1; done
exec < CONTROL > CONTROL 2> /dev/console
stty raw -echo
echo BEGIN 0 0 0
while read -r number command; do
  (eval "$command") > /tmp/.output 2>&1
  echo BEGIN $number $? $(wc -c < /tmp/.output)
  cat /tmp/.output
done
"""


def libraries(program):
    """The loader and the libraries of a program, by their paths."""
    text = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return sorted(set(re.findall(r"(/\S+) \(0x", text)))


def cpio_entry(number, name, mode, data=b""):
    name = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    entry = header + name
    entry += bytes(-len(entry) % 4) + data
    return entry + bytes(-len(data) % 4)


def archive(files):
    """A newc archive, compressed. `files`: path in the guest -> (mode, bytes)."""
    folders = sorted({"/".join(path.split("/")[:i]) for path in files for i in range(1, path.count("/") + 1)})
    entries = [cpio_entry(i, name, stat.S_IFDIR | 0o755) for i, name in enumerate(folders, 1)]
    entries += [cpio_entry(1000 + i, name, stat.S_IFREG | mode, data) for i, (name, (mode, data)) in enumerate(sorted(files.items()))]
    return gzip.compress(b"".join(entries) + cpio_entry(0, "TRAILER!!!", 0), 1)


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def contents(kernel, programs):
    """The files of a guest: path -> (mode, bytes)."""
    init = INIT.replace("CONTROL", kernel.machine.control)
    files = {"init": (0o755, init.encode()), "bin/busybox": (0o755, read_file(kernel.busybox))}
    for module in kernel.modules:
        files["modules/" + os.path.basename(module)] = (0o644, read_file(module))
    for program in programs:
        files["bin/" + os.path.basename(program)] = (0o755, read_file(program))
        for library in libraries(program):
            files[library.lstrip("/")] = (0o755, read_file(library))
    return files
