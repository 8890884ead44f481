# SPDX-License-Identifier: Apache-2.0
"""Two network namespaces joined by a veth pair. They have no name, and live only as long as the
process that holds each of them: nothing is left behind, however the bench ends."""
import os
import time

from harness import process

NEAR, FAR = "10.77.0.1", "10.77.0.2"
BEYOND = "10.200.0.0"  # routed over the pair; the far end has no such address and drops it
_MAC_NEAR, _MAC_FAR = "02:00:00:00:00:01", "02:00:00:00:00:02"


class Pair:
    def __init__(self):
        self.near, self.far = self._hold(), self._hold()
        self.pid = self.near.pid
        self._ip(self.near, "link", "add", "near", "address", _MAC_NEAR, "type", "veth", "peer",
                 "name", "far", "address", _MAC_FAR, "netns", str(self.far.pid))
        self._up(self.near, "near", NEAR)
        self._up(self.far, "far", FAR)
        self._ip(self.near, "neigh", "add", FAR, "lladdr", _MAC_FAR, "dev", "near")
        self._ip(self.near, "route", "add", BEYOND + "/16", "via", FAR)

    @staticmethod
    def _hold():
        holder = process.start(["unshare", "--net", "sleep", "infinity"])
        mine = os.readlink("/proc/self/ns/net")
        path = "/proc/%d/ns/net" % holder.pid
        process.until(lambda: os.readlink(path) != mine, 5, "a network namespace")
        return holder

    @staticmethod
    def enter(holder):
        return ["nsenter", "-t", str(holder.pid), "-n", "--"]

    def _ip(self, holder, *arguments):
        process.run(self.enter(holder) + ["ip"] + list(arguments))

    def _up(self, holder, name, address):
        # Without IPv6 nothing is sent that the bench did not send.
        process.run(self.enter(holder) + ["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"])
        self._ip(holder, "link", "set", "lo", "up")
        self._ip(holder, "addr", "add", address + "/24", "dev", name)
        self._ip(holder, "link", "set", name, "up")

    def sent(self):
        """Packets and bytes that left the near end, by its interface counters."""
        text = process.run(self.enter(self.near) + ["cat", "/proc/self/net/dev"])
        fields = [line for line in text.splitlines() if "near:" in line][0].split(":")[1].split()
        return int(fields[9]), int(fields[8])

    def close(self):
        process.stop(self.near)
        process.stop(self.far)


class Flood:
    """build/bench/flood inside the near namespace; arguments as there."""

    COUNTER = "build/bench/flood.counter"

    def __init__(self, pair, address, *arguments):
        with open(self.COUNTER, "wb") as file:
            file.write(bytes(8))
        self.process = process.start(
            pair.enter(pair.near) + ["taskset", "-c", str((os.cpu_count() or 1) - 1),
                                     "build/bench/flood", self.COUNTER, address] +
            [str(argument) for argument in arguments])
        self._file = open(self.COUNTER, "rb", buffering=0)

    def packets(self):
        return int.from_bytes(os.pread(self._file.fileno(), 8, 0), "little")

    def window(self, seconds):
        """CPU nanoseconds of the sender for each packet. It is it that runs the whole way of a
        packet: through the hooks, over the pair, to where the far end drops it."""
        with process.Urgent():
            cpu, packets = process.cpu_ns(self.process.pid), self.packets()
            time.sleep(seconds)
            cpu_end, packets_end = process.cpu_ns(self.process.pid), self.packets()
        if packets_end <= packets:
            raise process.Failed("the flood stands still")
        return (cpu_end - cpu) / (packets_end - packets)

    def wait(self, patience):
        began = time.monotonic()
        self.process.wait(patience)
        return time.monotonic() - began

    def close(self):
        process.stop(self.process)
        self._file.close()
