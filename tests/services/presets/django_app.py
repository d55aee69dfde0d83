"""Django with django-prometheus under uvicorn, as its README says: `python django_app.py PORT`."""

import asyncio
import sys
import time

import django
import uvicorn
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import include, path

settings.configure(
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of no use",
    INSTALLED_APPS=["django_prometheus"],
    MIDDLEWARE=[
        "django_prometheus.middleware.PrometheusBeforeMiddleware",
        "django_prometheus.middleware.PrometheusAfterMiddleware",
    ],
)
django.setup()


async def calm(_):
    await asyncio.sleep(0.005)
    return HttpResponse("done")


async def health(_):
    return HttpResponse("done")


async def stall(request):
    time.sleep(float(request.GET["s"]))  # on the loop  # noqa: ASYNC251
    return HttpResponse("done")


def sync(request):
    time.sleep(float(request.GET.get("s", 0)))  # in the thread that this request has for such views
    return HttpResponse("done")


urlpatterns = [
    path("", calm),
    path("health", health, name="health"),
    path("stall", stall),
    path("sync", sync),
    path("", include("django_prometheus.urls")),
]

if __name__ == "__main__":
    uvicorn.run(get_asgi_application(), port=int(sys.argv[1]), log_level="warning")
