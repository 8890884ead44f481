# SPDX-License-Identifier: Apache-2.0
"""How often programs run for a request, and how many instructions that is at most.

In a run of its own: the statistics cost time themselves. A program's instructions times its
runs is an upper bound, since no run takes every branch.
"""
import time

from harness import bpf, process, target
from harness.agent import Agent, Naive

TITLE = "program runs and BPF instructions for each request"
INSTRUCTION = 8  # bytes


def _say(report, name, before, after, requests):
    runs = instructions = spent = 0
    for number, program in after.items():
        ran = program.get("run_cnt", 0) - before[number].get("run_cnt", 0)
        if not ran:
            continue
        size = program["bytes_xlated"] // INSTRUCTION
        runs, instructions = runs + ran, instructions + ran * size
        spent += program["run_time_ns"] - before[number].get("run_time_ns", 0)
        label = "   %s (%d instructions)" % (program.get("name", program["type"]), size)
        report.figure(label, ran / requests, "runs")
    report.figure(name + ": program runs for each request", runs / requests, "runs")
    report.figure(name + ": instructions for each request, at most", instructions / requests)
    report.figure(name + ": time in programs for each request", spent / requests, "ns")


def _measure(report, name, others, nginx, seconds):
    def own():
        return {number: program for number, program in bpf.programs().items()
                if number not in others}

    time.sleep(0.5)
    with bpf.Stats():
        before, requests = own(), nginx.requests()
        time.sleep(seconds)
        after, requests = own(), nginx.requests() - requests
    if requests <= 0:
        raise process.Failed("no requests")
    _say(report, name, before, after, requests)


def run(report, quick):
    others = set(bpf.programs())
    nginx = target.Nginx()
    wrk = target.Wrk(nginx.port)
    agent = Agent({"OTEL_EBPF_OPEN_PORT": str(nginx.port)}).wait_ready().wait_span(nginx.port)
    _measure(report, "agent (%s)" % agent.plane(), others, nginx, 1 if quick else 3)
    agent.stop()
    naive = Naive(nginx.pid)
    _measure(report, "naive", others, nginx, 1 if quick else 3)
    naive.stop()
    wrk.close()
    nginx.close()
