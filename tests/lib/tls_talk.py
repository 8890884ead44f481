# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 over TLS by Python's ssl module.

serve PORT CERT KEY: a server, a thread for each connection.
ask PORT COUNT: so many requests on one connection, of a client that waits a moment before them.
old PORT: connects, says ready, waits for a line, asks 10 times, says done.
rude PORT COUNT: resets as many connections before the answer as it closes in peace, by turns.
crowd COUNT PORT...: a thread for each port, connections one after the other, each with one request.
tunnel PORT PROXY COUNT: asks through a proxy, by CONNECT.
fork PORT CERT KEY: a server whose children answer on connections that it has accepted.
"""
import http.client
import http.server
import os
import socket
import ssl
import struct
import sys
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *args):
        pass


def serve(port, cert, key):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


def connect(port):
    connection = http.client.HTTPSConnection("localhost", int(port), timeout=10)
    connection.connect()
    return connection


def get(connection, path, count):
    for _ in range(count):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        answer.read()


def ask(port, count):
    time.sleep(0.5)
    get(connect(port), "/asked", int(count))


def old(port):
    connection = connect(port)
    print("ready", flush=True)
    sys.stdin.readline()
    get(connection, "/old", 10)
    print("done", flush=True)


def rude(port, count):
    sys.stdin.readline()
    for _ in range(int(count)):
        connection = connect(port)
        connection.request("GET", "/rude")
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(connection.sock.detach())
        connection = connect(port)
        get(connection, "/calm", 1)
        connection.close()
    print(count)


def crowd(count, *ports):
    def one(port):
        for _ in range(int(count)):
            connection = connect(port)
            get(connection, "/at-" + port, 1)
            connection.close()

    threads = [threading.Thread(target=one, args=(port,)) for port in ports]
    sys.stdin.readline()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(count)


def tunnel(port, proxy, count):
    sys.stdin.readline()
    for _ in range(int(count)):
        connection = http.client.HTTPSConnection("127.0.0.1", int(proxy), timeout=10)
        connection.set_tunnel("localhost", int(port))
        get(connection, "/through", 2)
        connection.close()
    print(count)


def answer(connection):
    while True:
        request = connection.recv(4096)
        if not request:
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


def fork(port, cert, key):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    listener = socket.create_server(("127.0.0.1", int(port)))
    while True:
        connection = context.wrap_socket(listener.accept()[0], server_side=True)
        child = os.fork()
        if child == 0:
            answer(connection)
            os._exit(0)
        os.close(connection.detach())
        os.waitpid(child, 0)


VERBS = {
    "serve": serve,
    "ask": ask,
    "old": old,
    "rude": rude,
    "crowd": crowd,
    "tunnel": tunnel,
    "fork": fork,
}
VERBS[sys.argv[1]](*sys.argv[2:])
