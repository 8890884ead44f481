# SPDX-License-Identifier: Apache-2.0
"""late_tls.py PORT COUNT: after a line loads its TLS library, asks so many times from 100 ms on."""
import sys
import time


def main(port, count):
    sys.stdin.readline()
    import http.client
    import ssl

    time.sleep(0.1)
    context = ssl.create_default_context()
    connection = http.client.HTTPSConnection("localhost", int(port), context=context)
    for _ in range(int(count)):
        connection.request("GET", "/late")
        connection.getresponse().read()
    print(count)


main(*sys.argv[1:])
