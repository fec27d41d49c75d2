"""The routes of a tenant's pages about itself."""

from django.urls import path

from accounts.portal import bucket, keys, members

app_name = "account"
urlpatterns = [
    path("keys/", keys.KeysPage.as_view(), name="keys"),
    path("bucket/", bucket.BucketPage.as_view(), name="bucket"),
    path("members/", members.MembersPage.as_view(), name="members"),
]
