# SPDX-License-Identifier: Apache-2.0
"""map_files.py FILE...: maps each as code is mapped, says so, waits for a line."""
import mmap
import os
import sys

maps = []
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size:
            maps.append(mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ | mmap.PROT_EXEC, flags=mmap.MAP_PRIVATE))
print("mapped", flush=True)
sys.stdin.readline()
