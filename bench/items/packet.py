# SPDX-License-Identifier: Apache-2.0
"""What network mode costs each packet: one flow of small packets over a veth pair."""
import time

from harness import process
from harness.agent import BEFORE, BINARY, Agent
from harness.netns import BEYOND, Flood, Pair
from harness.paired import measure

TITLE = "CPU for each 64-byte UDP packet over a veth pair, one flow"
AS_USER = ", as a user"
NEW = ["tc", "socket_filter", "tc" + AS_USER, "socket_filter" + AS_USER]
OLD = [arm + ", before" for arm in NEW] if BEFORE else []
ARMS = NEW + ["A/A"] + OLD
CAPS = {"tc": ["bpf", "net_admin", "perfmon"], "socket_filter": ["bpf", "net_raw"]}
SETTLE = 0.15


def _agent(arm, netns):
    source = arm.split(",")[0]
    return Agent({"OTEL_EBPF_NETWORK_METRICS": "1", "OTEL_EBPF_NETWORK_SOURCE": source},
                 netns=netns, caps=CAPS[source] if AS_USER in arm else None,
                 binary=BEFORE if arm in OLD else BINARY).wait_ready()


class _Bench:
    def __init__(self, seconds):
        self.seconds = seconds
        self.pair = Pair()
        self.flood = Flood(self.pair, BEYOND)

    def measure(self, arm):
        agent = _agent(arm, self.pair.pid) if arm in NEW + OLD else None
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
    for arm in NEW + OLD:
        most = None if arm in OLD else 100 if arm.startswith("tc") else 150
        report.figure("added to each packet, " + arm, rounds.added(arm), "ns", most=most,
                      void=rounds.void)
