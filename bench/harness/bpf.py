# SPDX-License-Identifier: Apache-2.0
"""Statistics of BPF programs: how often each ran, how long, how large it is."""
import ctypes
import json
import os
import platform

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


def programs():
    """By id: name, type, run_cnt, run_time_ns, bytes_xlated, bytes_jited."""
    shown = json.loads(process.run(["bpftool", "-j", "prog", "show"]) or "[]")
    return {program["id"]: program for program in shown}
