# SPDX-License-Identifier: Apache-2.0
"""Metrics on their way out: what a scrape of 10,000 and 100,000 series takes of one CPU, what
encoding them for OTLP does, and the memory of one, a histogram of 15 buckets.
"""
import re

from harness import process
from harness.paired import Spread

TITLE = "series: metrics rendered and encoded by one CPU"
PROGRAM = "build/bench/series"
TARGET_LINES = 2_000_000  # a second
TARGET_MEMORY = 400  # bytes


def _measure(series, form):
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", process.run([PROGRAM, str(series), form]))}


def _runs(report, series, form, repeat):
    report.progress("series: %d, %s" % (series, form))
    return [_measure(series, form) for _ in range(repeat)]


def run(report, quick):
    repeat = 3 if quick else 9
    for series in (10_000, 100_000):
        runs = _runs(report, series, "text", repeat)
        report.figure("text, %d series" % series, Spread(1e9 * one["lines"] / one["ns"] for one in runs),
                      "lines/s", least=TARGET_LINES)
        report.figure("   time", Spread(one["ns"] / 1e6 for one in runs), "ms")
        report.figure("   size", runs[0]["bytes"] / 1e6, "MB")
        runs = _runs(report, series, "gzip", repeat)
        report.figure("   compressed", runs[0]["bytes"] / 1e6, "MB")
        report.figure("   time with it", Spread(one["ns"] / 1e6 for one in runs), "ms")
        runs = _runs(report, series, "protobuf", repeat)
        report.figure("protobuf with native histograms, %d series" % series,
                      Spread(one["ns"] / 1e6 for one in runs), "ms")
        report.figure("   size", runs[0]["bytes"] / 1e6, "MB")
        native = runs[0]["after"] / runs[0]["series"]
        runs = _runs(report, series, "otlp", repeat)
        report.figure("OTLP, %d series" % series, Spread(1e9 * one["series"] / one["ns"] for one in runs), "series/s")
        report.figure("   size", runs[0]["bytes"] / runs[0]["series"], "B/series")
    report.figure("memory", runs[0]["memory"] / runs[0]["series"], "B/series", most=TARGET_MEMORY)
    report.figure("   native histograms asked for", native, "B/series")
