# SPDX-License-Identifier: Apache-2.0
"""Connections that hold a small HTTP server up, beside one honest client that asks every half second.

slow_scrape.py PORT PATH COUNT head|read|gzip|reconnect SECONDS [unix socket]

head: a byte of a head every two seconds.  read: a whole request, and 16 bytes of the answer a second.
gzip: as read, of a compressed answer.
reconnect: as head, and each connection is made anew as soon as it is cut off.
Prints "OK FAILED": the honest client's requests.
"""
import socket
import sys
import threading
import time

port, path, count, mode, seconds = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], float(sys.argv[5])
where = sys.argv[6] if len(sys.argv) > 6 else None
reads = mode in ('read', 'gzip')
ENDS = {'read': b'\r\n', 'gzip': b'Accept-Encoding: gzip\r\n\r\n'}
end = time.time() + seconds
results = [0, 0]


def connect(timeout, read_bytes=None):
    s = socket.socket(socket.AF_UNIX if where else socket.AF_INET)
    s.settimeout(timeout)
    if read_bytes:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, read_bytes)
    s.connect(where or ('127.0.0.1', port))
    return s


def ask():
    try:
        s = connect(4)
        s.sendall(b'GET %s HTTP/1.0\r\n\r\n' % path.encode())
        answer = b''
        while True:
            piece = s.recv(65536)
            if not piece:
                break
            answer += piece
        s.close()
        return answer.startswith(b'HTTP/1.') and b' 200 OK' in answer[:20]
    except OSError:
        return False


def honest():
    while time.time() < end:
        results[0 if ask() else 1] += 1
        time.sleep(0.5)


def attack():
    try:
        s = connect(2, 2048 if reads else None)
        s.sendall(b'GET %s HTTP/1.1\r\nHost: x\r\n' % path.encode() + ENDS.get(mode, b'X: '))
        s.setblocking(False)
        return s
    except OSError:
        return None


connections = [attack() for _ in range(count)]
thread = threading.Thread(target=honest)
thread.start()
while time.time() < end:
    time.sleep(0.2 if mode == 'reconnect' else 1 if reads else 2)
    for i, s in enumerate(connections):
        try:
            if s is None:
                raise OSError
            if reads:
                s.recv(16)
            else:
                s.send(b'a')
        except BlockingIOError:
            pass
        except OSError:
            if s:
                s.close()
            connections[i] = attack() if mode == 'reconnect' else None
thread.join()
print(*results)
