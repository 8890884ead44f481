#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An HTTP client that decides itself where the bytes are cut.

    client.py CASE HOST PORT [ARGUMENT...]

Every case checks what it gets back, so that a server which did not do its part is not taken for an
agent that did not see it.
"""
import fcntl
import json
import socket
import struct
import sys
import termios
import time


def connect(host, port):
    sock = socket.create_connection((host, int(port)), timeout=30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class Reader:
    """Reads responses from a connection, keeping what came too early."""

    def __init__(self, sock):
        self.sock = sock
        self.data = b""

    def fill(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise EOFError
        self.data += piece

    def take(self, size):
        while len(self.data) < size:
            self.fill()
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def line(self):
        while b"\r\n" not in self.data:
            self.fill()
        return self.take(self.data.index(b"\r\n") + 2)[:-2]

    def head(self):
        status = int(self.line().split()[1])
        headers = {}
        while True:
            line = self.line()
            if not line:
                return status, headers
            name, value = line.split(b":", 1)
            headers[name.strip().lower().decode()] = value.strip().decode()

    def chunked(self):
        body = b""
        while True:
            size = int(self.line().split(b";")[0], 16)
            if size == 0:
                while self.line():
                    pass
                return body
            body += self.take(size)
            self.line()

    def response(self, method="GET"):
        status, headers = self.head()
        if method == "HEAD" or status in (204, 304) or status < 200:
            return status, b""
        if headers.get("transfer-encoding") == "chunked":
            return status, self.chunked()
        if "content-length" in headers:
            return status, self.take(int(headers["content-length"]))
        body = self.data
        try:
            while True:
                self.fill()
                body = self.data
        except EOFError:
            return status, body


def request(method, target, *headers, body=b"", version="1.1"):
    lines = ["%s %s HTTP/%s" % (method, target, version), "Host: test"]
    lines += list(headers)
    if body and not any(h.lower().startswith("transfer-encoding") for h in headers):
        lines.append("Content-Length: %d" % len(body))
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def expect(status, wanted):
    if status != int(wanted):
        sys.exit("status %s instead of %s" % (status, wanted))


# ---- Cases ----


def get(host, port, target, wanted=200):
    """One request, one connection."""
    sock = connect(host, port)
    sock.sendall(request("GET", target, "Connection: close"))
    status, body = Reader(sock).response()
    expect(status, wanted)
    sys.stdout.write(body.decode(errors="replace"))


def method(host, port, name, target, wanted=200):
    sock = connect(host, port)
    sock.sendall(request(name, target, "Connection: close"))
    expect(Reader(sock).response(name)[0], wanted)


def raw_target(host, port, target, wanted=200, version="1.1"):
    sock = connect(host, port)
    sock.sendall(request("GET", target, "Connection: close", version=version))
    expect(Reader(sock).response()[0], wanted)


def keep_alive(host, port, prefix, count):
    sock = connect(host, port)
    reader = Reader(sock)
    for i in range(int(count)):
        sock.sendall(request("GET", "%s%d" % (prefix, i)))
        expect(reader.response()[0], 200)


def pipelined(host, port, prefix, count):
    """All requests in one write, before any answer."""
    sock = connect(host, port)
    reader = Reader(sock)
    sock.sendall(b"".join(request("GET", "%s%d" % (prefix, i)) for i in range(int(count))))
    for _ in range(int(count)):
        expect(reader.response()[0], 200)


def byte_by_byte(host, port, target):
    sock = connect(host, port)
    for byte in request("GET", target, "Connection: close"):
        sock.sendall(bytes([byte]))
        time.sleep(0.002)
    expect(Reader(sock).response()[0], 200)


def split_in_two(host, port, target):
    """Cut in the request line, then in the header names."""
    sock = connect(host, port)
    data = request("GET", target, "X-Filler: " + "y" * 300, "Connection: close")
    for piece in (data[:3], data[3:60], data[60:]):
        sock.sendall(piece)
        time.sleep(0.05)
    expect(Reader(sock).response()[0], 200)


def late_headers(host, port, target, *headers):
    """The request line, and a while later the rest."""
    sock = connect(host, port)
    line, rest = request("GET", target, "Connection: close", *headers).split(b"\r\n", 1)
    for piece in (line + b"\r\n", rest):
        sock.sendall(piece)
        time.sleep(0.05)
    expect(Reader(sock).response()[0], 200)


def empty_bodies(host, port):
    """Responses without a body, each followed by one that has one, on one connection."""
    sock = connect(host, port)
    reader = Reader(sock)
    for name, target, wanted, headers in (
        ("HEAD", "/file", 200, ()),
        ("GET", "/after-head", 200, ()),
        ("GET", "/none", 204, ()),
        ("GET", "/after-204", 200, ()),
        ("GET", "/file", 304, ("If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT",)),
        ("GET", "/after-304", 200, ()),
    ):
        sock.sendall(request(name, target, *headers))
        expect(reader.response(name)[0], wanted)


def chunked_response(host, port, count):
    sock = connect(host, port)
    reader = Reader(sock)
    for target in ("/chunked/%s" % count, "/after-chunked"):
        sock.sendall(request("GET", target))
        status, body = reader.response()
        expect(status, 200)
        if target.startswith("/chunked") and len(body) != 1000 * int(count):
            sys.exit("%d bytes" % len(body))


def chunked_request(host, port):
    sock = connect(host, port)
    reader = Reader(sock)
    sock.sendall(request("POST", "/upload-chunked", "Transfer-Encoding: chunked"))
    for size in (1, 10, 5000):
        time.sleep(0.02)
        sock.sendall(b"%x\r\n" % size + b"z" * size + b"\r\n")
    sock.sendall(b"0\r\n\r\n")
    status, body = reader.response()
    expect(status, 200)
    if body != b"5011":
        sys.exit("the server read %s bytes" % body)
    sock.sendall(request("GET", "/after-upload"))
    expect(reader.response()[0], 200)


def expect_continue(host, port, size):
    sock = connect(host, port)
    reader = Reader(sock)
    sock.sendall(request("POST", "/continue", "Expect: 100-continue", "Content-Length: " + size))
    status, _ = reader.response()
    expect(status, 100)
    sock.sendall(b"c" * int(size))
    expect(reader.response()[0], 200)


def upgrade(host, port):
    sock = connect(host, port)
    reader = Reader(sock)
    sock.sendall(request("GET", "/socket", "Upgrade: echo", "Connection: Upgrade"))
    expect(reader.response()[0], 101)
    for i in range(5):
        # What follows is another protocol, also where it looks like this one.
        message = b"GET /not-a-request-%d HTTP/1.1\r\n\r\n" % i
        sock.sendall(message)
        if reader.take(len(message)) != message:
            sys.exit("no echo")


def download_slowly(host, port, target, size, seconds):
    """Reads evenly over the time; prints how long it took in milliseconds."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 262144)
    sock.connect((host, int(port)))
    start = time.monotonic()
    sock.sendall(request("GET", target, "Connection: close"))
    reader = Reader(sock)
    expect(reader.head()[0], 200)
    got, size, seconds = len(reader.data), int(size), float(seconds)
    while got < size:
        piece = sock.recv(1 << 20)
        if not piece:
            break
        got += len(piece)
        ahead = start + seconds * got / size - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
    if got != size:
        sys.exit("%d bytes instead of %d" % (got, size))
    print(int((time.monotonic() - start) * 1000))


