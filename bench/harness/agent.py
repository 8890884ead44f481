# SPDX-License-Identifier: Apache-2.0
"""The agent under test, and the naive yardstick, each as a process with a beginning and an end."""
import ctypes
import os
import re
import signal
import threading
import time

from harness import http, process
from harness.target import free_port

BINARY = "bin/obi"
BEFORE = os.environ.get("BEFORE")  # another build, to be measured in the same run
USER = 61002  # without an account
LOG = "build/bench/agent.log"
PATIENCE = 60.0  # seconds: an emulated machine takes that long
_CLONE_NEWNET = 0x40000000


def in_netns(pid, function):
    """Runs the function in a thread that has entered the process's network namespace."""
    result = {}

    def body():
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/%d/ns/net" % pid) as file:
            if libc.setns(file.fileno(), _CLONE_NEWNET):
                result["error"] = OSError(ctypes.get_errno(), "setns")
                return
        try:
            result["value"] = function()
        except Exception as error:  # handed to the caller
            result["error"] = error

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if "error" in result:
        raise result["error"]
    return result["value"]


def samples(text, name):
    """Samples of one Prometheus metric: (labels, value)."""
    for line in text.splitlines():
        if not line.startswith(name) or line[len(name):len(name) + 1] not in ("{", " "):
            continue
        labels, value = re.fullmatch(r"%s(?:\{(.*)\})? (\S+)(?: \d+)?" % name, line).groups()
        yield dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")), float(value)


def _as_user(caps):
    """A command line's beginning: as a user who is not root, with these capabilities alone."""
    caps = ",".join("+" + cap for cap in caps)
    return ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups", "--inh-caps",
            "-all," + caps, "--ambient-caps", "-all," + caps]


class Agent:
    """env: what is configured beside the Prometheus port. netns: a process in the namespace. caps: as
    a user with these, not as root. binary: another one."""

    def __init__(self, env, netns=None, output=None, prometheus=True, caps=None, binary=BINARY):
        self.netns = netns
        self.metrics_port = free_port()
        env = dict(env, PATH=os.environ["PATH"])
        if prometheus:
            env["OTEL_EBPF_PROMETHEUS_PORT"] = str(self.metrics_port)
        argv = ["nsenter", "-t", str(netns), "-n", "--"] if netns else []
        if caps:
            argv += _as_user(caps)
        self._log = output or open(LOG, "w")
        self.began_ns = time.monotonic_ns()
        self.process = process.start(argv + [os.path.abspath(binary)], env=env, stdout=self._log,
                                     stderr=self._log)
        self.pid = self.process.pid

    def wait_ready(self):
        process.until(self._answers, PATIENCE, "the agent's metrics page")
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise self._ended()
        try:
            return self.metrics() is not None
        except OSError:
            return False

    def metrics(self):
        def get():
            client = http.Client(self.metrics_port)
            try:
                return client.get("/metrics")[1]
            finally:
                client.close()

        return in_netns(self.netns, get) if self.netns else get()

    def spans(self, port, metrics=None, metric="http_server_request_duration_seconds_count"):
        """Server spans counted for the port."""
        return int(sum(value for labels, value in samples(metrics or self.metrics(), metric)
                       if labels.get("server_port") in (str(port), None)))

    def wait_span(self, port, *metric):
        process.until(lambda: self.spans(port, None, *metric) > 0, PATIENCE, "the agent's first span")
        return self

    def pids(self):
        return [self.pid] + process.children(self.pid)

    def cpu_ns(self):
        return sum(process.cpu_ns(pid) for pid in self.pids())

    def sleeps(self):
        """How often its threads gave their CPU away of their own accord."""
        return sum(process.sleeps(pid) for pid in self.pids())

    def stop(self):
        """Seconds until it was gone. It must end well."""
        took = process.stop(self.process)
        if self.process.returncode:
            raise self._ended()
        return took

    def _ended(self):
        with open(LOG, errors="replace") as file:
            last = [line.strip() for line in file if "level=ERROR" in line][-1:]
        return process.Failed("the agent ended with %d: %s" %
                              (self.process.returncode, last[0] if last else "see " + LOG))

    @staticmethod
    def _fields(message):
        """Values of the last log line with that message."""
        with open(LOG, errors="replace") as file:
            lines = [line for line in file if 'msg="%s"' % message in line]
        pairs = re.findall(r'(\w+)=(?:"([^"]*)"|(\S*))', lines[-1]) if lines else []
        return {name: quoted or plain for name, quoted, plain in pairs}

    def totals(self, message):
        """The counters that the agent logs at its end."""
        return {name: int(value) for name, value in self._fields(message).items()
                if value.isdigit()}

    def plane(self):
        return self._fields("application tracer attached").get("plane", "plane unknown")


class Naive:
    """The yardstick of bench/naive, watching one process."""

    def __init__(self, pid):
        self.process = process.start(["build/bench/naive", str(pid)], stdout=-1)
        if self.process.stdout.readline() != b"ready\n":
            raise process.Failed("the naive yardstick did not start")

    def counts(self):
        self.process.send_signal(signal.SIGUSR1)
        return self._counts()

    def _counts(self):
        line = self.process.stdout.readline().decode()
        return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)}

    def stop(self):
        """What it counted over its whole life."""
        self.process.send_signal(signal.SIGTERM)
        counts = self._counts()
        process.stop(self.process)
        self.process.stdout.close()
        return counts
