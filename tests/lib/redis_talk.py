#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Redis client on a socket: each way of talking that there is, and what must come back.

    redis_talk.py VERB PORT [ARGUMENT...]

Prints how many commands were sent. VERBs that wait begin when a line comes on standard input.
"""
import socket
import sys
import time


class Client:
    sent = 0

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", int(port)), timeout=30)
        self.rest = b""

    def send(self, *commands, piece=1 << 30):
        """Each command is a list of words; all in one write, or in pieces of so many bytes."""
        data = b""
        for words in commands:
            data += b"*%d\r\n" % len(words)
            for word in words:
                word = word if isinstance(word, bytes) else str(word).encode()
                data += b"$%d\r\n%s\r\n" % (len(word), word)
        for at in range(0, len(data), piece):
            self.sock.sendall(data[at : at + piece])
        Client.sent += len(commands)

    def fill(self):
        piece = self.sock.recv(65536)
        if not piece:
            sys.exit("closed by the server")
        self.rest += piece

    def line(self):
        while b"\r\n" not in self.rest:
            self.fill()
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line

    def reply(self):
        line = self.line()
        kind, text = line[:1], line[1:]
        if kind == b"$":
            if int(text) < 0:
                return None
            while len(self.rest) < int(text) + 2:
                self.fill()
            value, self.rest = self.rest[: int(text)], self.rest[int(text) + 2 :]
            return value
        if kind in b"*~>":
            return [self.reply() for _ in range(int(text))] if int(text) >= 0 else None
        if kind == b"%":
            return {self.reply(): self.reply() for _ in range(int(text))}
        return line

    def ask(self, *words):
        self.send(words)
        return self.reply()


def expect(value, wanted):
    if value != wanted:
        sys.exit("got %r, expected %r" % (value, wanted))


def expect_error(value, words):
    if not (isinstance(value, bytes) and value.startswith(b"-" + words.encode())):
        sys.exit("got %r, expected the error %r" % (value, words))


def wait():
    sys.stdout.flush()
    sys.stdin.readline()


def resp3(port):
    client = Client(port)
    hello = client.ask("HELLO", 3)
    expect(isinstance(hello, dict) and hello[b"server"], b"redis")
    expect(client.ask("HSET", "h", "a", "1", "b", "2"), b":2")
    expect(client.ask("HGETALL", "h"), {b"a": b"1", b"b": b"2"})
    expect(client.ask("GET", "nothing"), b"_")


def select(port):
    client = Client(port)
    expect(client.ask("SELECT", 2), b"+OK")
    expect(client.ask("SET", "there", "x"), b"+OK")
    expect_error(client.ask("SELECT", 99), "ERR DB index")
    expect(client.ask("GET", "there"), b"x")


def transaction(port):
    client = Client(port)
    expect(client.ask("MULTI"), b"+OK")
    expect(client.ask("SET", "t", "word"), b"+QUEUED")
    expect(client.ask("INCR", "t"), b"+QUEUED")
    ok, error = client.ask("EXEC")
    expect(ok, b"+OK")
    expect_error(error, "ERR value is not an integer")
    client.send(("MULTI",), ("GET", "t"), ("EXEC",))
    expect([client.reply() for _ in range(3)], [b"+OK", b"+QUEUED", [b"word"]])


def errors(port):
    client = Client(port)
    expect(client.ask("SET", "e", "1"), b"+OK")
    expect_error(client.ask("LPUSH", "e", "x"), "WRONGTYPE Operation against")
    expect_error(client.ask("GET"), "ERR wrong number of arguments")
    expect_error(client.ask("NOSUCHCOMMAND", "x"), "ERR unknown command")
    expect_error(client.ask("EVALSHA", "0" * 40, 0), "NOSCRIPT No matching script")


def pubsub(port):
    listener, speaker = Client(port), Client(port)
    expect(listener.ask("SUBSCRIBE", "c", "d"), [b"subscribe", b"c", b":1"])
    expect(listener.reply(), [b"subscribe", b"d", b":2"])
    for i in range(5):
        expect(speaker.ask("PUBLISH", "c", i), b":1")
        expect(listener.reply(), [b"message", b"c", b"%d" % i])
    expect(listener.ask("PING"), [b"pong", b""])
    expect(listener.ask("UNSUBSCRIBE", "c"), [b"unsubscribe", b"c", b":1"])
    expect(listener.ask("UNSUBSCRIBE"), [b"unsubscribe", b"d", b":0"])
    expect(listener.ask("ECHO", "again"), b"again")


def inline(port):
    client = Client(port)
    client.sock.sendall(b"PING\r\n")
    expect(client.reply(), b"+PONG")
    client.sock.sendall(b'SET inline "two words"\r\nGET inline\r\n')
    expect([client.reply(), client.reply()], [b"+OK", b"two words"])
    Client.sent += 3


def settled(port):
    """A connection on which something was said, and that whoever watches had time to know by it."""
    client = Client(port)
    expect(client.ask("PING"), b"+PONG")
    time.sleep(0.3)
    return client


def pipeline(port):
    client = settled(port)
    client.send(*(("SET", "p%d" % i, i) for i in range(1000)))
    expect({client.reply() for _ in range(1000)}, {b"+OK"})
    client.send(*(("GET", "p%d" % i) for i in range(1000)))
    expect([client.reply() for _ in range(1000)], [b"%d" % i for i in range(1000)])


def large(port):
    client, value = settled(port), b"v" * 300000
    expect(client.ask("SET", "large", value), b"+OK")
    expect(client.ask("GET", "large"), value)
    expect(client.ask("STRLEN", "large"), b":300000")


def burst(port, connections):
    """The first that a connection says is 300 kB of commands at once."""
    for _ in range(int(connections)):
        client = Client(port)
        client.send(*(("SET", "b%d" % i, b"v" * 300) for i in range(900)), piece=16384)
        expect({client.reply() for _ in range(900)}, {b"+OK"})


def burst_later(port, connections):
    wait()
    burst(port, connections)


def talk(port):
    for way in (resp3, select, transaction, errors, pubsub, inline, pipeline, large):
        way(port)


def later(port):
    """The same after a line came: whoever watches this process has begun by then."""
    wait()
    talk(port)


def old(port, count):
    """A connection that was used before the line came."""
    client = Client(port)
    expect(client.ask("PING"), b"+PONG")
    wait()
    for _ in range(int(count)):
        expect(client.ask("ECHO", "x"), b"x")


def main():
    globals()[sys.argv[1]](*sys.argv[2:])
    print(Client.sent)


main()
