#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An HTTP/2 client on a socket, that asks one thing at a time on one connection.

    h2_talk.py old PORT COUNT     one request, a line on standard input, and COUNT requests
    h2_talk.py later PORT COUNT   the line first
    h2_talk.py large PORT COUNT   one request, a moment, and /large with COUNT requests beside it
    h2_talk.py slow PORT COUNT    the same, after a moment before the first byte

Paths are /a0, /a1, ... Prints how many requests were answered by 200.
"""
import socket
import struct
import sys
import time

DATA, HEADERS, SETTINGS, PING, WINDOW_UPDATE = 0, 1, 4, 6, 8
WINDOW = 1 << 30
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name_index, value):
    """Into the dynamic table (RFC 7541 section 6.2.1)."""
    return bytes([0x40 | name_index, len(value)]) + value


class Client:
    def __init__(self, port, pause=0):
        self.sock = socket.create_connection(("127.0.0.1", int(port)), timeout=30)
        time.sleep(pause)
        self.sock.sendall(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
            + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, WINDOW))
            + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", WINDOW))
        )
        self.stream = -1
        self.open = set()
        self.answered = 0

    def read(self, size):
        data = b""
        while len(data) < size:
            piece = self.sock.recv(size - len(data))
            if not piece:
                sys.exit("closed by the server")
            data += piece
        return data

    def read_frame(self):
        head = self.read(9)
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        payload = self.read(int.from_bytes(head[:3], "big"))
        if kind in (SETTINGS, PING) and not flags & ACK:
            self.sock.sendall(frame(kind, ACK, 0, payload if kind == PING else b""))
        return kind, flags, stream, payload

    def begin(self, path):
        """A request by itself. Its stream."""
        self.stream += 2
        block = b"\x82\x86" + literal(4, path) + literal(1, b"example.test")
        self.sock.sendall(frame(HEADERS, END_STREAM | END_HEADERS, self.stream, block))
        self.open.add(self.stream)
        return self.stream

    def wait_for(self, wanted):
        while wanted in self.open:
            kind, flags, stream, payload = self.read_frame()
            # :status 200 by the static table; a change of the dynamic table's size may come first.
            if kind == HEADERS and b"\x88" not in payload[:4]:
                sys.exit("not 200: %r" % payload)
            if flags & END_STREAM and kind in (DATA, HEADERS):
                self.open.remove(stream)
                self.answered += 1

    def ask(self, path):
        self.wait_for(self.begin(path))


def main():
    verb, port, count = sys.argv[1:]
    if verb == "later":
        sys.stdin.readline()
    client = Client(port, 0.3 if verb == "slow" else 0)
    if verb == "old":
        client.ask(b"/before")
        sys.stdin.readline()
    if verb in ("large", "slow"):
        client.ask(b"/a0")
        time.sleep(0.3)
        client.begin(b"/large")
    for i in range(int(count)):
        client.ask(b"/a%d" % i)
    for stream in sorted(client.open):
        client.wait_for(stream)
    print(client.answered)


main()
