# SPDX-License-Identifier: Apache-2.0
"""Processes that the bench starts, each ended by its own pid whatever happens.

CPU time is read from the process's CPU clock. It is the same sum that stands first in
/proc/PID/schedstat, but brought up to date: the file lags by up to a tick (4 ms, one per cent
of a window) while the process runs on another CPU. The clock sums all threads.
"""
import atexit
import ctypes
import os
import signal
import subprocess
import time

_PR_SET_PDEATHSIG = 1
_CPUCLOCK_SCHED = 2  # include/linux/posix-timers_types.h
_libc = ctypes.CDLL(None, use_errno=True)
_started = []


class Failed(Exception):
    """Something the bench needs did not work; the text says what."""


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def start(argv, **options):
    process = subprocess.Popen(argv, preexec_fn=_die_with_parent,
                               stdin=subprocess.DEVNULL, **options)
    _started.append(process)
    return process


def stop(process, signum=signal.SIGTERM, patience=10.0):
    """Ends a process and returns how long that took, in seconds."""
    began = time.monotonic()
    if process.poll() is None:
        process.send_signal(signum)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    took = time.monotonic() - began
    if process in _started:
        _started.remove(process)
    return took


def stop_all():
    for process in reversed(list(_started)):
        stop(process)


atexit.register(stop_all)


def run(argv, text_in="", **options):
    done = subprocess.run(argv, input=text_in, capture_output=True, text=True, **options)
    if done.returncode:
        raise Failed("%s: %s" % (" ".join(argv), (done.stderr or done.stdout).strip()))
    return done.stdout


def until(condition, patience, what):
    """Polls until the condition gives something true, and returns that."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        got = condition()
        if got:
            return got
        time.sleep(0.005)
    raise Failed("%s: not within %g s" % (what, patience))


def cpu_ns(pid):
    return time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED)


def sleeps(pid):
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, task)) as file:
            total += int(file.read().split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return total


def children(pid):
    """All descendants, nearest first."""
    found = []
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, task)) as file:
                found += [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found + [grand for child in found for grand in children(child)]


class Urgent:
    """Within it this process runs at once when it wakes, so that a window's two readings (CPU
    time, requests) belong together even though the target and the load fill all CPUs."""

    def __enter__(self):
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        except PermissionError:
            pass

    def __exit__(self, *_):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Foreign:
    """CPUs busy with the work of others since it was made: all busy time of the machine less
    that of the bench's own processes (those that ended by then), and time stolen by the host."""

    def __init__(self):
        self._start = self._read()

    @staticmethod
    def _read():
        with open("/proc/stat") as file:
            ticks = [int(n) for n in file.readline().split()[1:9]]
        user, nice, system, _idle, _iowait, irq, softirq, steal = ticks
        hz = os.sysconf("SC_CLK_TCK")
        own = os.times()
        return (time.monotonic(), (user + nice + system + irq + softirq) / hz,
                own.user + own.system + own.children_user + own.children_system, steal / hz)

    def cpus(self):
        passed, busy, own, stolen = (b - a for a, b in zip(self._start, self._read()))
        return max(0.0, (busy - own) / passed), stolen / passed
