#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what passes an interface to a pcap file until SIGTERM.

    capture.py INTERFACE FILE

Of loopback, which shows each packet twice, only what comes in.
"""
import signal
import socket
import struct
import sys
import time

ETH_P_ALL = 3
PACKET_OUTGOING = 4
LINKTYPE_ETHERNET = 1


def main():
    interface, path = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
    sock.bind((interface, 0))
    with open(path, "wb", buffering=0) as file:
        file.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, LINKTYPE_ETHERNET))
        while True:
            data, address = sock.recvfrom(262144)
            if address[2] == PACKET_OUTGOING and interface == "lo":
                continue
            now = time.time()
            head = struct.pack("=IIII", int(now), int(now % 1 * 1000000), len(data), len(data))
            file.write(head + data)


main()
