#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks a server of any kind, and says of each answer: METHOD PATH STATUS.

Each of the connections, side by side, asks for all of a round so many times, and does so anew where the
server said that it ends. An answer must be whole.
"""
import argparse
import http.client
import ssl
import sys
import threading

BODY = b"x" * 20000


def take_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("connections", type=int)
    parser.add_argument("rounds", type=int)
    parser.add_argument("--each", type=int, default=5, help="rounds on one connection")
    parser.add_argument("--hello", default="/hello", help="path of something small")
    parser.add_argument("--large", default="/large", help="path of something large")
    parser.add_argument("--certificate", help="over TLS, and whom to trust")
    return parser.parse_args()


class Connection(http.client.HTTPConnection):
    """Sends a head with its body: a server may answer a head and be gone before the body comes."""
    held = b""

    def send(self, data):
        if data.startswith(b"POST "):
            self.held = data
            return
        held, self.held = self.held, b""
        super().send(held + data)


def connect(options, context):
    if context:
        return http.client.HTTPSConnection("localhost", options.port, timeout=20, context=context)
    return Connection("127.0.0.1", options.port, timeout=20)


def ask(options, context, said):
    asked = [
        ("GET", options.hello, None),
        ("GET", "/missing", None),
        ("POST", options.hello, BODY),
        ("GET", options.large, None),
        ("GET", options.hello + "?again=1", None),
        ("HEAD", options.hello, None),
    ]
    for i in range(options.rounds):
        if i % options.each == 0:
            connection = connect(options, context)
        for method, target, body in asked:
            connection.request(method, target, body)
            answer = connection.getresponse()
            answer.read()
            said.append(f"{method} {target.split('?')[0]} {answer.status}")
    connection.close()


def main():
    options, said = take_options(), []
    context = ssl.create_default_context(cafile=options.certificate) if options.certificate else None
    threads = [
        threading.Thread(target=ask, args=(options, context, said))
        for _ in range(options.connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(said) != options.connections * options.rounds * 6:
        sys.exit(f"only {len(said)} answers")
    print("\n".join(said))


main()
