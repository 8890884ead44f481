# SPDX-License-Identifier: Apache-2.0
"""What the agent costs the target for each request inside TLS."""
from harness.agent import Agent
from harness.paired import measure
from items import request

TITLE = "target CPU for each request inside TLS (nginx return 200, keep-alive, wrk -t1 -c16)"
ARMS = ["agent", "A/A", "unprobed"]


class _Bench(request.Bench):
    def _unprobed(self):
        """The agent watches its sockets, but not its library."""
        agent = Agent({"OTEL_EBPF_OPEN_PORT": str(self.server.port),
                       "OTEL_EBPF_BPF_TLS_PROBES": "false"}).wait_ready()
        ns = self._window()
        agent.stop()
        return ns


def run(report, quick):
    bench = request.of_nginx(0.2 if quick else 0.4, True, _Bench)
    try:
        rounds = measure(report, ARMS, 6 if quick else 30, bench.measure)
    finally:
        bench.close()
    for arm in ["bare"] + ARMS:
        report.figure("ns for each request, " + arm, rounds.spread(arm), "ns")
    report.figure("ratio, A/A (within 1.5 %, else void)", rounds.ratios("A/A"))
    report.figure("added to each request, unprobed", rounds.added("unprobed"), "ns")
    report.figure("added to each request, agent", rounds.added("agent"), "ns", most=3000,
                  void=rounds.void)
