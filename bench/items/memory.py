# SPDX-License-Identifier: Apache-2.0
"""Memory of both processes, and that of the BPF maps apart."""
import re
import time

from harness import bpf, target
from harness.agent import Agent

TITLE = "memory"
KIB = 1024
MANY_PORT = target.free_port()


def _fields(path):
    with open(path) as file:
        return {key: int(value) for key, value in re.findall(r"^(\w+):\s+(\d+)", file.read(), re.M)}


def _say(report, agent, when, most):
    pids = agent.pids()
    roles = ["broker", "worker"] + ["further"] * len(pids)
    anon = 0
    for role, pid in zip(roles, pids):
        status, rollup = _fields("/proc/%d/status" % pid), _fields("/proc/%d/smaps_rollup" % pid)
        anon += status["RssAnon"]
        report.figure("%s, %s: RssAnon" % (when, role), status["RssAnon"] / KIB, "MiB")
        report.figure("%s, %s: PSS" % (when, role), rollup["Pss"] / KIB, "MiB")
        report.figure("%s, %s: RSS, highest so far" % (when, role), status["VmHWM"] / KIB, "MiB")
    report.figure("%s, both: RssAnon" % when, anon / KIB, "MiB", most=most)


def _many(report, agent, quick):
    """Connections that are open at once, each asking again and again."""
    nginx = target.Nginx(connections=16384, port=MANY_PORT)
    wrk = target.Wrk(nginx.url, 10000)
    time.sleep(4 if quick else 10)
    _say(report, agent, "10,000 connections", 6)
    wrk.close()
    nginx.close()


def run(report, quick):
    nginx = target.Nginx()
    agent = Agent({"OTEL_EBPF_OPEN_PORT": "%d,%d" % (nginx.port, MANY_PORT)}).wait_ready()
    time.sleep(1 if quick else 3)
    _say(report, agent, "idle", 6)
    wrk = target.Wrk(nginx.url)
    time.sleep(2 if quick else 8)
    _say(report, agent, "full wrk load", 16)
    wrk.close()
    _many(report, agent, quick)
    maps = [info["memlock"] for info in bpf.held(agent.pids(), "map_id").values()]
    report.figure("BPF maps, memlock", sum(maps) / KIB / KIB, "MiB", most=16)
    report.figure("   their number", len(maps))
    report.figure("   the largest", max(maps, default=0) / KIB / KIB, "MiB")
    agent.stop()
    nginx.close()
