# SPDX-License-Identifier: Apache-2.0
# A server on aiohttp, which hands a file to the kernel: app_aiohttp.py PORT
import sys

from aiohttp import web


async def hello(request):
    return web.Response(text=f"{len(await request.read())}\n")


async def large(request):
    return web.FileResponse("large")


app = web.Application()
app.add_routes([web.get("/hello", hello), web.post("/hello", hello), web.get("/large", large)])
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
