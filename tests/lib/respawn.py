#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills the worker of a broker and prints how many milliseconds later another one is at work.

    respawn.py BROKER

At work: its system call filter is closed, which it does when all else is ready.
"""
import os
import signal
import sys
import time


def children(pid):
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task)) as file:
            found += [int(word) for word in file.read().split()]
    return found


def is_worker(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return file.read().split(b"\0")[1:2] == [b"worker"]
    except OSError:
        return False


def at_work(pid):
    try:
        with open("/proc/%d/status" % pid) as file:
            return "Seccomp:\t2" in file.read()
    except OSError:
        return False


def main():
    broker = int(sys.argv[1])
    old = [pid for pid in children(broker) if is_worker(pid)][0]
    start = time.monotonic()
    os.kill(old, signal.SIGKILL)
    while time.monotonic() - start < 10:
        for pid in children(broker):
            if pid != old and is_worker(pid) and at_work(pid):
                print(int((time.monotonic() - start) * 1000))
                return
        time.sleep(0.001)
    sys.exit("no worker came back")


main()
