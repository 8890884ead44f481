# SPDX-License-Identifier: Apache-2.0
"""How often programs run for a request, and how many instructions that is at most.

In a run of its own: the statistics cost time themselves. A program's instructions times its
runs is an upper bound, since no run takes every branch.
"""
import time

from harness import bpf, target
from harness.agent import Agent, Naive

TITLE = "program runs and BPF instructions for each request, both ends on this host"
INSTRUCTION = 8  # bytes


class _Window:
    """Runs and time of the bench's own programs, and requests, over some seconds."""

    def __init__(self, own, nginx, seconds):
        before, requests = self._of(own), nginx.requests()
        time.sleep(seconds)
        after = self._of(own)
        self.requests = nginx.requests() - requests
        self.programs = after
        self.runs = self._grown(before, "run_cnt")
        self.spent = self._grown(before, "run_time_ns")

    @staticmethod
    def _of(own):
        return {number: program for number, program in bpf.programs().items() if number in own}

    def _grown(self, before, field):
        return {number: program.get(field, 0) - before[number].get(field, 0)
                for number, program in self.programs.items()}


def _measure(report, name, own, nginx, seconds):
    """The hooks are the whole host's: what ran without the load, in as many seconds, is not the
    load's. That of wrk is: its sends and receives pass the same hooks."""
    with bpf.Stats():
        idle = _Window(own, nginx, seconds)
        wrk = target.Wrk(nginx.url)
        time.sleep(0.5)
        busy = _Window(own, nginx, seconds)
        wrk.close()
    runs = instructions = 0
    for number, program in busy.programs.items():
        size = program["bytes_xlated"] // INSTRUCTION
        ran = (busy.runs[number] - idle.runs[number]) / busy.requests
        if busy.runs[number]:
            report.figure("   %s, %d instructions" % (program.get("name", program["type"]), size),
                          ran, "runs")
        runs, instructions = runs + ran, instructions + ran * size
    spent = sum(busy.spent.values()) - sum(idle.spent.values())
    report.figure(name + ": program runs for each request", runs, "runs")
    report.figure(name + ": instructions for each, at most", instructions)
    report.figure(name + ": time in programs for each request", spent / busy.requests, "ns")
    report.figure("   requests a second", busy.requests / seconds, "1/s")


def _agent(report, name, nginx, seconds):
    agent = Agent({"OTEL_EBPF_OPEN_PORT": str(nginx.port)}).wait_ready()
    time.sleep(0.5)
    _measure(report, "%s, %s" % (name, agent.plane()), bpf.held(agent.pids(), "prog_id"), nginx,
             seconds)
    agent.stop()


def run(report, quick):
    seconds = 1 if quick else 3
    nginx = target.Nginx(tls=True)
    _agent(report, "inside TLS", nginx, seconds)
    nginx.close()
    nginx = target.Nginx()
    _agent(report, "agent", nginx, seconds)
    naive = Naive(nginx.pid)
    _measure(report, "naive", bpf.held([naive.process.pid], "prog_id"), nginx, seconds)
    naive.stop()
    nginx.close()
