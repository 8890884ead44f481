#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Both ends of a TCP connection, byte by byte as written here.

    conversations.py serve PORT NAME...       the next connection plays the next name
    conversations.py play HOST PORT NAME...

Each end sends what is its own when it has received all that came before.
"""
import socket
import sys
import time


def answer(status, body=b"", version=b"HTTP/1.1"):
    return b"%s %d X\r\nContent-Length: %d\r\n\r\n%s" % (version, status, len(body), body)


def get(path, version=b"HTTP/1.1", method=b"GET"):
    return b"%s %s %s\r\nHost: a\r\n\r\n" % (method, path, version)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

CONVERSATIONS = {
    # What stands in the middle of a head passes the other way.
    "request-line": [("C", get(b"/a") + b"GE"), ("S", answer(201)), ("C", get(b"/b")[2:]), ("S", answer(404))],
    "request-fields": [("C", get(b"/a") + b"GET /b HTTP/1.1\r\nHo"), ("S", answer(201)),
                       ("C", b"st: x\r\nX: %s\r\n" % (b"x" * 600)), ("C", b"\r\n" + get(b"/c")),
                       ("S", answer(404) + answer(500))],
    "response": [("C", get(b"/a")), ("S", answer(201)[:20]), ("C", get(b"/b")),
                 ("S", answer(201)[20:] + answer(404)), ("C", get(b"/c")), ("S", answer(500)),
                 ("C", get(b"/d")), ("S", answer(202))],
    "status-line": [("C", b"POST /a HTTP/1.1\r\nContent-Length: 10\r\n\r\n01234"), ("S", b"HTTP/1."),
                    ("C", b"56789"), ("S", b"1 413 X\r\nContent-Length: 0\r\n\r\n")],
    "early": [("C", get(b"/a")[:-1]), ("S", answer(408)), ("C", b"\n"), ("C", get(b"/b")), ("S", answer(202))],
    # Against the rules, but understood.
    "odd-versions": [("C", get(b"/1.0.8", b"HTTP/1.0.8")), ("S", answer(200, version=b"HTTP/1.0.8")),
                     ("C", get(b"/1.", b"HTTP/1.")), ("S", answer(201, version=b"HTTP/2")),
                     ("C", get(b"/1.10", b"HTTP/1.10")), ("S", b"\r\n" + answer(202)),
                     ("C", get(b"/blank", b"HTTP/1.1 ")), ("S", b"HTTP/1.1  203 X\r\nContent-Length: 0\r\n\r\n"),
                     ("C", get(b"/nul")), ("S", b"HTTP/1.1 205 X\r\nX: \0\r\nContent-Length: 0\r\n\r\n"),
                     ("C", get(b"/none")), ("S", b"HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n")],
    "patch": [("C", get(b"/lower", method=b"patch")), ("S", answer(200))],
    "long-method": [("C", get(b"/long", method=b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJ")), ("S", answer(200))],
    "short-method": [("C", get(b"/short", method=b"x-1")), ("S", answer(200))],
    # What stands before the first request.
    "proxy-1": [("C", b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 80\r\n" + get(b"/together")), ("S", answer(200))],
    "proxy-1-alone": [("C", b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 80\r\n"), ("C", get(b"/alone")),
                      ("S", answer(200))],
    "proxy-2": [("C", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x13" + b"\xc0" * 12 + b"\x04\0\x04GET "),
                ("C", get(b"/tlv")), ("S", answer(200))],
    "empty-line": [("C", b"\r\n" + get(b"/line")), ("S", answer(200))],
    "socks": [("C", b"\5\1\0"), ("S", b"\5\0"), ("C", b"\5\1\0\1\x7f\0\0\1\0\x50"), ("S", b"\5\0\0\1" + b"\0" * 6),
              ("C", get(b"/socks")), ("S", answer(200))],
    # How long an answer is. A number is a pause, in seconds.
    "small-writes": [("C", get(b"/small")), ("S", CHUNKED), ("S", b"5\r\n"), ("S", b"hello"), ("S", b"\r\n"), 2,
                     ("S", b"0\r\n"), ("S", b"\r\n"), 1],
    "last-alone": [("C", get(b"/alone")), ("S", CHUNKED + b"5\r\nhello\r\n"), 2, ("S", b"0\r\n\r\n"), 1],
    "alternating": [("C", b"POST /both HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), ("S", CHUNKED)] +
                   [(end, b"5\r\nhello\r\n") for _ in range(20) for end in "CS"] +
                   [("C", b"0\r\n\r\n"), 1.5, ("S", b"0\r\n\r\n"), ("C", get(b"/next")), ("S", answer(204))],
    "websocket": [("C", get(b"/ws")), ("S", b"HTTP/1.1 101 X\r\n\r\n")] +
                 [(end, b"\x81\x05hello") for _ in range(20) for end in "CS"],
}


def play(sock, end, steps):
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for step in steps:
        if not isinstance(step, tuple):
            time.sleep(step)
        elif step[0] == end:
            sock.sendall(step[1])
            time.sleep(0.02)  # a write of its own, read alone
        else:
            left = len(step[1])
            while left:
                piece = sock.recv(left)
                if not piece:
                    raise SystemExit("the other end is gone")
                left -= len(piece)
    sock.close()


def main():
    if sys.argv[1] == "serve":
        with socket.create_server(("127.0.0.1", int(sys.argv[2]))) as server:
            for name in sys.argv[3:]:
                play(server.accept()[0], "S", CONVERSATIONS[name])
    else:
        for name in sys.argv[4:]:
            play(socket.create_connection((sys.argv[2], int(sys.argv[3]))), "C", CONVERSATIONS[name])


main()
