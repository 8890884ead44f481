# SPDX-License-Identifier: Apache-2.0
"""Requests that servers answer, though few clients send them: odd_requests.py PORT [NAME...]

Each goes over a connection of its own. Prints "NAME STATUS", 0 where nothing came that is HTTP.
"""
import socket
import sys

BEHIND = b'Host: x\r\nConnection: close\r\n\r\n'

ODD = {
    'plain': b'GET /plain HTTP/1.1\r\n',
    'two-blanks': b'GET  /two-blanks HTTP/1.1\r\n',
    'many-blanks': b'GET' + 20 * b' ' + b'/many-blanks' + 20 * b' ' + b'HTTP/1.1\r\n',
    'blanks-behind': b'GET /blanks-behind HTTP/1.1  \r\n',
    'line-feed': b'\nGET /line-feed HTTP/1.1\r\n',
    'line-feeds': b'\n\n\n\nGET /line-feeds HTTP/1.1\r\n',
    'crlf': b'\r\nGET /crlf HTTP/1.1\r\n',
    'crlfs': b'\r\n\r\n\r\nGET /crlfs HTTP/1.1\r\n',
    'returns': b'\r\r\rGET /returns HTTP/1.1\r\n',
    'long-method': b'A' * 36 + b' /long-method HTTP/1.1\r\n',
    'longer-method': b'B' * 100 + b' /longer-method HTTP/1.1\r\n',
    'small-method': b'get /small-method HTTP/1.1\r\n',
    'odd-method': b'G_E-T /odd-method HTTP/1.1\r\n',
    'digit-method': b'GET1 /digit-method HTTP/1.1\r\n',
    'tab': b'GET\t/tab\tHTTP/1.1\r\n',
    'control': b'GET /control\x01\x02\x1b[31m HTTP/1.1\r\n',
    'delete': b'GET /delete\x7f HTTP/1.1\r\n',
    'tab-in-path': b'GET /tab-in-path\tx HTTP/1.1\r\n',
    'nul': b'GET /nul\x00x HTTP/1.1\r\n',
    'blank-in-path': b'GET /blank-in-path with more HTTP/1.1\r\n',
    'high': b'GET /high\xff\xfe\x9b31m HTTP/1.1\r\n',
    'bidi': '/bidi\u202etxt.exe'.encode().join([b'GET ', b' HTTP/1.1\r\n']),
    'return-in-path': b'GET /return-in-path\rx HTTP/1.1\r\n',
    'no-slash': b'GET no-slash HTTP/1.1\r\n',
    'absolute': b'GET HTTP://x/absolute HTTP/1.1\r\n',
    'bare-feeds': b'GET /bare-feeds HTTP/1.1\nHost: x\nConnection: close\n\n',
    'http-1.0': b'GET /http-1.0 HTTP/1.0\r\n',
    'http-0.9': b'GET /http-0.9\r\n',
    'small-http': b'GET /small-http http/1.1\r\n',
    'http-1.9': b'GET /http-1.9 HTTP/1.9\r\n',
    'http-1.10': b'GET /http-1.10 HTTP/1.10\r\n',
    'nul-in-field': b'GET /nul-in-field HTTP/1.1\r\nX: a\x00b\r\n',
}


def ask(port, name):
    request = ODD[name]
    s = socket.create_connection(('127.0.0.1', port), timeout=2)
    answer = b''
    try:
        s.sendall(request if request.endswith(b'\n\n') else request + BEHIND)
        while True:
            piece = s.recv(65536)
            if not piece:
                break
            answer += piece
    except OSError:
        pass
    s.close()
    words = answer.split(None, 2)
    return int(words[1]) if answer.startswith(b'HTTP/') and words[1].isdigit() else 0


for name in sys.argv[2:] or ODD:
    print(name, ask(int(sys.argv[1]), name), flush=True)
