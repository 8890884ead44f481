# SPDX-License-Identifier: Apache-2.0
"""What the agent costs a system call that has nothing to do with it."""
from harness import process, target
from harness.agent import Agent, Naive
from harness.paired import Spread, measure

TITLE = "getppid, while the agent instruments another process"
ARMS = ["agent", "A/A", "naive"]
WINDOWS = 200  # a round
CALLS = 500  # a window: far shorter than a tick


class _Bench:
    def __init__(self):
        self.nginx = target.Nginx()

    def measure(self, arm):
        """The fastest of the windows: the one that nothing disturbed."""
        helper = None
        if arm == "agent":
            helper = Agent({"OTEL_EBPF_OPEN_PORT": str(self.nginx.port)}).wait_ready()
        elif arm == "naive":
            helper = Naive(self.nginx.pid)
        lines = process.run(["taskset", "-c", "0", "build/bench/getppid", str(WINDOWS),
                             str(CALLS)])
        if helper:
            helper.stop()
        return min(float(line) for line in lines.split())


def run(report, quick):
    bench = _Bench()
    try:
        rounds = measure(report, ARMS, 8 if quick else 20, bench.measure)
    finally:
        bench.nginx.close()
    for arm in ["bare"] + ARMS:
        report.figure("ns a call, " + arm, rounds.spread(arm), "ns")
        report.figure("   the fastest of %d windows" % (WINDOWS * rounds.spread(arm).count),
                      Spread([min(rounds.figures[arm])]), "ns")
    report.figure("ratio, A/A (within 1.5 %, else void)", rounds.ratios("A/A"))
    report.figure("ratio, agent", rounds.ratios("agent"), most=1.01, void=rounds.void)
    report.figure("ratio, naive yardstick", rounds.ratios("naive"))
