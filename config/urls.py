"""Every route but those of `config.health`."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import TemplateView
from django.views.i18n import set_language

from config.web import site

urlpatterns = [
    path("v1/", include("videos.api.urls")),
    path("tencent/", include("videos.dialects.tencent.urls")),
    path("docs/api/", TemplateView.as_view(template_name="reference.html"), name="reference"),
    path("language/", set_language, name="set_language"),
    re_path(r"^docs(?:/(?P<path>.*))?$", site.page, name="docs"),
    path("admin/", admin.site.urls),
    path("portal/<uuid:tenant_id>/", include("accounts.portal.urls")),
    path("portal/<uuid:tenant_id>/", include("videos.portal.urls")),
    path("", include("accounts.people.urls")),
]

handler400 = "videos.error_pages.malformed_request"
handler403 = "videos.error_pages.forbidden"
handler404 = "videos.error_pages.not_found"
handler500 = "videos.error_pages.internal_error"
