# SPDX-License-Identifier: Apache-2.0
"""A collector that answers each request as badly as it can: hostile_collector.py MODE PORT

chunks    200, chunked, one chunk with an extension that never ends
heads     100 Continue, again and again, and no answer
retry     429 with Retry-After: 86400
tls11     TLS up to 1.1 only, with the certificate of argument 3 (and its key in 4)
names     a name server on UDP and TCP: "truncated, ask over TCP", and there a byte a second for good

Prints a line a request, or a line a second with the bytes it could send ("sent N").
"""
import socket
import socketserver
import ssl
import sys
import threading
import time

mode, port = sys.argv[1], int(sys.argv[2])


def say(*words):
    print(*words, flush=True)


def read_request(s):
    data = b''
    while b'\r\n\r\n' not in data:
        piece = s.recv(65536)
        if not piece:
            return False
        data += piece
    head, body = data.split(b'\r\n\r\n', 1)
    length = 0
    for line in head.lower().split(b'\r\n'):
        if line.startswith(b'content-length:'):
            length = int(line.split(b':')[1])
    while len(body) < length:
        piece = s.recv(65536)
        if not piece:
            return False
        body += piece
    return True


def flood(s, begin, piece):
    sent, end = 0, time.time() + 8
    try:
        s.settimeout(2)
        s.sendall(begin)
        while time.time() < end:
            s.sendall(piece)
            sent += len(piece)
    except OSError:
        pass
    say('sent', sent)


class Collector(socketserver.BaseRequestHandler):
    def handle(self):
        s = self.request
        try:
            while read_request(s):
                say('request')
                if mode == 'chunks':
                    return flood(s, b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;', b'x' * 65536)
                if mode == 'heads':
                    return flood(s, b'', b'HTTP/1.1 100 Continue\r\n\r\n' * 1000)
                if mode == 'retry':
                    s.sendall(b'HTTP/1.1 429 Later\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n')
                else:
                    s.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
        except OSError:
            pass


class Names(socketserver.BaseRequestHandler):
    def handle(self):
        say('asked over TCP')
        try:
            self.request.sendall(b'\xff\xff')
            while True:
                self.request.sendall(b'x')
                time.sleep(1)
        except OSError:
            say('cut off')


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def answer_names():
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.bind(('127.0.0.1', port))
    while True:
        query, peer = u.recvfrom(4096)
        # response, recursion available, truncated; one question, nothing else
        u.sendto(query[:2] + b'\x83\x80\x00\x01' + bytes(6) + query[12:], peer)


def main():
    if mode == 'names':
        threading.Thread(target=answer_names, daemon=True).start()
    server = Server(('127.0.0.1', port), Names if mode == 'names' else Collector)
    if mode == 'tls11':
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers('ALL:@SECLEVEL=0')
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.load_cert_chain(sys.argv[3], sys.argv[4])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


main()
