# SPDX-License-Identifier: Apache-2.0
"""What the agent costs the target for each request.

wrk keeps nginx busy throughout. For each window one arm is put in place (attached, and seen to
work), given time to settle, and the target's CPU time divided by the requests it served.
"""
import time

from harness import process, target
from harness.agent import Agent, Naive
from harness.paired import Spread, measure

TITLE = "target CPU for each request (nginx return 200, keep-alive, wrk -t1 -c16)"
ARMS = ["agent", "A/A", "other", "naive"]
SETTLE = 0.15


class Bench:
    """The arms, of a server and what keeps it busy."""
    metric = "http_server_request_duration_seconds_count"

    def __init__(self, seconds, server, load):
        self.seconds, self.server, self.load = seconds, server, load
        self.rates, self.events = [], []

    def measure(self, arm):
        putting = getattr(self, "_" + arm, None)
        if not putting:
            return self._window()
        return putting()

    def _window(self):
        time.sleep(SETTLE)
        window = target.Window(self.server, self.seconds)
        self.rates.append(window.requests / window.seconds)
        return window.ns

    def _agent(self):
        agent = Agent({"OTEL_EBPF_OPEN_PORT": str(self.server.port)}).wait_ready()
        agent.wait_span(self.server.port, self.metric)
        before, spans = self.server.requests(), agent.spans(self.server.port, metric=self.metric)
        ns = self._window()
        if agent.spans(self.server.port, metric=self.metric) - spans < (self.server.requests() - before) // 2:
            raise process.Failed("the agent counts less than half of the requests")
        agent.stop()
        return ns

    def _other(self):
        agent = Agent({"OTEL_EBPF_OPEN_PORT": str(target.free_port())}).wait_ready()
        ns = self._window()
        if agent.spans(self.server.port):
            raise process.Failed("the agent counts requests of a process it was not to select")
        agent.stop()
        return ns

    def _naive(self):
        naive = Naive(self.server.pid)
        requests, before = self.server.requests(), naive.counts()
        ns = self._window()
        after, requests = naive.counts(), self.server.requests() - requests
        self.events.append((after["events"] - before["events"]) / requests)
        naive.stop()
        return ns

    def close(self):
        self.load.close()
        self.server.close()


def of_nginx(seconds, tls=False, kind=Bench):
    nginx = target.Nginx(tls)
    return kind(seconds, nginx, target.Wrk(nginx.url))


def run(report, quick):
    bench = of_nginx(0.2 if quick else 0.4)
    try:
        rounds = measure(report, ARMS, 6 if quick else 30, bench.measure)
    finally:
        bench.close()
    _say(report, rounds, bench)


def _say(report, rounds, bench):
    void = rounds.void
    for arm in ["bare"] + ARMS:
        report.figure("ns for each request, " + arm, rounds.spread(arm), "ns")
    report.figure("ratio, A/A (within 1.5 %, else void)", rounds.ratios("A/A"))
    report.figure("ratio, agent selecting the target", rounds.ratios("agent"), most=1.10,
                  void=void)
    report.figure("ratio, agent selecting another port", rounds.ratios("other"), most=1.03,
                  void=void)
    report.figure("ratio, naive yardstick", rounds.ratios("naive"))
    for arm in ("agent", "other", "naive"):
        report.figure("added to each request, " + arm, rounds.added(arm), "ns")
    added = max(rounds.added("agent").median, 1)
    report.figure("naive adds so many times as much", rounds.added("naive").median / added, "x",
                  least=5, void=void)
    report.figure("events of the naive yardstick for each request", Spread(bench.events))
    report.figure("requests a second", Spread(bench.rates), "1/s")
