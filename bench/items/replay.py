# SPDX-License-Identifier: Apache-2.0
"""The worker's way of a message, in three lengths: from the kernel's record to the span; from a
capture file to the span; and the whole verb, with decoration and metrics.

Times are those of the machine as it is now; the instruction counts (callgrind) are the same on
each run and each machine, so they are what may be compared from one change to the next. A
message is a request or a response.
"""
import os
import re
import resource
import sys
import tempfile

from harness import process
from harness.agent import BINARY
from harness.paired import Spread

TITLE = "replay: CPU and instructions for each message"
KINDS = ["short", "browser"]
TARGET_NS = 60
FEW, MANY = 5_000, 15_000  # exchanges under callgrind


def _fields(text):
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", text)}


class _Captures:
    """Captures of so many exchanges, made when first asked for."""

    def __init__(self, folder):
        self._folder, self._made = folder, {}

    def get(self, kind, exchanges):
        path = os.path.join(self._folder, "%s-%d.pcap" % (kind, exchanges))
        if path not in self._made:
            self._made[path] = process.run([sys.executable, "bench/generate_capture.py", path,
                                            str(exchanges), kind])
        return path


def _instructions(argv):
    """All instructions of a run."""
    with tempfile.NamedTemporaryFile() as out:
        process.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out.name] + argv)
        return int(re.search(r"^(?:summary|totals): (\d+)", out.read().decode(), re.M).group(1))


def _for_each(argv):
    """Instructions for each message, without those of start and end: from two runs."""
    return (_instructions(argv(MANY)) - _instructions(argv(FEW))) / (2 * (MANY - FEW))


def _cpu_ns(argv):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process.run(argv)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e9


def _loop(report, name, argv, exchanges, repeat):
    """A program that measures its loop itself."""
    runs = [_fields(process.run(argv(exchanges))) for _ in range(repeat)]
    if any(run["spans"] != exchanges for run in runs):
        raise process.Failed("%d of %d exchanges became spans" % (runs[0]["spans"], exchanges))
    report.figure(name, Spread(run["ns"] / run["messages"] for run in runs), "ns", most=TARGET_NS)
    report.figure("   bytes", Spread(run["bytes"] / run["ns"] for run in runs), "GB/s")
    report.figure("   instructions", _for_each(argv))


def _verb(report, name, argv, exchanges, repeat):
    """The whole verb, less what a run over next to nothing takes."""
    costs = [(_cpu_ns(argv(exchanges)) - _cpu_ns(argv(FEW))) / (2 * (exchanges - FEW))
             for _ in range(repeat)]
    report.figure(name, Spread(costs), "ns")
    report.figure("   instructions", _for_each(argv))


def run(report, quick):
    exchanges, repeat = (50_000, 3) if quick else (400_000, 9)
    for kind in KINDS:
        with tempfile.TemporaryDirectory(dir="build/bench") as folder:
            captures = _Captures(folder)
            report.progress("replay: %s, records" % kind)
            _loop(report, kind + " requests: record to span",
                  lambda n: ["build/bench/messages", str(n), kind], exchanges, repeat)
            report.progress("replay: %s, capture" % kind)
            _loop(report, kind + " requests: capture to span",
                  lambda n: ["build/bench/replay_path", captures.get(kind, n)], exchanges, repeat)
            report.progress("replay: %s, verb" % kind)
            _verb(report, kind + " requests: obi replay --format none --metrics",
                  lambda n: [BINARY, "replay", captures.get(kind, n), "--format", "none",
                             "--metrics"], exchanges, repeat)
