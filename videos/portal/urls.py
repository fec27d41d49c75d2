"""Routes of the portal's pages about videos, usage and money."""

from django.urls import path

from videos.portal import (
    api,
    history,
    limits,
    overview,
    playground,
    prices,
    removing,
    statement,
    usage,
    video,
)

app_name = "portal"
urlpatterns = [
    path("", overview.OverviewPage.as_view(), name="overview"),
    path("videos/", history.HistoryPage.as_view(), name="videos"),
    path("videos.csv", history.HistoryFile.as_view(), name="videos-file"),
    path("videos/new/", playground.PlaygroundPage.as_view(), name="playground"),
    path("videos/new/pictures/<str:file_id>/", playground.PicturePage.as_view(), name="picture"),
    path("videos/<str:task_id>/remove/", removing.RemovePage.as_view(), name="remove"),
    path("videos/<str:task_id>/", video.VideoPage.as_view(), name="video"),
    path("videos/<str:task_id>/poster.jpg", history.PosterPage.as_view(), name="poster"),
    path("videos/<str:task_id>/preview.webp", history.PreviewPage.as_view(), name="preview"),
    path("usage/", usage.UsagePage.as_view(), name="usage"),
    path("usage/<slug:group>.csv", usage.UsageFile.as_view(), name="usage-csv"),
    path("statement/", statement.StatementPage.as_view(), name="statement"),
    path("statement/<slug:table>.csv", statement.StatementFile.as_view(), name="statement-csv"),
    path("api/", api.ApiPage.as_view(), name="api"),
    path("prices/", prices.PricesPage.as_view(), name="prices"),
    path("limits/", limits.LimitsPage.as_view(), name="limits"),
    path("limits/alert/", limits.BalanceAlertPage.as_view(), name="balance-alert"),
]
