#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An HTTP server that reads and writes by vectors, one connection after another.

    vectors.py PORT WAY

WAY:
  ones     requests into 1,000 pieces of 1 byte, answers out of pieces of 1 byte
  twos     the same of 2 bytes each: a longer head
  empty    every other piece is empty, the first one too
  uneven   answers out of a long piece and 999 of 1 byte: the end is far in
  mmsg     answers by sendmmsg, one message of pieces of 1 byte
  several  answers by sendmmsg, head and body as two messages
"""
import ctypes
import os
import socket
import sys

libc = ctypes.CDLL(None, use_errno=True)


class Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("len", ctypes.c_size_t)]


class Header(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p), ("name_len", ctypes.c_uint),
        ("pieces", ctypes.POINTER(Piece)), ("count", ctypes.c_size_t),
        ("control", ctypes.c_void_p), ("control_len", ctypes.c_size_t), ("flags", ctypes.c_int),
    ]


class Message(ctypes.Structure):
    _fields_ = [("header", Header), ("sent", ctypes.c_uint)]


def cut(data, size):
    return [data[i:i + size] for i in range(0, len(data), size)]


def with_empty(pieces):
    return [piece for each in pieces for piece in (type(each)(), each)]


def receive(fd, way):
    sizes = [2 if way == "twos" else 1] * 1000
    pieces = [bytearray(size) for size in sizes]
    if way == "empty":
        pieces = with_empty(pieces[:512])
    n = os.readv(fd, pieces)
    return b"".join(pieces)[:n]


def message(pieces):
    array = (Piece * len(pieces))(*[Piece(piece, len(piece)) for piece in pieces])
    return Message(header=Header(pieces=array, count=len(pieces)))


def send(fd, head, body, way):
    answer = head + body
    if way == "mmsg":
        messages = [message(cut(answer, 1))]
    elif way == "several":
        messages = [message([head]), message([body])]
    elif way == "empty":
        return os.writev(fd, with_empty(cut(answer, 1)))
    elif way == "uneven":
        return os.writev(fd, [answer[:-999]] + cut(answer[-999:], 1))
    else:
        return os.writev(fd, cut(answer, 2 if way == "twos" else 1))
    array = (Message * len(messages))(*messages)
    if libc.sendmmsg(fd, array, len(messages), 0) != len(messages):
        raise OSError(ctypes.get_errno(), "sendmmsg")


def main():
    port, way = int(sys.argv[1]), sys.argv[2]
    body = b"." * (1500 if way == "uneven" else 5)
    head = b"HTTP/1.1 200 OK\r\nServer: vectors\r\nContent-Length: %d\r\n\r\n" % len(body)
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        connection, _ = listener.accept()
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            piece = receive(connection.fileno(), way)
            if not piece:
                break
            request += piece
            if request.endswith(b"\r\n\r\n"):
                send(connection.fileno(), head, body, way)
                request = b""
        connection.close()


main()
