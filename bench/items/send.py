# SPDX-License-Identifier: Apache-2.0
"""Spans encoded and sent to a sink on loopback by OTLP/gRPC, gzip off: until the last answer. The
sink shares the CPUs, and takes about as much as the sender does.
"""
import os
import re
import subprocess

from harness import process
from harness.paired import Spread

TITLE = "send: spans through the sender to a sink, OTLP/gRPC without gzip"
TARGET = 250_000  # spans a second
PROGRAM = "build/bench/send"
MIB_IDLE, MIB_LOADED = 4, 8


def _measure(port, spans):
    env = dict(os.environ, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="grpc",
               OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="http://127.0.0.1:%d" % port)
    sent = subprocess.run([PROGRAM, "bin/obi", str(spans)], env=env, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    text = sent.stdout
    if sent.returncode:
        raise process.Failed(sent.stderr.strip().splitlines()[-1])
    fields = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", text)}
    if fields["spans"] != spans:
        raise process.Failed("%d of %d spans" % (fields["spans"], spans))
    return fields


def run(report, quick):
    spans, repeat = (300_000, 3) if quick else (1_000_000, 5)
    sink = subprocess.Popen(["node", "bench/sink.js"], stdout=subprocess.PIPE, text=True)
    try:
        port = int(sink.stdout.readline())
        runs = [_measure(port, spans) for _ in range(repeat)]
    finally:
        sink.kill()
        sink.wait()
    report.figure("spans sent", Spread(1e9 * run["spans"] / run["ns"] for run in runs), "spans/s",
                  least=TARGET)
    report.figure("   size", runs[0]["bytes"] / runs[0]["spans"], "B/span")
    report.figure("   CPU of the sender",
                  Spread(run["sender_cpu_ns"] / run["spans"] for run in runs), "ns/span")
    report.figure("   CPU of the encoder",
                  Spread(run["encode_cpu_ns"] / run["spans"] for run in runs), "ns/span")
    report.figure("RssAnon of the sender, idle",
                  Spread(run["sender_idle_kib"] / 1024 for run in runs), "MiB", most=MIB_IDLE)
    report.figure("RssAnon of the sender, loaded",
                  Spread(run["sender_top_kib"] / 1024 for run in runs), "MiB", most=MIB_LOADED)
