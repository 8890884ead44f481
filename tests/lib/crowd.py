#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Requests that come together, and connections that are broken off.

    crowd.py get|post PORT COUNT BATCH [PADDING]   COUNT requests, BATCH in one write, all answered
    crowd.py upload PORT COUNT SIZE                uploads whose body comes with the head
    crowd.py reset PORT SECONDS                    requests whose connections are reset at once
"""
import os
import socket
import struct
import sys
import time


def connect(port):
    sock = socket.create_connection(("127.0.0.1", port), timeout=20)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def answers(sock, count):
    """Reads so many answers with the status 200; the end of one may be left."""
    data = b""
    seen = 0
    while seen < count:
        piece = sock.recv(1 << 20)
        if not piece:
            raise EOFError(f"{seen} of {count} answers")
        data += piece
        seen += data.count(b"HTTP/1.1 200")
        data = data[-11:] if b"HTTP/1.1 200" not in data[-11:] else b""


def request(kind, n, padding):
    if kind == "post":
        body = b'{"n":%d}' % n
        return b"POST /crowd%d HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (n, len(body)) + body
    return b"GET /crowd%d HTTP/1.1\r\nHost: h\r\nX-Padding: %s\r\n\r\n" % (n, b"a" * padding)


def crowd(kind, port, count, batch, padding=10):
    sock = connect(port)
    for first in range(0, count, batch):
        sock.sendall(b"".join(request(kind, n, padding) for n in range(first, first + batch)))
        answers(sock, batch)


def upload(port, count, size):
    sock = connect(port)
    head = b"POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size
    for _ in range(count):
        sock.sendall(head + b"Text" * (size // 4))
        answers(sock, 1)


def reset(port, seconds):
    end = time.time() + seconds
    while time.time() < end:
        sock = connect(port)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            for _ in range(2):
                sock.send(b"GET /churn HTTP/1.1\r\nHost: h\r\n\r\n")
        except OSError:
            pass
        sock.close()


kind, rest = sys.argv[1], [int(a) for a in sys.argv[2:]]
if kind == "reset":
    for _ in range(4):
        if os.fork() == 0:
            reset(*rest)
            os._exit(0)
    for _ in range(4):
        os.wait()
elif kind == "upload":
    upload(*rest)
else:
    crowd(kind, *rest)
