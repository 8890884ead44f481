#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The C library's resolver, by threads at once, after a line on standard input.

    resolve.py THREADS ROUNDS

Asks for names of example.test, which are there, and of none.test, which are not. Prints the questions that
this takes: the name, the type, and the status of the answer.
"""
import concurrent.futures
import socket
import sys


def resolve(number, rounds):
    asked = []
    for i in range(rounds):
        name = "n%d-%d.example.test" % (number, i)
        found = {entry[4][0] for entry in socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)}
        assert found == {"192.0.2.7", "2001:db8::7"}, found
        asked += [(name, "A", "-"), (name, "AAAA", "-")]
        assert socket.gethostbyname(name) == "192.0.2.7"
        asked.append((name, "A", "-"))
        name = "n%d-%d.none.test" % (number, i)
        try:
            socket.getaddrinfo(name, 80)
            sys.exit("%s is there" % name)
        except socket.gaierror:
            asked += [(name, "A", "NXDomain"), (name, "AAAA", "NXDomain")]
    return asked


def main():
    threads, rounds = map(int, sys.argv[1:])
    sys.stdin.readline()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for asked in pool.map(lambda number: resolve(number, rounds), range(threads)):
            for question in asked:
                print(*question)


main()