def upload(host, port, target, size):
    sock = connect(host, port)
    sock.sendall(request("POST", target, "Connection: close", body=b"u" * int(size)))
    expect(Reader(sock).response()[0], 200)


def half_close(host, port, target):
    sock = connect(host, port)
    sock.sendall(request("GET", target, "Connection: close"))
    sock.shutdown(socket.SHUT_WR)
    expect(Reader(sock).response()[0], 200)


def reset(host, port, target):
    """Asks, and is gone by RST before the answer."""
    sock = connect(host, port)
    sock.sendall(request("GET", target))
    time.sleep(0.1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def garbage(host, port):
    """What is no HTTP at all, or nearly."""
    for data in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xaa" * 500,
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0" * 300,
        b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
        b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n",
    ):
        sock = connect(host, port)
        try:
            sock.sendall(data)
            sock.settimeout(0.3)
            while sock.recv(65536):
                pass
        except OSError:
            pass
        sock.close()


def held(host, port, prefix):
    """A connection held open: one request for each line of standard input, on it."""
    sock = connect(host, port)
    reader = Reader(sock)
    for line in sys.stdin:
        sock.sendall(request("GET", prefix + line.strip()))
        expect(reader.response()[0], 200)
        print("done", line.strip(), flush=True)


def many(host, port, prefix, count):
    """A client on http.client: what an application would use."""
    import http.client

    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    for i in range(int(count)):
        connection.request("GET", "%s%d" % (prefix, i))
        response = connection.getresponse()
        body = response.read()
        expect(response.status, 200)
    sys.stdout.write(body.decode(errors="replace"))


def fionread(host, port):
    """Asks the kernel how much waits to be read, as nginx, Java and .NET do, then reads that."""
    sock = connect(host, port)
    sock.sendall(request("GET", "/fionread"))
    end = time.monotonic() + 10
    answer = 0
    while time.monotonic() < end:
        answer = struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, b"\0" * 4))[0]
        if answer:
            break
        time.sleep(0.005)
    time.sleep(0.1)
    answer = struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, b"\0" * 4))[0]
    waiting = len(sock.recv(1 << 20, socket.MSG_DONTWAIT)) if answer else 0
    print(json.dumps({"fionread": answer, "read": waiting}))


def segments(count):
    """Requests on a connection with Nagle's algorithm: segments the server received, each time."""
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname(), timeout=30)
    sock, _ = server.accept()
    received = []
    for i in range(int(count)):
        before = data_segments_in(sock)
        client.sendall(request("GET", "/segments/%d" % i))
        data = b""
        while b"\r\n\r\n" not in data:
            data += sock.recv(1 << 16)
        received.append(data_segments_in(sock) - before)
        sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        expect(Reader(client).response()[0], 204)
    print(json.dumps({"segments": received, "last": data.decode()}))


def data_segments_in(sock):
    """struct tcp_info, tcpi_data_segs_in (linux/tcp.h)"""
    return struct.unpack_from("I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160), 152)[0]


def main():
    case = globals()[sys.argv[1]]
    case(*sys.argv[2:])


main()
