# SPDX-License-Identifier: Apache-2.0
"""Arms measured in turn within one run, and compared round by round.

Load from other work moves every absolute figure on a shared machine; what stays is the ratio
of windows that lie close together. So each round measures every arm once, in another order each
time, between bare windows; the result is the median of the rounds' ratios. One more bare window
takes part as an arm (A/A): where its ratio is off by more than the margin, the run could not see
what it was to measure, and is void.
"""
import statistics

AA_MARGIN = 0.015
ATTEMPTS = 3


class Spread:
    def __init__(self, values):
        self.values = list(values)
        self.count = len(self.values)
        self.median = statistics.median(self.values)
        if self.count > 1:
            self.q1, _, self.q3 = statistics.quantiles(self.values, n=4, method="inclusive")
        else:
            self.q1 = self.q3 = self.median

    def of(self, function):
        return Spread([function(value) for value in self.values])


class Rounds:
    """arms: all but the bare one, "A/A" among them; measure(arm): one window's figure.

    A round goes bare, arm, bare, arm, ..., bare; each arm is compared with the mean of the two
    bare windows beside it."""

    def __init__(self, arms, count, measure_arm, progress):
        self.figures = {arm: [] for arm in ["bare"] + arms}
        self._beside = {arm: [] for arm in arms}
        for number in range(count):
            progress(number, count)
            turn = number % len(arms)
            self._round(arms[turn:] + arms[:turn], measure_arm)

    def _round(self, arms, measure_arm):
        before = measure_arm("bare")
        self.figures["bare"].append(before)
        for arm in arms:
            self.figures[arm].append(measure_arm(arm))
            after = measure_arm("bare")
            self.figures["bare"].append(after)
            self._beside[arm].append((before + after) / 2)
            before = after

    def spread(self, arm):
        return Spread(self.figures[arm])

    def ratios(self, arm):
        return Spread([a / b for a, b in zip(self.figures[arm], self._beside[arm])])

    def added(self, arm):
        return Spread([a - b for a, b in zip(self.figures[arm], self._beside[arm])])

    @property
    def void(self):
        return abs(self.ratios("A/A").median - 1) > AA_MARGIN


def measure(report, arms, count, window):
    """Rounds that are not void; at the third attempt, those that are."""
    for attempt in range(ATTEMPTS):
        rounds = Rounds(arms, count, window,
                        lambda n, of: report.progress("round %d of %d" % (n + 1, of)))
        if not rounds.void:
            break
        report.void_run("A/A is %.3f" % rounds.ratios("A/A").median, attempt + 1 == ATTEMPTS)
    return rounds
