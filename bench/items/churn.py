# SPDX-License-Identifier: Apache-2.0
"""What processes that have nothing to do with the agent's targets cost it: each is looked at."""
import time

from harness import process, target
from harness.agent import Agent
from harness.paired import Spread

TITLE = "short-lived processes, none of them selected"
_LOOP = "i=0; while [ $i -lt %d ]; do /bin/true; i=$((i + 1)); done"


def _burst(agent, count):
    """CPU of both processes for each process started, and how many were started in a second."""
    cpu, began = agent.cpu_ns(), time.monotonic()
    process.run(["sh", "-c", _LOOP % count])
    took = time.monotonic() - began
    time.sleep(0.1)
    return (agent.cpu_ns() - cpu) / count / 1e3, count / took


def run(report, quick):
    agent = Agent({"OTEL_EBPF_OPEN_PORT": str(target.free_port())}).wait_ready()
    time.sleep(0.5)
    costs, rates = zip(*[_burst(agent, 200) for _ in range(3 if quick else 10)])
    agent.stop()
    report.figure("agent CPU for each process started", Spread(costs), "us")
    report.figure("   so for 500 a second", Spread(costs).of(lambda us: us * 500 / 1e6 * 100),
                  "% of CPU", most=2)
    report.figure("   processes started in a second here", Spread(rates), "1/s")
