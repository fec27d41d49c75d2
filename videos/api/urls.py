"""The routes. Words come before ids: `generations` and `validate` are never read as one."""

from django.urls import re_path

from videos.api import views
from videos.api.account import AccountView
from videos.api.create import CreateView, ValidateView
from videos.api.usage import UsageView

urlpatterns = [
    re_path(r"^videos/?$", views.VideosView.as_view(), name="videos"),
    re_path(r"^videos/generations/?$", CreateView.as_view(), name="videos-generations"),
    re_path(r"^video/generations/?$", CreateView.as_view(), name="video-generations"),
    re_path(r"^videos/validate/?$", ValidateView.as_view(), name="validate"),
    re_path(r"^videos/generations/(?P<task_id>[^/]+)/?$", views.VideoView.as_view(), name="generation"),
    re_path(r"^video/generations/(?P<task_id>[^/]+)/?$", views.GenerationView.as_view(), name="new-api"),
    re_path(r"^videos/(?P<task_id>[^/]+)/content/?$", views.ContentView.as_view(), name="content"),
    re_path(r"^videos/(?P<task_id>[^/]+)/?$", views.VideoView.as_view(), name="video"),
    re_path(r"^usage/?$", UsageView.as_view(), name="usage"),
    re_path(r"^account/?$", AccountView.as_view(), name="account"),
    re_path(r"^models/?$", views.ModelsView.as_view(), name="models"),
    re_path(r"^models/(?P<name>[^/]+)/?$", views.ModelView.as_view(), name="model"),
]
