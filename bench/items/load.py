# SPDX-License-Identifier: Apache-2.0
"""The agent's own CPU, and whether each request became a span, while wrk does what it can."""
import time

from harness import process, target
from harness.agent import Agent
from harness.paired import Spread

TITLE = "agent at full wrk load, metrics on"
SETTLE = 1.0  # the last responses' spans


def _windows(agent, nginx, count):
    """Window by window: CPU of the broker and the worker for each request, and how often a
    process of the agent went to sleep in a second."""
    broker, worker = agent.pids()[:2]
    for _ in range(count):
        began, sleeps = time.monotonic(), agent.sleeps()
        before, requests = (process.cpu_ns(broker), process.cpu_ns(worker)), nginx.requests()
        time.sleep(1)
        after, requests = (process.cpu_ns(broker), process.cpu_ns(worker)), \
            nginx.requests() - requests
        yield ((after[0] - before[0]) / requests, (after[1] - before[1]) / requests,
               (agent.sleeps() - sleeps) / (time.monotonic() - began))


def run(report, quick):
    nginx = target.Nginx()
    agent = Agent({"OTEL_EBPF_OPEN_PORT": str(nginx.port)}).wait_ready()
    time.sleep(0.5)
    requests, spans = nginx.requests(), agent.spans(nginx.port)
    began = time.monotonic()
    wrk = target.Wrk(nginx.url)
    time.sleep(0.5)
    broker, worker, wakes = zip(*_windows(agent, nginx, 4 if quick else 15))
    cost = Spread(map(sum, zip(broker, worker)))
    wrk.close()
    seconds = time.monotonic() - began
    time.sleep(SETTLE)
    requests, spans = nginx.requests() - requests, agent.spans(nginx.port) - spans
    agent.stop()
    nginx.close()
    report.figure("requests a second", requests / seconds, "1/s")
    report.figure("agent CPU for each request", cost, "ns")
    report.figure("   of it the worker: records, spans, metrics", Spread(worker), "ns")
    report.figure("   of it the broker: what else happens on the host", Spread(broker), "ns")
    report.figure("agent CPU for 1,000 requests/s", cost.of(lambda ns: ns * 1000 / 1e9 * 100),
                  "% of CPU", most=0.3)
    report.figure("   wake-ups of its processes", Spread(wakes), "1/s")
    report.figure("requests served", requests)
    report.figure("spans counted", spans)
    report.figure("spans missing or too many, of requests", abs(requests - spans) / requests * 100,
                  "%", most=0.01)
    for name, value in agent.totals("application totals").items():
        report.figure("   agent's total: " + name, value)
