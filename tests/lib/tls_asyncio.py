# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 over TLS by asyncio, which moves the bytes between its TLS library and the socket itself.

serve PORT CERT KEY
ask PORT COUNT CONNECTIONS ROUNDS: so many requests on each of so many connections at a time, and as
many new ones in each round. Paths end with the port of the client."""
import asyncio
import ssl
import sys


async def answer(reader, writer):
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        status = b"404 Not Found" if head.startswith(b"GET /missing") else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n\r\nhello")
        await writer.drain()


async def handle(reader, writer):
    try:
        await answer(reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve(port, cert, key):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    server = await asyncio.start_server(handle, "127.0.0.1", int(port), ssl=context)
    await server.serve_forever()


async def connection(port, count):
    context = ssl.create_default_context()
    reader, writer = await asyncio.open_connection("localhost", int(port), ssl=context)
    mine = b"/%d" % writer.get_extra_info("sockname")[1]
    for i in range(count):
        path = b"/missing" if i % 10 == 9 else b"/asked"
        writer.write(b"GET " + path + mine + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(5)
    writer.close()
    await writer.wait_closed()


async def ask(port, count, connections, rounds):
    await asyncio.sleep(1)
    for _ in range(int(rounds)):
        await asyncio.gather(*(connection(port, int(count)) for _ in range(int(connections))))


asyncio.run({"serve": serve, "ask": ask}[sys.argv[1]](*sys.argv[2:]))
