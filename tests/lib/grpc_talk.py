#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Both ends of gRPC, on grpcio, with bytes for messages.

    grpc_talk.py serve PORT
    grpc_talk.py call PORT ROUNDS       each round: a call of each kind, and two that fail
    grpc_talk.py later PORT ROUNDS      the same after a line on standard input
    grpc_talk.py asked PORT ROUNDS THREADS  later, in so many threads at once
    grpc_talk.py etcd PORT ROUNDS THREADS   etcd's Put, and some of its Range
    grpc_talk.py old PORT ROUNDS        one call, the line, and the rounds on the same connection
    grpc_talk.py large PORT MEGABYTES   a stream of so much, and 200 small calls beside it

Prints how many calls were made; asked: each one's method, and the word of its status.
"""
import concurrent.futures
import sys
import threading
import time

import grpc

PIECE = b"x" * 65536


def fail(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "nothing of 100% that name")


class Handlers(grpc.GenericRpcHandler):
    methods = {
        "Echo": grpc.unary_unary_rpc_method_handler(lambda request, _: request),
        "Fail": grpc.unary_unary_rpc_method_handler(fail),
        "Count": grpc.unary_stream_rpc_method_handler(
            lambda request, _: (b"%d" % i for i in range(int(request)))
        ),
        "Pieces": grpc.unary_stream_rpc_method_handler(
            lambda request, _: (PIECE for _ in range(int(request)))
        ),
        "Join": grpc.stream_unary_rpc_method_handler(lambda requests, _: b"".join(requests)),
        "Chat": grpc.stream_stream_rpc_method_handler(lambda requests, _: (r for r in requests)),
    }

    def service(self, details):
        return self.methods.get(details.method.rpartition("/")[2])


def serve(port):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8), handlers=[Handlers()])
    server.add_insecure_port("127.0.0.1:%s" % port)
    server.start()
    server.wait_for_termination()


class Caller:
    def __init__(self, port):
        self.channel = grpc.insecure_channel("127.0.0.1:%s" % port)
        self.names = []

    @property
    def calls(self):
        return len(self.names)

    def method(self, kind, name):
        self.names.append(name)
        return getattr(self.channel, kind)("/toy.v1.Talk/" + name)

    def echo(self):
        expect(self.method("unary_unary", "Echo")(b"hello", timeout=30), b"hello")

    def fails(self, name, code):
        try:
            self.method("unary_unary", name)(b"", timeout=30)
        except grpc.RpcError as error:
            expect(error.code(), code)
            return
        sys.exit("%s did not fail" % name)

    def round(self):
        self.echo()
        expect(len(list(self.method("unary_stream", "Count")(b"20", timeout=30))), 20)
        expect(self.method("stream_unary", "Join")(iter([b"a", b"b"]), timeout=30), b"ab")
        chat = self.method("stream_stream", "Chat")(iter([b"a", b"b"]), timeout=30)
        expect(list(chat), [b"a", b"b"])
        self.fails("Fail", grpc.StatusCode.NOT_FOUND)
        self.fails("NoSuchMethod", grpc.StatusCode.UNIMPLEMENTED)


def expect(value, wanted):
    if value != wanted:
        sys.exit("got %r, expected %r" % (value, wanted))


def wait():
    sys.stdin.readline()


def call(port, rounds, before=lambda _: None):
    caller = Caller(port)
    before(caller)
    for _ in range(int(rounds)):
        caller.round()
    print(caller.calls)


def later(port, rounds):
    call(port, rounds, lambda _: wait())


def asked(port, rounds, threads):
    caller = Caller(port)
    wait()
    with concurrent.futures.ThreadPoolExecutor(int(threads)) as pool:
        for done in [pool.submit(caller.round) for _ in range(int(rounds) * int(threads))]:
            done.result()
    failures = {"Fail": grpc.StatusCode.NOT_FOUND, "NoSuchMethod": grpc.StatusCode.UNIMPLEMENTED}
    for name in caller.names:
        print(name, failures.get(name, grpc.StatusCode.OK).name)


def etcd(port, rounds, threads):
    channel = grpc.insecure_channel("127.0.0.1:%s" % port)
    put = channel.unary_unary("/etcdserverpb.KV/Put")
    get = channel.unary_unary("/etcdserverpb.KV/Range")

    def talk(number):
        for i in range(int(rounds)):
            # Field 1 is the key, field 2 the value, each with its length before.
            key = b"%02d:%05d" % (number, i)
            put(b"\x0a\x08" + key + b"\x12\x80\x10" + b"v" * 2048, timeout=30)
            for _ in range(3):
                expect(b"v" * 2048 in get(b"\x0a\x08" + key, timeout=30), True)

    with concurrent.futures.ThreadPoolExecutor(int(threads)) as pool:
        list(pool.map(talk, range(int(threads))))


def old(port, rounds):
    call(port, rounds, lambda caller: (caller.echo(), wait()))


def large(port, megabytes):
    caller, got = Caller(port), []

    def download():
        pieces = caller.method("unary_stream", "Pieces")(b"%d" % (int(megabytes) * 16), timeout=60)
        got.append(sum(len(piece) for piece in pieces))

    caller.echo()
    time.sleep(0.3)
    thread = threading.Thread(target=download)
    thread.start()
    for _ in range(200):
        caller.echo()
    thread.join()
    expect(got, [int(megabytes) << 20])
    print(caller.calls)


globals()[sys.argv[1]](*sys.argv[2:])
