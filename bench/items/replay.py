# SPDX-License-Identifier: Apache-2.0
"""The worker's way of a message: alone, and as part of the replay of a capture.

Times are those of the machine as it is now; the instruction counts (callgrind) are the same on
each run and each machine, so they are what may be compared from one change to the next. A
message is a request or a response.
"""
import os
import re
import resource

from harness import process
from harness.agent import BINARY
from harness.paired import Spread

TITLE = "replay: time and instructions for each message"
MESSAGES = "build/bench/messages"
GENERATE = "bench/generate_capture.py"


def _fields(text):
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", text)}


def _instructions(argv):
    """All instructions of a run."""
    out = "build/bench/callgrind.out"
    process.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out] + argv)
    with open(out) as file:
        return int(re.search(r"^(?:summary|totals): (\d+)", file.read(), re.M).group(1))


def _each(argv, few, many):
    """Instructions for each message, without those of start and end: from two runs."""
    less, more = (_instructions(argv(count)) for count in (few, many))
    return (more - less) / (2 * (many - few))


def _alone(report, kind, quick):
    exchanges = 200_000 if quick else 2_000_000
    runs = [_fields(process.run([MESSAGES, str(exchanges), kind])) for _ in range(3 if quick else 9)]
    if any(run["spans"] != exchanges for run in runs):
        raise process.Failed("%d of %d exchanges became spans" % (runs[0]["spans"], exchanges))
    name = "%s requests (%d bytes)" % (kind, runs[0]["head"])
    report.figure(name + ", no capture", Spread(run["ns"] / run["messages"] for run in runs),
                  "ns", most=60)
    report.figure("   heads", Spread(run["bytes"] / run["ns"] for run in runs), "GB/s")
    report.figure("   instructions",
                  _each(lambda count: [MESSAGES, str(count), kind], 5_000, 15_000))


def run(report, quick):
    for kind in ("short", "browser"):
        report.progress("replay: " + kind)
        _alone(report, kind, quick)
