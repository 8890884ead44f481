# SPDX-License-Identifier: Apache-2.0
"""How soon there are spans: after the agent's start, and after that of a server; how soon the
agent is gone."""
import os
import re
import threading
import time

from harness import http, process, target
from harness.agent import Agent
from harness.paired import Spread

TITLE = "start and stop"
PERIOD = 0.001  # between two requests
REQUESTS = 200  # to a new server
_SPAN = re.compile(r"\bHTTP\(.*? GET (/\S*?)[( ]")


class Lines:
    """Reads the agent's spans as they are printed, with the time of each."""

    def __init__(self):
        self._read, write = os.pipe()
        self.input = os.fdopen(write, "wb")
        self.spans = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        with os.fdopen(self._read, errors="replace") as lines:
            for line in lines:
                span = _SPAN.search(line)
                if span:
                    self.spans.append((time.monotonic_ns(), span.group(1)))

    def close(self):
        """Only the agent has the other end by now."""
        self.input.close()
        self._thread.join()


class Traffic:
    """A request each millisecond on one connection, until it is closed."""

    def __init__(self, port):
        self._client, self._going = http.Client(port), True
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while self._going:
            self._client.get("/traffic")
            time.sleep(PERIOD)

    def close(self):
        self._going = False
        self._thread.join()
        self._client.close()


def _agent(env):
    lines = Lines()
    agent = Agent(dict(env, OTEL_EBPF_TRACE_PRINTER="text"), output=lines.input, prometheus=False)
    return agent, lines


def _first_span(port):
    """Milliseconds from exec to the first span, of CPU used by then, and from SIGTERM to the
    end."""
    agent, lines = _agent({"OTEL_EBPF_OPEN_PORT": str(port)})
    process.until(lambda: lines.spans, 10, "the first span")
    cpu = agent.cpu_ns() / 1e6
    first = (lines.spans[0][0] - agent.began_ns) / 1e6
    time.sleep(0.1)
    stop = agent.stop() * 1e3
    lines.close()
    return first, cpu, stop


def _new_server(port, lines):
    """Milliseconds from main() of a server to the first request that became a span, and how many
    were sent before it. The client connects as soon as the server listens."""
    seen = len(lines.spans)
    server = process.start(["build/bench/serve", str(port)], stdout=-1)
    began = int(server.stdout.readline().split()[0])
    client, sent = http.Client(port), []
    for number in range(REQUESTS):
        sent.append(time.monotonic_ns())
        client.get("/number/%d" % number)
        time.sleep(PERIOD)
    client.close()
    process.until(lambda: len(lines.spans) > seen, 5, "a span of the new server")
    first = int(lines.spans[seen][1].split("/")[-1])
    process.stop(server)
    server.stdout.close()
    time.sleep(0.2)  # its last spans are printed before the next server's first
    return (sent[first] - began) / 1e6, first


def _new_servers(report, name, port, env, count):
    agent, lines = _agent(env)
    try:
        time.sleep(1)
        times, missed = zip(*[_new_server(port, lines) for _ in range(count)])
        agent.stop()
    finally:
        process.stop(agent.process)
        lines.close()
    report.figure("start of a server to its first request seen, " + name, Spread(times), "ms",
                  most=100)
    report.figure("   requests before that one, not seen", Spread(missed))


def run(report, quick):
    count = 5 if quick else 20
    nginx = target.Nginx()
    traffic = Traffic(nginx.port)
    try:
        first, cpu, stop = zip(*[_first_span(nginx.port) for _ in range(count)])
    finally:
        traffic.close()
        nginx.close()
    report.figure("exec of the agent to its first span", Spread(first), "ms", most=300)
    report.figure("   CPU of both processes by then", Spread(cpu), "ms")
    report.figure("SIGTERM to its end", Spread(stop), "ms", most=1000)
    port = target.free_port()
    _new_servers(report, "by port", port, {"OTEL_EBPF_OPEN_PORT": str(port)}, count)
    _new_servers(report, "by executable", port, {"OTEL_EBPF_AUTO_TARGET_EXE": "*/serve"}, count)
