# SPDX-License-Identifier: Apache-2.0
"""What the agent costs a host on which nothing happens: how often it wakes, and its CPU time. Processes
that others start wake the broker, so their number stands beside it."""
import re
import time

from harness import target
from harness.agent import BEFORE, BINARY, Agent
from harness.paired import Spread

TITLE = "an idle host, one nginx selected"
SETTLE = 12


def _forks():
    with open("/proc/stat") as file:
        return int(re.search(r"^processes (\d+)", file.read(), re.M).group(1))


def _watch(binary, seconds):
    nginx = target.Nginx()
    agent = Agent({"OTEL_EBPF_OPEN_PORT": str(nginx.port)}, binary=binary).wait_ready()
    time.sleep(SETTLE)
    wakes, cpu, forks = agent.sleeps(), agent.cpu_ns(), _forks()
    time.sleep(seconds)
    found = ((agent.sleeps() - wakes) / seconds, (agent.cpu_ns() - cpu) / seconds / 1e7,
             (_forks() - forks) / seconds)
    agent.stop()
    nginx.close()
    return found


def run(report, quick):
    for name, binary in [("", BINARY), (", before", BEFORE)]:
        if not binary:
            continue
        runs = [_watch(binary, 10 if quick else 30) for _ in range(1 if quick else 3)]
        wakes, cpu, forks = [Spread(column) for column in zip(*runs)]
        judged = {} if name else {"most": 1, "void": forks.median > 0.2}
        report.figure("wake-ups" + name, wakes, "1/s", **judged)
        judged = {} if name else {"most": 0.02, "void": forks.median > 0.2}
        report.figure("CPU" + name, cpu, "% of CPU", **judged)
        report.figure("   processes started meanwhile" + name, forks, "1/s")
