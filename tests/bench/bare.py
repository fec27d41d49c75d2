"""The least that Django can do: one view without a database or middleware, for comparison.

python -m granian --interface wsgi tests.bench.bare:application
"""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import re_path


def answer(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"id": "task", "object": "video", "status": "queued"})


urlpatterns = [re_path("", answer)]
if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[], SECRET_KEY="unused")
application = get_wsgi_application()
