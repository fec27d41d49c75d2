"""Every route."""

from django.contrib import admin
from django.urls import include, path, re_path

from config import health

admin.site.site_header = admin.site.site_title = "Reelay"

urlpatterns = [
    path("v1/", include("videos.api.urls")),
    re_path(r"^healthz/?$", health.healthz, name="healthz"),
    re_path(r"^readyz/?$", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
]

handler400 = "videos.api.errors.malformed_request"
handler404 = "videos.api.errors.unknown_route"
handler500 = "videos.api.errors.internal_error"
