# SPDX-License-Identifier: Apache-2.0
# no_segmentation.py INTERFACE: as `ethtool -K INTERFACE tso off`, which not every host has.
import ctypes
import fcntl
import socket
import struct
import sys

SIOCETHTOOL = 0x8946
ETHTOOL_STSO = 0x1F

value = ctypes.create_string_buffer(struct.pack("=II", ETHTOOL_STSO, 0))
request = struct.pack("16sQ16x", sys.argv[1].encode(), ctypes.addressof(value))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, SIOCETHTOOL, request)
