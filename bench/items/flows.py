# SPDX-License-Identifier: Apache-2.0
"""What becomes of more flows than the map holds: every packet sent must be exported or counted
as lost, whatever their number."""
import time

from harness import process
from harness.agent import Agent, samples
from harness.netns import BEYOND, Flood, Pair

TITLE = "flows far beyond the map (4 packets a flow in turn, sent as fast as one CPU can)"
FLOWS = [10_000, 100_000, 1_000_000]
PACKETS_A_FLOW = 4
EVICTION = 5.0  # default of cache_active_timeout
METRIC = "obi_network_flow_packets_total"


def _exported(agent):
    return int(sum(value for labels, value in samples(agent.metrics(), METRIC)))


def _settled(agent):
    """The exported packets once no more come."""
    last, since = _exported(agent), time.monotonic()
    while time.monotonic() - since < EVICTION + 1:
        time.sleep(0.2)
        now = _exported(agent)
        if now != last:
            last, since = now, time.monotonic()
    return last


def _measure(report, source, flows):
    pair = Pair()
    try:
        agent = Agent({"OTEL_EBPF_NETWORK_METRICS": "1", "OTEL_EBPF_NETWORK_SOURCE": source,
                       "OTEL_EBPF_METRICS_FEATURES": "network,network_flow_packets"},
                      netns=pair.pid).wait_ready()
        total, cpu = flows * PACKETS_A_FLOW, agent.cpu_ns()
        flood = Flood(pair, BEYOND, flows, total)
        took = flood.wait(300)
        flood.close()
        exported = _settled(agent)
        cpu = agent.cpu_ns() - cpu
        agent.stop()
        _say(report, "%s, %s flows" % (source, format(flows, ",")), total, pair.sent()[0],
             exported, agent.totals("network totals"), took, cpu)
    finally:
        process.stop_all()


def _say(report, name, total, sent, exported, totals, took, cpu):
    lost = totals.get("lostPackets", 0)
    report.figure(name + ": sent", total, "packets")
    report.figure("   rate", total / took, "1/s")
    report.figure("   seen by the hook", totals.get("packets", 0), "packets")
    report.figure("   exported", exported, "packets")
    report.figure("   of these past the full map, one by one", totals.get("overflowPackets", 0),
                  "packets")
    report.figure("   counted as lost", lost, "packets")
    report.figure("   sent, neither exported nor counted as lost", abs(sent - exported - lost),
                  "packets", most=0)
    report.figure("   agent CPU for each flow begun", cpu / max(totals.get("flows", 0), 1), "ns")


def run(report, quick):
    for source in ("tc", "socket_filter"):
        for flows in FLOWS[:2] if quick else FLOWS:
            report.progress("flows: %s, %d" % (source, flows))
            _measure(report, source, flows)
