"""Starlette with starlette_exporter, as its README says: `python starlette-exporter.py PORT`."""

import asyncio
import sys
import time

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette_exporter import PrometheusMiddleware, handle_metrics

app = Starlette()
app.add_middleware(PrometheusMiddleware, skip_paths=["/metrics"])
app.add_route("/metrics", handle_metrics)


async def calm(_):
    await asyncio.sleep(0.005)
    return PlainTextResponse("done")


async def health(_):
    return PlainTextResponse("well")


async def stall(request):
    time.sleep(float(request.query_params["s"]))  # on the loop
    return PlainTextResponse("done")


app.add_route("/", calm)
app.add_route("/health", health)
app.add_route("/stall", stall)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
