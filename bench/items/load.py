# SPDX-License-Identifier: Apache-2.0
"""The agent's own CPU, and whether each request became a span, while wrk does what it can."""
import time

from harness import target
from harness.agent import Agent
from harness.paired import Spread

TITLE = "agent at full wrk load, metrics on"
SETTLE = 1.0  # the last responses' spans


def _windows(agent, nginx, count):
    """Window by window: CPU of both processes for each request, and how often a process of the
    agent went to sleep in a second."""
    for _ in range(count):
        began, sleeps = time.monotonic(), agent.sleeps()
        cpu, requests = agent.cpu_ns(), nginx.requests()
        time.sleep(1)
        cost = (agent.cpu_ns() - cpu) / (nginx.requests() - requests)
        yield cost, (agent.sleeps() - sleeps) / (time.monotonic() - began)


def run(report, quick):
    nginx = target.Nginx()
    agent = Agent({"OTEL_EBPF_OPEN_PORT": str(nginx.port)}).wait_ready()
    time.sleep(0.5)
    requests, spans = nginx.requests(), agent.spans(nginx.port)
    began = time.monotonic()
    wrk = target.Wrk(nginx.port)
    time.sleep(0.5)
    cost, wakes = map(Spread, zip(*_windows(agent, nginx, 4 if quick else 15)))
    wrk.close()
    seconds = time.monotonic() - began
    time.sleep(SETTLE)
    requests, spans = nginx.requests() - requests, agent.spans(nginx.port) - spans
    agent.stop()
    nginx.close()
    report.figure("requests a second", requests / seconds, "1/s")
    report.figure("agent CPU for each request", cost, "ns")
    report.figure("agent CPU for 1,000 requests/s", cost.of(lambda ns: ns * 1000 / 1e9 * 100),
                  "% of CPU", most=0.3)
    report.figure("   wake-ups of its processes", wakes, "1/s")
    report.figure("requests served", requests)
    report.figure("spans counted", spans)
    report.figure("spans missing or too many, of requests", abs(requests - spans) / requests * 100,
                  "%", most=0.01)
    for name, value in agent.totals("application totals").items():
        report.figure("   agent's total: " + name, value)
