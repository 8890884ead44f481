#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Servers that ask an inner server before they answer, and a client that asks them.

    middle.py inner PORT
    middle.py KIND PORT INNER_PORT
    middle.py load PORT COUNT AT_ONCE

A request for /outer/N makes one for /inner/N after a little while, so that it is known which belongs to
which. KIND: loop (one thread, asyncio), thread (one for each connection), workers (one thread reads,
eight ask and answer, over connections that they share).
"""
import asyncio
import http.client
import http.server
import queue
import random
import re
import socket
import sys
import threading
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
REQUEST = "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def number(head):
    return re.match(rb"GET /\w+/(\w+) ", head).group(1).decode()


def inner_path(head):
    return "/inner/" + number(head)


def begin(port, serve):
    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=512)
        await server.serve_forever()

    asyncio.run(main())


def inner(port):
    async def serve(reader, writer):
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(random.random() * 0.003)
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    begin(int(port), serve)


def loop(port, inner_port):
    idle = []

    async def ask(path):
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", int(inner_port))
        writer.write((REQUEST % path).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)
        idle.append((reader, writer))
        return head

    async def serve(reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(random.random() * 0.004)
                await ask(inner_path(head))
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    begin(int(port), serve)


def thread(port, inner_port):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            time.sleep(random.random() * 0.004)
            connection = http.client.HTTPConnection("127.0.0.1", int(inner_port), timeout=20)
            connection.request("GET", "/inner/" + self.path.split("/")[-1])
            connection.getresponse().read()
            connection.close()
            self.wfile.write(ANSWER)

        def log_message(self, *args):
            pass

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 512

    Server(("127.0.0.1", int(port)), Handler).serve_forever()


def receive_head(sock):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(4096)
        if not piece:
            return None
        data += piece
    return data


def workers(port, inner_port):
    jobs, idle = queue.Queue(), queue.Queue()

    def ask(path):
        try:
            sock = idle.get_nowait()
        except queue.Empty:
            sock = socket.create_connection(("127.0.0.1", int(inner_port)), timeout=20)
        sock.sendall((REQUEST % path).encode())
        receive_head(sock)
        idle.put(sock)

    def work():
        while True:
            sock, head = jobs.get()
            time.sleep(random.random() * 0.004)
            ask(inner_path(head))
            sock.sendall(ANSWER)

    for _ in range(8):
        threading.Thread(target=work, daemon=True).start()
    poller, socks = __import__("select").epoll(), {}
    listener = socket.create_server(("127.0.0.1", int(port)), backlog=512)
    poller.register(listener, 1)
    while True:
        for fd, _ in poller.poll():
            if fd == listener.fileno():
                sock, _ = listener.accept()
                socks[sock.fileno()] = sock
                poller.register(sock, 1)
                continue
            head = receive_head(socks[fd])
            if head:
                jobs.put((socks[fd], head))
            else:
                socks.pop(fd).close()


def load(port, count, at_once):
    """COUNT requests, AT_ONCE at a time, each client on a connection that it keeps for eight."""

    def client(first):
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
        for done, i in enumerate(range(first, int(count), int(at_once))):
            if done % 8 == 7:
                connection.close()
            connection.request("GET", "/outer/%d" % i)
            if connection.getresponse().read() != b"ok":
                raise SystemExit("a wrong answer")

    clients = [threading.Thread(target=client, args=(i,)) for i in range(int(at_once))]
    for c in clients:
        c.start()
    for c in clients:
        c.join()


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
