# SPDX-License-Identifier: Apache-2.0
"""The targets and their loads: nginx with one worker that answers `return 200`, and wrk; redis-server, and
redis-benchmark.

Where there are two CPUs, the target has the last one and the load the first, so that a round
is like the next. The agent runs where the scheduler puts it.
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from harness import http, process

_CONFIG = """
worker_processes 1;
worker_cpu_affinity {mask};
daemon off;
pid {dir}/pid;
error_log {dir}/error.log;
events {{ worker_connections {connections}; }}
worker_rlimit_nofile 65536;
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{ listen 127.0.0.1:{port}{tls}; location / {{ return 200 "hello\\n"; }} }}
    server {{ listen 127.0.0.1:{status}; location / {{ stub_status; }} }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _certificate(directory):
    key, cert = directory + "/key.pem", directory + "/cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                    "-out", cert, "-days", "2", "-subj", "/CN=localhost"],
                   check=True, stderr=subprocess.DEVNULL)
    return " ssl; ssl_certificate %s; ssl_certificate_key %s" % (cert, key)


class Nginx:
    def __init__(self, tls=False, connections=512, port=None):
        cpus = os.cpu_count() or 1
        self.port, self._status_port = port or free_port(), free_port()
        self._dir = tempfile.mkdtemp(prefix="bench-nginx-")
        os.chmod(self._dir, 0o755)
        self.url = "%s://127.0.0.1:%d/" % ("https" if tls else "http", self.port)
        path = os.path.join(self._dir, "nginx.conf")
        with open(path, "w") as file:
            file.write(_CONFIG.format(dir=self._dir, port=self.port, status=self._status_port,
                                      connections=connections,
                                      tls=_certificate(self._dir) if tls else "",
                                      mask="1" + "0" * (cpus - 1)))
        self._master = process.start(["nginx", "-e", self._dir + "/error.log", "-c", path],
                                     stderr=subprocess.DEVNULL)
        self._client = http.Client(self._status_port)
        self._own = 0
        try:
            process.until(self._answers, 5, "nginx")
            self.pid = process.until(lambda: process.children(self._master.pid), 5, "its worker")[0]
        except process.Failed:
            self.close()
            raise

    def _answers(self):
        try:
            return self.requests() >= 0
        except OSError:
            return False

    def requests(self):
        """Requests served so far, without those for this very figure."""
        _, text = self._client.get("/")
        self._own += 1
        return int(text.split("requests\n")[1].split()[2]) - self._own

    def reading(self):
        """CPU nanoseconds and requests at one moment: the CPU time is that in the middle of the
        question for the other."""
        before = process.cpu_ns(self.pid)
        requests = self.requests()
        return (before + process.cpu_ns(self.pid)) / 2, requests

    def close(self):
        self._client.close()
        process.stop(self._master)
        shutil.rmtree(self._dir, ignore_errors=True)


class Wrk:
    def __init__(self, url, connections=16):
        self._wrk = process.start(
            ["taskset", "-c", "0", "wrk", "-t1", "-c%d" % connections, "-d3600s", url],
            stdout=subprocess.DEVNULL)

    def close(self):
        process.stop(self._wrk, signal.SIGINT)


class Redis:
    """One redis-server that keeps nothing on disk, and the commands that it says it has processed."""

    def __init__(self):
        self.port = free_port()
        self._server = process.start(
            ["taskset", "-c", str((os.cpu_count() or 1) - 1), "redis-server", "--port", str(self.port),
             "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)
        self.pid = self._server.pid
        self._own, self._socket = 0, None
        try:
            self._socket = process.until(self._connect, 5, "redis-server")
        except process.Failed:
            self.close()
            raise

    def _connect(self):
        try:
            return socket.create_connection(("127.0.0.1", self.port), timeout=5)
        except OSError:
            return None

    def requests(self):
        """Commands processed so far, without those for this very figure."""
        self._socket.sendall(b"INFO stats\r\n")
        text = b""
        while b"total_commands_processed:" not in text or not text.endswith(b"\r\n"):
            text += self._socket.recv(65536)
        self._own += 1
        return int(text.split(b"total_commands_processed:")[1].split()[0]) - self._own

    def reading(self):
        before = process.cpu_ns(self.pid)
        requests = self.requests()
        return (before + process.cpu_ns(self.pid)) / 2, requests

    def close(self):
        if self._socket:
            self._socket.close()
        process.stop(self._server)


class RedisBenchmark:
    """GETs of a key that there is not, pipeline of them at a time."""

    def __init__(self, port, pipeline):
        self._load = process.start(
            ["taskset", "-c", "0", "redis-benchmark", "-p", str(port), "-t", "get", "-c", "16", "-l", "-q",
             "-n", "1000000", "-P", str(pipeline)], stdout=subprocess.DEVNULL)

    def close(self):
        process.stop(self._load, signal.SIGINT)


class Window:
    """What the target spent for each request in a span of time."""

    def __init__(self, nginx, seconds):
        with process.Urgent():
            cpu, requests = nginx.reading()
            began = time.monotonic()
            time.sleep(seconds)
            cpu_end, requests_end = nginx.reading()
        self.seconds = time.monotonic() - began
        self.requests = requests_end - requests
        if self.requests <= 0:
            raise process.Failed("the target served no request in a window")
        self.ns = (cpu_end - cpu) / self.requests
