#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One file in user space whose close(2) is never answered: hang_fs.py FILE mounts itself over FILE.

The protocol is that of linux/fuse.h, as far as one regular file takes it. While it runs, whoever
closes a descriptor of FILE waits; when it ends, the mount is dead and they go on.
"""
import ctypes
import os
import stat
import struct
import sys

GETATTR, OPEN, RELEASE, FLUSH, INIT = 3, 14, 18, 25, 26
ENOSYS = 38


def attributes():
    mode = stat.S_IFREG | 0o644
    return struct.pack("<QQQQQQIIIIIIIIII", 1, 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer(opcode):
    if opcode == INIT:  # 7.31, no flag
        return struct.pack("<IIIIHHIIHHIIIIIII", 7, 31, 0, 0, 1, 1, 4096, 1, 1, 0, 0, *([0] * 6))
    if opcode == GETATTR:
        return struct.pack("<QII", 0, 0, 0) + attributes()
    if opcode == OPEN:
        return struct.pack("<QIi", 0, 0, 0)
    return None


def main():
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode={stat.S_IFREG | 0o644:o},user_id=0,group_id=0,allow_other"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"hang", sys.argv[1].encode(), b"fuse", 0, options.encode()):
        sys.exit("mount: " + os.strerror(ctypes.get_errno()))
    print("mounted", flush=True)
    while True:
        request = os.read(device, 1 << 17)
        _, opcode, unique = struct.unpack_from("<IIQ", request)
        if opcode == FLUSH:
            continue
        body = answer(opcode)
        if body is None:
            os.write(device, struct.pack("<IiQ", 16, 0 if opcode == RELEASE else -ENOSYS, unique))
        else:
            os.write(device, struct.pack("<IiQ", 16 + len(body), 0, unique) + body)


main()
