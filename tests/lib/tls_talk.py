# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 over TLS by Python's ssl module.

serve PORT CERT KEY: a server, a thread for each connection.
ask PORT COUNT: so many requests on one connection, of a client that waits a moment before them.
old PORT: connects, says ready, waits for a line, asks 10 times, says done.
"""
import http.client
import http.server
import ssl
import sys
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


{"serve": serve, "ask": ask, "old": old}[sys.argv[1]](*sys.argv[2:])
