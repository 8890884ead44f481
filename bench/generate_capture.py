#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a large capture of HTTP over keep-alive connections, as a server's host would have it.

    generate_capture.py FILE EXCHANGES [short|browser] [--connections N] [--acks] [--body BYTES]

An exchange is a request and a response, a packet each; with --acks pure acknowledgements come
between them, with --body the response has a body of several packets. The connections take turns,
so that their state is as cold as that of a busy server's would be. The same arguments give the
same bytes."""
import argparse
import struct

SHORT = b"GET /users/%06d HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"
BROWSER = (
    b"GET /wp-content/uploads/2010/03/hello-%06d.jpg HTTP/1.1\r\n"
    b"Host: www.example.org\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    b"Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\n"
    b"Accept-Encoding: gzip, deflate, br\r\n"
    b"Referer: https://www.example.org/gallery/2010/03/index.html\r\n"
    b"Connection: keep-alive\r\n"
    b"Cookie: session=0123456789abcdef0123456789abcdef; visits=2; lasttime=1733834129; "
    b"campaign=xxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx; referral=reader.example.org\r\n"
    b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
    b"\r\n")
RESPONSE = (b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Tue, 24 Nov 2026 10:00:00 GMT\r\n"
            b"Content-Type: text/plain\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n")

EPOCH = 1700000000
STEP_US = 5  # between packets
MSS = 1448
SYN, ACK, PSH = 2, 16, 24
PCAP = struct.Struct("<IIII")
ETHERNET = b"\2\0\0\0\0\1" b"\2\0\0\0\0\2" b"\x08\0"
IP = struct.Struct(">BBHHHBBH4s4s")
TCP = struct.Struct(">HHIIBBHHH")
SERVER = bytes((10, 0, 0, 1))


class Writer:
    def __init__(self, file):
        self.file, self.now, self.chunks, self.size = file, 0, [], 0
        self.put(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))

    def put(self, data):
        self.chunks.append(data)
        self.size += len(data)
        if len(self.chunks) >= 4096:
            self.flush()

    def flush(self):
        self.file.write(b"".join(self.chunks))
        self.chunks = []

    def packet(self, src, dst, seq, ack, flags, payload=b""):
        total = 40 + len(payload)
        self.now += STEP_US
        self.put(PCAP.pack(EPOCH + self.now // 1000000, self.now % 1000000, 14 + total, 14 + total)
                 + ETHERNET
                 + IP.pack(0x45, 0, total, 0, 0x4000, 64, 6, 0, src[0], dst[0])
                 + TCP.pack(src[1], dst[1], seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, 65535,
                            0, 0)
                 + payload)


class Connection:
    def __init__(self, writer, number):
        self.writer = writer
        self.client = (bytes((10, 1 + number // 60000, number // 250 % 240, 1 + number % 250)),
                       1024 + number % 60000)
        self.server = (SERVER, 8080)
        self.sent, self.answered = 1000 * number + 1, 2000 * number + 1
        writer.packet(self.client, self.server, self.sent - 1, 0, SYN)
        writer.packet(self.server, self.client, self.answered - 1, self.sent, SYN | ACK)
        writer.packet(self.client, self.server, self.sent, self.answered, ACK)

    def exchange(self, request, response, acks):
        self.writer.packet(self.client, self.server, self.sent, self.answered, PSH, request)
        self.sent += len(request)
        if acks:
            self.writer.packet(self.server, self.client, self.answered, self.sent, ACK)
        for at in range(0, len(response), MSS):
            part = response[at:at + MSS]
            self.writer.packet(self.server, self.client, self.answered, self.sent, PSH, part)
            self.answered += len(part)
            if acks:
                self.writer.packet(self.client, self.server, self.sent, self.answered, ACK)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file")
    parser.add_argument("exchanges", type=int)
    parser.add_argument("kind", nargs="?", choices=("short", "browser"), default="short")
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--acks", action="store_true")
    parser.add_argument("--body", type=int, default=6)
    arguments = parser.parse_args()
    head = BROWSER if arguments.kind == "browser" else SHORT
    response = RESPONSE % arguments.body + b"x" * arguments.body
    with open(arguments.file, "wb") as file:
        writer = Writer(file)
        connections = [Connection(writer, i) for i in range(arguments.connections)]
        for i in range(arguments.exchanges):
            connections[i % len(connections)].exchange(head % (i % 1000000), response,
                                                       arguments.acks)
        writer.flush()
    print("messages=%d bytes=%d" % (2 * arguments.exchanges, writer.size))


if __name__ == "__main__":
    main()
