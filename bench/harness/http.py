# SPDX-License-Identifier: Apache-2.0
"""The smallest HTTP client that keeps its connection."""
import socket


class Client:
    def __init__(self, port, host="127.0.0.1", timeout=5.0):
        self._address = (host, port)
        self._timeout = timeout
        self._socket = None

    def get(self, path):
        """Status and body; one more try where the server closed an idle connection."""
        for last in (False, True):
            try:
                return self._exchange(path)
            except OSError:
                self.close()
                if last:
                    raise

    def close(self):
        if self._socket:
            self._socket.close()
        self._socket = None

    def _exchange(self, path):
        if not self._socket:
            self._socket = socket.create_connection(self._address, self._timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = "GET %s HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % ((path,) + self._address)
        self._socket.sendall(request.encode())
        return self._reply()

    def _reply(self):
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
        if b"chunked" in fields.get(b"transfer-encoding", b""):
            body = self._chunks(body)
        else:
            while len(body) < int(fields.get(b"content-length", 0)):
                body += self._more()
        if b"close" in fields.get(b"connection", b""):
            self.close()
        return int(head.split(b" ", 2)[1]), body.decode()

    def _chunks(self, data):
        body = b""
        while True:
            while b"\r\n" not in data:
                data += self._more()
            size, _, data = data.partition(b"\r\n")
            size = int(size.split(b";")[0], 16)
            while len(data) < size + 2:
                data += self._more()
            body, data = body + data[:size], data[size + 2:]
            if size == 0:
                return body

    def _more(self):
        data = self._socket.recv(262144)
        if not data:
            raise ConnectionResetError("closed")
        return data
