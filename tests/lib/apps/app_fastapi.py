# SPDX-License-Identifier: Apache-2.0
# A FastAPI application: uvicorn app_fastapi:app
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, PlainTextResponse

app = FastAPI()


@app.api_route("/hello", methods=["GET", "POST", "HEAD"])
async def hello(request: Request):
    return PlainTextResponse(f"{len(await request.body())}\n")


@app.get("/large")
async def large():
    return FileResponse("large")
