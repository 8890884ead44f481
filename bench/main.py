# SPDX-License-Identifier: Apache-2.0
"""Runs the items one after the other and prints their figures. See bench/run."""
import argparse
import importlib
import os
import platform
import signal
import sys
import time

import items
from harness import process
from harness.report import Report


def _arguments():
    parser = argparse.ArgumentParser(prog="bench/run")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--no-build", action="store_true", help="take bin/obi as it is")
    parser.add_argument("item", nargs="*", help="of: " + " ".join(items.ORDER))
    arguments = parser.parse_args()
    for item in arguments.item:
        if item not in items.ORDER:
            parser.error("no item %s: there are %s" % (item, " ".join(items.ORDER)))
    return arguments


def _run(item, report, quick):
    module = importlib.import_module("items." + item)
    report.head(item, module.TITLE)
    foreign, began = process.Foreign(), time.monotonic()
    try:
        module.run(report, quick)
        return True
    except (process.Failed, OSError) as error:
        report.note("FAILED: %s" % error)
        return False
    finally:
        process.stop_all()
        cpus, stolen = foreign.cpus()
        report.note("%.0f s; other work on this machine: %.2f of %d CPUs, stolen by the host: %.2f"
                    % (time.monotonic() - began, cpus, os.cpu_count(), stolen))


def main():
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = Report("build/bench/report.txt")
    report.line("obi bench%s, %s, kernel %s, %d CPUs" %
                (" (quick)" if arguments.quick else "",
                 time.strftime("%Y-%m-%d %H:%M:%S"), platform.release(), os.cpu_count()))
    worked = [_run(item, report, arguments.quick)
              for item in items.ORDER if not arguments.item or item in arguments.item]
    report.close()
    sys.exit(0 if all(worked) and not report.missed and not report.void else
             1 if all(worked) else 2)


if __name__ == "__main__":
    main()
