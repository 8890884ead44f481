#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""python3-redis: threads with a connection each, after a line on standard input.

    redis_py.py PORT THREADS ROUNDS

Prints each command: its name, the database, and the first word of the error that it was answered by.
"""
import sys
import threading

import redis

NO, DATABASE = "-", "3"


class Talker:
    def __init__(self, port, number):
        self.redis = redis.Redis(port=port, db=int(DATABASE), single_connection_client=True)
        self.key = "k%d" % number
        self.asked = []
        self.selects()

    def note(self, *names, status=NO):
        self.asked += [(name, DATABASE, status) for name in names]

    def selects(self):
        """A connection begins, in the database 0."""
        self.asked.append(("SELECT", "0", NO))

    def fails(self, status, name, *words):
        self.note(name, status=status)
        try:
            self.redis.execute_command(name, *words)
        except redis.ResponseError:
            return
        sys.exit("%s did not fail" % name)

    def values(self):
        self.note("SET", "GET", "EXPIRE", "HSET", "HGETALL", "BLPOP")
        assert self.redis.set(self.key, "x" * 2000)
        assert self.redis.get(self.key) == b"x" * 2000
        assert self.redis.expire(self.key, 100)
        self.redis.hset("h" + self.key, mapping={"a": 1, "b": 2})
        assert self.redis.hgetall("h" + self.key) == {b"a": b"1", b"b": b"2"}
        self.note("LPUSH")
        self.redis.lpush("l" + self.key, "item")
        assert self.redis.blpop("l" + self.key, 1)[1] == b"item"

    def errors(self):
        self.fails("WRONGTYPE", "LPUSH", self.key, "x")
        self.fails("ERR", "NOSUCHCOMMAND", "x")

    def pipelines(self):
        with self.redis.pipeline(transaction=False) as pipe:
            for i in range(30):
                pipe.set("%s:%d" % (self.key, i), i).get("%s:%d" % (self.key, i))
            self.note(*["SET", "GET"] * 30)
            assert pipe.execute()[1::2] == [b"%d" % i for i in range(30)]
        with self.redis.pipeline(transaction=True) as pipe:
            self.note("WATCH", "GET", "MULTI", "SET", "INCRBY", "EXEC")
            pipe.watch(self.key)
            assert pipe.get(self.key)
            pipe.multi()
            pipe.set("c" + self.key, 1).incr("c" + self.key)
            assert pipe.execute() == [True, 2]

    def scan(self):
        assert len(list(self.redis.sscan_iter("none" + self.key))) == 0
        self.note("SSCAN")

    def run(self, rounds):
        self.selects()  # pipelines have a connection of their own
        for _ in range(rounds):
            self.values()
            self.errors()
            self.pipelines()
            self.scan()


def script(port):
    client = Talker(port, 0)
    told = client.redis.register_script("return ARGV[1]")
    assert told(args=["word"]) == b"word"
    client.note("EVALSHA", status="NOSCRIPT")
    client.note("SCRIPT", "EVALSHA")
    return client


def pubsub(port):
    client = Talker(port, 0)
    listener = client.redis.pubsub()
    listener.subscribe("c")
    client.selects()
    client.note("SUBSCRIBE")
    assert listener.get_message(timeout=5)["type"] == "subscribe"
    for _ in range(3):
        assert client.redis.publish("c", "word") == 1
        assert listener.get_message(timeout=5)["data"] == b"word"
    client.note(*["PUBLISH"] * 3)
    listener.unsubscribe()
    client.note("UNSUBSCRIBE")
    assert listener.get_message(timeout=5)["type"] == "unsubscribe"
    return client


def main():
    port, threads, rounds = map(int, sys.argv[1:])
    sys.stdin.readline()
    talkers = [Talker(port, i) for i in range(threads)]
    running = [threading.Thread(target=talker.run, args=(rounds,)) for talker in talkers]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    for talker in talkers + [script(port), pubsub(port)]:
        for command in talker.asked:
            print(*command)


main()
