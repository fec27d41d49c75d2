"""The routes of a person's own pages."""

from django.urls import path

from accounts.people import home

app_name = "people"
urlpatterns = [
    path("", home.HomePage.as_view(), name="home"),
    path("log-in/", home.HomePage.as_view(), name="log-in"),
    path("log-out/", home.HomePage.as_view(), name="log-out"),
    path("profile/", home.HomePage.as_view(), name="profile"),
]
