# SPDX-License-Identifier: Apache-2.0
# Waits for a line, then asks by aiohttp: client_aiohttp.py PORT COUNT
import asyncio
import sys

import aiohttp


async def ask(port, count):
    async with aiohttp.ClientSession() as session:
        for i in range(int(count)):
            async with session.get(f"http://127.0.0.1:{port}/asked/{i}") as answer:
                assert answer.status == 200
                await answer.read()


sys.stdin.readline()
asyncio.run(ask(*sys.argv[1:]))
