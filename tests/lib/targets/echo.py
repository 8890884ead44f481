#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server on http.server that answers with what it was asked: method, path, headers, pid.

    echo.py PORT [PROCESSES]      PROCESSES > 0: forks that many after it listens (prefork)

/sleep/MS waits before it answers; a request's body is read and counted.
"""
import http.server
import json
import os
import signal
import socketserver
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        got = len(self.rfile.read(length)) if length else 0
        if self.path.startswith("/sleep/"):
            time.sleep(int(self.path.split("/")[2]) / 1000)
        body = json.dumps({
            "method": self.command,
            "path": self.path,
            "pid": os.getpid(),
            "body": got,
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = answer

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    port, processes = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    server = Server(("", port), Handler)
    pids = []
    for _ in range(processes):
        pid = os.fork()
        if pid == 0:
            server.serve_forever()
        pids.append(pid)
    if not processes:
        server.serve_forever()

    def end(*_):
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    for pid in pids:
        os.waitpid(pid, 0)


main()
