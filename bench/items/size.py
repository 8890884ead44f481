# SPDX-License-Identifier: Apache-2.0
"""How large the binary is."""
import os
import tempfile

from harness import process
from harness.agent import BINARY

TITLE = "binary"
MIB = 1 << 20


def run(report, quick):
    with tempfile.TemporaryDirectory() as folder:
        stripped = os.path.join(folder, "obi")
        process.run(["strip", "-o", stripped, BINARY])
        report.figure("bin/obi", os.path.getsize(BINARY) / MIB, "MiB")
        report.figure("bin/obi, stripped", os.path.getsize(stripped) / MIB, "MiB")
    libraries = {os.path.realpath(word) for word in process.run(["ldd", BINARY]).split()
                 if word.startswith("/")}
    report.figure("shared libraries it needs", len(libraries))
    report.figure("   their size", sum(os.path.getsize(path) for path in libraries) / MIB, "MiB")
