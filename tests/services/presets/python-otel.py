"""FastAPI with OpenTelemetry's instrumentation and Prometheus exporter: `python python-otel.py PORT`.

OTEL_SEMCONV_STABILITY_OPT_IN=http in the environment has the names of the stable semantic
conventions, `http/dup` both, and without it they are the old ones.
"""

import asyncio
import sys
import time

import prometheus_client
import uvicorn
from fastapi import FastAPI
from opentelemetry import metrics
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.metrics import MeterProvider

metrics.set_meter_provider(MeterProvider(metric_readers=[PrometheusMetricReader()]))
app = FastAPI()
app.mount("/metrics", prometheus_client.make_asgi_app())
FastAPIInstrumentor.instrument_app(app, excluded_urls="metrics")


@app.get("/")
async def calm():
    await asyncio.sleep(0.005)
    return "done"


@app.get("/health")
async def health():
    return "done"


@app.get("/stall")
async def stall(s: float):
    time.sleep(s)  # on the loop  # noqa: ASYNC251
    return "done"


@app.get("/pool")
def pool(s: float = 0.3):
    time.sleep(s)  # in one of anyio's 40 threads
    return "done"


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
