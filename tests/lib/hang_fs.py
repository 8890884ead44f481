#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One file in user space that somebody waits for: hang_fs.py FILE [PROGRAM] mounts itself over FILE.

Alone, its close(2) is never answered. With a PROGRAM it is that program, an ELF file whose section
headers are said to lie behind 1 GiB, where no read(2) is answered: the kernel, which executes it, does
not look there, but who inspects it does. The protocol is that of linux/fuse.h, as far as one regular file takes it. While it runs, whoever
closes a descriptor of FILE waits; when it ends, the mount is dead and they go on.
"""
import ctypes
import os
import stat
import struct
import sys

GETATTR, OPEN, READ, RELEASE, FLUSH, INIT = 3, 14, 15, 18, 25, 26
ENOSYS = 38
FAR = 1 << 30


def read_program(path):
    """With its section headers behind FAR (Elf64_Ehdr, e_shoff at 40)."""
    program = bytearray(open(path, "rb").read())
    struct.pack_into("<Q", program, 40, FAR)
    return bytes(program)


program = read_program(sys.argv[2]) if len(sys.argv) > 2 else b""
size = FAR + (1 << 20) if program else 0


def attributes():
    mode = stat.S_IFREG | 0o755
    return struct.pack("<QQQQQQIIIIIIIIII", 1, size, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def read_at(request):
    """struct fuse_read_in behind the header of 40 bytes: fh, offset, size."""
    _, offset, length = struct.unpack_from("<QQI", request, 40)
    if offset + length > FAR:
        return None
    return program[offset : offset + length].ljust(length, b"\0")


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
        if opcode == FLUSH and not program:
            continue
        body = read_at(request) if opcode == READ else answer(opcode)
        if opcode == READ and body is None:
            continue
        if body is None:
            os.write(device, struct.pack("<IiQ", 16, 0 if opcode == RELEASE else -ENOSYS, unique))
        else:
            os.write(device, struct.pack("<IiQ", 16 + len(body), 0, unique) + body)


main()
