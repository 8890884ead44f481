# SPDX-License-Identifier: Apache-2.0
"""What it costs the agent that processes, listeners and interfaces come and go that have nothing to do
with its targets: each is looked at."""
import socket
import time

from harness import process, target
from harness.agent import BEFORE, BINARY, Agent
from harness.netns import Pair
from harness.paired import Spread

TITLE = "short-lived processes, listeners and interfaces, none of them selected"
_LOOP = "i=0; while [ $i -lt %d ]; do /bin/true; i=$((i + 1)); done"
PAIRS = 20


def _processes(count):
    process.run(["sh", "-c", _LOOP % count])


def _listeners(count):
    for _ in range(count):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()


def _interfaces(pair, count):
    enter = Pair.enter(pair.near)
    for _ in range(count // PAIRS):
        lines = ["link add c%d group 77 type veth peer name d%d\nlink set c%d up\nlink set d%d up\n" %
                 (i, i, i, i) for i in range(PAIRS)]
        process.run(enter + ["ip", "-batch", "-"], text_in="".join(lines) + "link del group 77\n")
        time.sleep(0.05)


def _burst(agent, make, count):
    """CPU of all its processes for each that was made, in us, and how many were made in a second."""
    cpu, began = agent.cpu_ns(), time.monotonic()
    make(count)
    took = time.monotonic() - began
    time.sleep(0.3)
    return (agent.cpu_ns() - cpu) / count / 1e3, count / took


def _measure(agent, make, count, times):
    return [Spread(column) for column in
            zip(*[_burst(agent, make, count) for _ in range(times)])]


def _application(binary, times):
    agent = Agent({"OTEL_EBPF_OPEN_PORT": str(target.free_port())}, binary=binary).wait_ready()
    time.sleep(0.5)
    found = [_measure(agent, _processes, 200, times), _measure(agent, _listeners, 200, times)]
    agent.stop()
    return found


def _network(binary, times):
    pair = Pair()
    agent = Agent({"OTEL_EBPF_NETWORK_METRICS": "1", "OTEL_EBPF_NETWORK_SOURCE": "tc"},
                  netns=pair.pid, binary=binary).wait_ready()
    found = _measure(agent, lambda count: _interfaces(pair, count), 2 * PAIRS, times)
    agent.stop()
    pair.close()
    return found


def run(report, quick):
    times = 3 if quick else 10
    for name, binary in [("", BINARY), (", before", BEFORE)]:
        if not binary:
            continue
        processes, listeners = _application(binary, times)
        interfaces = _network(binary, times)
        for what, (costs, rates) in [("process started", processes), ("listener", listeners),
                                     ("pair of interfaces", interfaces)]:
            report.figure("agent CPU for each %s%s" % (what, name), costs, "us")
            report.figure("   made in a second here", rates, "1/s")
        report.figure("so for 500 processes a second" + name,
                      processes[0].of(lambda us: us * 500 / 1e4), "% of CPU",
                      most=None if name else 2)
        report.figure("so for 10 processes and a pair a second" + name,
                      (processes[0].median * 10 + interfaces[0].median) / 1e4, "% of CPU",
                      most=None if name else 1)
