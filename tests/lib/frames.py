#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""frames.py DEVICE: sends one Ethernet frame of each odd kind, as a packet socket may.

All are for nobody (another station's address), and tell by their UDP port what they are.
"""
import socket
import struct
import sys

MACS = b"\x02\x00\x00\x00\x00\x99" + b"\x02\x00\x00\x00\x00\x98"
IPV4, IPV6, Q, AD = 0x0800, 0x86DD, 0x8100, 0x88A8


def udp(port):
    return struct.pack("!HHHH", 4000, port, 8 + 4, 0) + b"word"


def ipv4(port, version=4):
    head = struct.pack("!BBHHHBBH4s4s", version << 4 | 5, 0, 20 + 12, 0, 0, 64, 17, 0,
                       bytes((10, 9, 0, 1)), bytes((10, 9, 0, 2)))
    return head + udp(port)


def ipv6(port, version=6):
    address = bytes.fromhex("fd990000000000000000000000000000")
    return struct.pack("!IHBB", version << 28, 12, 17, 64) + address[:-1] + b"\x01" + \
        address[:-1] + b"\x02" + udp(port)


def frame(ether_type, payload, *tags):
    return MACS + b"".join(struct.pack("!HH", tag, 5) for tag in tags) + \
        struct.pack("!H", ether_type) + payload


FRAMES = [
    frame(IPV4, ipv4(7000)),
    frame(IPV4, ipv4(7001), Q),
    frame(IPV4, ipv4(7002), AD, Q),
    frame(IPV6, ipv6(7003), AD, Q),
    frame(IPV4, ipv4(7004), Q, Q, Q),
    frame(IPV4, ipv4(7005, version=6)),
    frame(IPV6, ipv6(7006, version=4)),
    frame(IPV4, ipv6(7007)),
    frame(IPV6, ipv4(7008) + bytes(40)),
    frame(IPV4, ipv6(7009), AD, Q),
]

with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
    s.bind((sys.argv[1], 0))
    for each in FRAMES:
        s.send(each)
print(len(FRAMES))
