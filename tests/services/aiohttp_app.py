"""The routes of asgi.py in aiohttp: `python aiohttp_app.py HOST PORT`."""

import sys

from aiohttp import web

from truth import Truth, work

truth = Truth()


async def started(_):
    truth.start()


async def tell(request):
    told = truth.told()
    if "reset" in request.query:
        truth.reset()
    return web.json_response(told)


async def serve(request):
    truth.began()
    try:
        await work(request.path, float(request.query.get("ms", "0")) / 1000)
    finally:
        truth.ended()
    return web.Response(text="done\n")


app = web.Application()
app.on_startup.append(started)
app.router.add_get("/truth", tell)
app.router.add_get("/{path:.*}", serve)

if __name__ == "__main__":
    web.run_app(app, host=sys.argv[1], port=int(sys.argv[2]), print=None)
