"""The only route of the dialect; `POST /` with an action is served by it, too."""

from django.urls import path

from videos.dialects.tencent.view import serve

urlpatterns = [path("", serve, name="signed")]
