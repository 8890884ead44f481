# SPDX-License-Identifier: Apache-2.0
"""Spans of an HTTP server encoded into OTLP requests of 4096, which nobody sends: one thread's
time, and instructions, which do not depend on the machine.
"""
import re
import tempfile

from harness import process
from harness.paired import Spread

TITLE = "otlp: spans encoded by one CPU"
TARGET = 1_000_000  # spans a second
PROGRAM = "build/bench/encode"
BATCH = 4096
FEW, MANY = 2 * BATCH, 6 * BATCH  # spans under callgrind


def _measure(spans, *arguments):
    text = process.run([PROGRAM, str(spans), str(BATCH), *arguments])
    fields = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", text)}
    if fields["spans"] != spans:
        raise process.Failed("%d of %d spans" % (fields["spans"], spans))
    return fields


def _instructions(spans):
    with tempfile.NamedTemporaryFile() as out:
        process.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out.name,
                     PROGRAM, str(spans), str(BATCH)])
        return int(re.search(r"^(?:summary|totals): (\d+)", out.read().decode(), re.M).group(1))


def run(report, quick):
    spans, repeat = (500_000, 3) if quick else (2_000_000, 9)
    report.progress("otlp: protobuf")
    runs = [_measure(spans, "8") for _ in range(repeat)]
    report.figure("protobuf, 8 services", Spread(1e9 * run["spans"] / run["ns"] for run in runs),
                  "spans/s", least=TARGET)
    report.figure("   time", Spread(run["ns"] / run["spans"] for run in runs), "ns/span")
    report.figure("   size", runs[0]["bytes"] / runs[0]["spans"], "B/span")
    report.figure("   instructions", (_instructions(MANY) - _instructions(FEW)) / (MANY - FEW))
    report.progress("otlp: many services")
    runs = [_measure(spans, "1000") for _ in range(repeat)]
    report.figure("protobuf, 1000 services",
                  Spread(1e9 * run["spans"] / run["ns"] for run in runs), "spans/s")
    report.progress("otlp: JSON")
    runs = [_measure(spans // 10, "8", "json") for _ in range(repeat)]
    report.figure("JSON, 8 services", Spread(1e9 * run["spans"] / run["ns"] for run in runs),
                  "spans/s")
    report.figure("   size", runs[0]["bytes"] / runs[0]["spans"], "B/span")
