"""aiohttp with aiohttp-prometheus-exporter, as its README says: `python aiohttp-exporter.py PORT`."""

import asyncio
import sys
import time

from aiohttp import web
from aiohttp_prometheus_exporter.handler import metrics
from aiohttp_prometheus_exporter.middleware import prometheus_middleware_factory


async def calm(_):
    await asyncio.sleep(0.005)
    return web.Response(text="done")


async def health(_):
    return web.Response(text="well")


async def stall(request):
    time.sleep(float(request.query["s"]))  # on the loop
    return web.Response(text="done")


app = web.Application(middlewares=[prometheus_middleware_factory()])
app.router.add_get("/metrics", metrics())
app.router.add_get("/", calm)
app.router.add_get("/health", health)
app.router.add_get("/stall", stall)

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
