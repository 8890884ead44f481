# SPDX-License-Identifier: Apache-2.0
"""The table of figures: on the terminal as they come, and in build/bench/report.txt."""
import os
import sys

from harness.paired import Spread

_ROW = "%-52s %12s %12s %12s  %-9s %-13s %s"


def _number(value):
    if value is None:
        return ""
    if isinstance(value, int):
        return "{:,}".format(value)
    size = abs(value)
    if size >= 1000:
        return "{:,.0f}".format(value)
    return ("%.1f" if size >= 100 else "%.2f" if size >= 10 else "%.3f") % value


class Report:
    def __init__(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._file = open(path, "w")
        self.missed = []
        self.void = []
        self._item = ""
        self._shown = False

    def line(self, text=""):
        self._file.write(text + "\n")
        self._file.flush()
        print(text, flush=True)

    def progress(self, text):
        """A line that the next one overwrites."""
        if sys.stderr.isatty() and (text or self._shown):
            sys.stderr.write("\r\033[K" + text)
            sys.stderr.flush()
        self._shown = bool(text)

    def head(self, item, title):
        self.progress("")
        self._item = item
        self.line()
        self.line("== %s: %s" % (item, title))
        self.line(_ROW % ("figure", "median", "quartile 1", "quartile 3", "unit", "target", ""))

    def note(self, text):
        self.progress("")
        self.line("   " + text)

    def figure(self, name, value, unit="", most=None, least=None, void=False):
        """value: a number or a Spread; most, least: the target, whose median must keep to it."""
        spread = value if isinstance(value, Spread) else Spread([value])
        lone = spread.count == 1
        target = ("<= " + _number(most)) if most is not None else \
            (">= " + _number(least)) if least is not None else ""
        verdict = ""
        if target:
            good = spread.median <= most if most is not None else spread.median >= least
            verdict = "void" if void else "ok" if good else "MISSED"
            if verdict == "MISSED":
                self.missed.append("%s: %s" % (self._item, name))
        self.progress("")
        self.line((_ROW % (name, _number(spread.median), "" if lone else _number(spread.q1),
                           "" if lone else _number(spread.q3), unit, target, verdict)).rstrip())

    def void_run(self, why, last):
        if last:
            self.void.append("%s: %s" % (self._item, why))
        self.note("VOID: %s%s" % (why, "" if last else "; again"))

    def close(self):
        self.line()
        for title, names in (("targets missed", self.missed), ("void", self.void)):
            self.line("%s: %d" % (title, len(names)))
            for name in names:
                self.line("   " + name)
        self._file.close()
