# SPDX-License-Identifier: Apache-2.0
"""What the agent costs Redis for each command, one at a time and pipelined."""
from harness import target
from harness.paired import measure
from items import request

TITLE = "target CPU for each GET of redis-server (redis-benchmark -c 16)"
ARMS = ["agent", "A/A"]


class _Bench(request.Bench):
    metric = "db_server_operation_duration_seconds_count"


def _pipelined(report, quick, pipeline, most):
    server = target.Redis()
    bench = _Bench(0.2 if quick else 0.4, server, target.RedisBenchmark(server.port, pipeline))
    try:
        rounds = measure(report, ARMS, 6 if quick else 30, bench.measure)
    finally:
        bench.close()
    for arm in ["bare"] + ARMS:
        report.figure("-P %d: ns for each GET, %s" % (pipeline, arm), rounds.spread(arm), "ns")
    report.figure("-P %d: ratio, A/A (within 1.5 %%, else void)" % pipeline, rounds.ratios("A/A"))
    report.figure("-P %d: ratio, agent" % pipeline, rounds.ratios("agent"), most=most, void=rounds.void)
    report.figure("-P %d: added to each GET, agent" % pipeline, rounds.added("agent"), "ns")


def run(report, quick):
    _pipelined(report, quick, 1, 1.08)
    _pipelined(report, quick, 100, None)
