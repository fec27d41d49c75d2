"""The documentation as a site at `/docs/`: the files that `make site` built."""

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.static import serve

HOME = "/docs/"
_FIRST = "index.html"


@require_safe
def page(request: HttpRequest, path: str | None = None) -> HttpResponseBase:
    """A file of the site. If there is no site, its first page says how to build one."""
    if path is None:
        return HttpResponseRedirect(HOME)
    if settings.SITE_ROOT.is_dir():
        return _file(request, path or _FIRST)
    if path or "text/html" not in request.headers.get("accept", ""):
        raise Http404
    return render(request, "errors/no_site.html", status=404)


def _file(request: HttpRequest, path: str) -> HttpResponseBase:
    try:
        return serve(request, path, document_root=str(settings.SITE_ROOT))
    except SuspiciousFileOperation:  # it is outside of the site
        raise Http404 from None
