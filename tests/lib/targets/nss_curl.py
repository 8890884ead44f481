# SPDX-License-Identifier: Apache-2.0
"""nss_curl.py URL COUNT: asks so many times by libcurl over NSS, after a line on the input."""
import ctypes
import sys

WRITEFUNCTION, VERIFYPEER, VERIFYHOST, URL, SSLVERSION = 20011, 64, 81, 10002, 32
TLS = {"1.2": 6 | 6 << 16, "1.3": 7 | 7 << 16}

curl = ctypes.CDLL("libcurl-nss.so.4")
curl.curl_easy_init.restype = ctypes.c_void_p
curl.curl_global_init(ctypes.c_long(3))


@ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p)
def swallow(_data, size, count, _context):
    return size * count


def main(url, count, version):
    handle = ctypes.c_void_p(curl.curl_easy_init())
    for option, value in (
        (URL, ctypes.c_char_p(url.encode())),
        (WRITEFUNCTION, swallow),
        (VERIFYPEER, ctypes.c_long(0)),
        (VERIFYHOST, ctypes.c_long(0)),
        (SSLVERSION, ctypes.c_long(TLS[version])),
    ):
        assert curl.curl_easy_setopt(handle, option, value) == 0, option
    sys.stdin.readline()
    done = sum(curl.curl_easy_perform(handle) == 0 for _ in range(int(count)))
    curl.curl_easy_cleanup(handle)
    print(done)


main(*sys.argv[1:])
