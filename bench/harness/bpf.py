# SPDX-License-Identifier: Apache-2.0
"""Statistics of BPF programs: how often each ran, how long, how large it is."""
import ctypes
import json
import os
import platform
import re

from harness import process

_SYS_BPF = {"x86_64": 321, "aarch64": 280}
_ENABLE_STATS = 32  # enum bpf_cmd
_libc = ctypes.CDLL(None, use_errno=True)


class Stats:
    """Counting is on as long as this lives; the kernel turns it off with the descriptor."""

    def __enter__(self):
        attributes = (ctypes.c_uint32 * 4)()  # type 0: run time
        self._fd = _libc.syscall(_SYS_BPF[platform.machine()], _ENABLE_STATS,
                                 ctypes.byref(attributes), ctypes.sizeof(attributes))
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "BPF_ENABLE_STATS")
        return self

    def __exit__(self, *_):
        os.close(self._fd)


def _fields(path):
    with open(path) as file:
        return {key: int(value) for key, value in re.findall(r"^(\w+):\s+(\d+)$", file.read(), re.M)}


def held(pids, kind):
    """Programs ("prog_id") or maps ("map_id") that the processes hold descriptors of: what is
    said of each in /proc/PID/fdinfo, by id."""
    found = {}
    for pid in pids:
        folder = "/proc/%d/fdinfo" % pid
        for name in os.listdir(folder):
            try:
                fields = _fields(os.path.join(folder, name))
            except FileNotFoundError:
                continue
            if kind in fields:
                found.setdefault(fields[kind], {}).update(fields)
    return found


def programs():
    """By id: name, type, run_cnt, run_time_ns, bytes_xlated, bytes_jited."""
    shown = json.loads(process.run(["bpftool", "-j", "prog", "show"]) or "[]")
    return {program["id"]: program for program in shown}
