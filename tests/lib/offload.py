# SPDX-License-Identifier: Apache-2.0
"""What an interface cuts up and puts together, as by ethtool -K and ip link, which not every host has.

    offload.py INTERFACE tso|gro            off
    offload.py INTERFACE largest BYTES      of a piece that is cut up later, IPv4 (6.3) and IPv6 (5.19)
"""
import ctypes
import fcntl
import socket
import struct
import sys

SIOCETHTOOL = 0x8946
ETHTOOL = {"tso": 0x1F, "gro": 0x2C}  # linux/ethtool.h: ETHTOOL_STSO, ETHTOOL_SGRO
RTM_NEWLINK = 16
NLM_F_REQUEST_ACK = 5
IFLA_GSO_MAX_SIZE, IFLA_GSO_IPV4_MAX_SIZE = 41, 63  # linux/if_link.h


def switch_off(interface, command):
    value = ctypes.create_string_buffer(struct.pack("=II", command, 0))
    request = struct.pack("16sQ16x", interface.encode(), ctypes.addressof(value))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCETHTOOL, request)


def set_largest(interface, size):
    body = struct.pack("=BxHiII", 0, 0, socket.if_nametoindex(interface), 0, 0)
    for attribute in (IFLA_GSO_MAX_SIZE, IFLA_GSO_IPV4_MAX_SIZE):
        body += struct.pack("=HHI", 8, attribute, size)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as s:
        s.send(struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, NLM_F_REQUEST_ACK, 1, 0) + body)
        error = struct.unpack_from("=i", s.recv(4096), 16)[0]
    if error:
        sys.exit("error %d" % error)


def main():
    interface, what, *size = sys.argv[1:]
    if what == "largest":
        set_largest(interface, int(size[0]))
    else:
        switch_off(interface, ETHTOOL[what])


main()
