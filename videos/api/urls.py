"""The routes. `generations` and `validate` come first, so that they are not taken for ids."""

from django.urls import re_path

from videos.api.account import AccountView
from videos.api.bucket import BucketCheckView
from videos.api.content import ContentView
from videos.api.create import CreateView, ValidateView
from videos.api.description import DescriptionView
from videos.api.files import FileContentView, FilesView, OneFileView
from videos.api.models import ModelsView, ModelView
from videos.api.remix import RemixView
from videos.api.usage import UsageView
from videos.api.videos import GenerationView, VideosView, VideoView

urlpatterns = [
    re_path(r"^videos/?$", VideosView.as_view(), name="videos"),
    re_path(r"^videos/generations/?$", CreateView.as_view(), name="videos-generations"),
    re_path(r"^video/generations/?$", CreateView.as_view(), name="video-generations"),
    re_path(r"^videos/validate/?$", ValidateView.as_view(), name="validate"),
    re_path(r"^videos/generations/(?P<task_id>[^/]+)/?$", VideoView.as_view(), name="generation"),
    re_path(r"^video/generations/(?P<task_id>[^/]+)/?$", GenerationView.as_view(), name="new-api"),
    re_path(r"^videos/(?P<task_id>[^/]+)/content/?$", ContentView.as_view(), name="content"),
    re_path(r"^videos/(?P<task_id>[^/]+)/?$", VideoView.as_view(), name="video"),
    re_path(r"^videos/(?P<task_id>[^/]+)/remix/?$", RemixView.as_view(), name="remix"),
    re_path(r"^videos/generations/(?P<task_id>[^/]+)/remix/?$", RemixView.as_view(), name="generation-remix"),
    re_path(r"^video/generations/(?P<task_id>[^/]+)/remix/?$", RemixView.as_view(), name="new-api-remix"),
    re_path(r"^files/?$", FilesView.as_view(), name="files"),
    re_path(r"^files/(?P<file_id>[^/]+)/content/?$", FileContentView.as_view(), name="file-content"),
    re_path(r"^files/(?P<file_id>[^/]+)/?$", OneFileView.as_view(), name="file"),
    re_path(r"^usage/?$", UsageView.as_view(), name="usage"),
    re_path(r"^account/bucket/check/?$", BucketCheckView.as_view(), name="bucket-check"),
    re_path(r"^account/?$", AccountView.as_view(), name="account"),
    re_path(r"^models/?$", ModelsView.as_view(), name="models"),
    re_path(r"^models/(?P<name>[^/]+)/?$", ModelView.as_view(), name="model"),
    re_path(r"^openapi\.json/?$", DescriptionView.as_view(), name="openapi"),
]
