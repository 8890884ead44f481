# SPDX-License-Identifier: Apache-2.0
"""What network mode costs each packet: one flow of small packets over a veth pair."""
import time

from harness import process
from harness.agent import Agent
from harness.netns import BEYOND, Flood, Pair
from harness.paired import measure

TITLE = "CPU for each 64-byte UDP packet over a veth pair, one flow"
ARMS = ["tc", "A/A", "socket_filter"]
SETTLE = 0.15


class _Bench:
    def __init__(self, seconds):
        self.seconds = seconds
        self.pair = Pair()
        self.flood = Flood(self.pair, BEYOND)

    def measure(self, arm):
        agent = None
        if arm in ("tc", "socket_filter"):
            agent = Agent({"OTEL_EBPF_NETWORK_METRICS": "1", "OTEL_EBPF_NETWORK_SOURCE": arm},
                          netns=self.pair.pid).wait_ready()
        time.sleep(SETTLE)
        packets = self.flood.packets()
        ns = self.flood.window(self.seconds)
        packets = self.flood.packets() - packets
        if agent:
            agent.stop()
            if agent.totals("network totals").get("packets", 0) < packets:
                raise process.Failed("the agent saw fewer packets than the window had")
        return ns

    def close(self):
        self.flood.close()
        self.pair.close()


def run(report, quick):
    bench = _Bench(0.2 if quick else 0.4)
    try:
        rounds = measure(report, ARMS, 6 if quick else 30, bench.measure)
    finally:
        bench.close()
    for arm in ["bare"] + ARMS:
        report.figure("ns for each packet, " + arm, rounds.spread(arm), "ns")
    report.figure("ratio, A/A (within 1.5 %, else void)", rounds.ratios("A/A"))
    report.figure("added to each packet, A/A", rounds.added("A/A"), "ns")
    report.figure("added to each packet, tc", rounds.added("tc"), "ns", most=150,
                  void=rounds.void)
    report.figure("added to each packet, socket filter", rounds.added("socket_filter"), "ns")
