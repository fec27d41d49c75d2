"""The routes of a tenant's pages about keys, bucket, members and its audit log."""

from django.urls import path

from accounts.portal import audit_log, bucket, keys, members

app_name = "account"
urlpatterns = [
    path("keys/", keys.KeysPage.as_view(), name="keys"),
    path("keys/new/", keys.NewKeyPage.as_view(), name="new-key"),
    path("keys/made/<uuid:form_id>/", keys.MadeKeyPage.as_view(), name="made-key"),
    path("keys/left/", keys.LeftKeysPage.as_view(), name="left-keys"),
    path("keys/<int:key_id>/", keys.KeyPage.as_view(), name="key"),
    path("keys/<int:key_id>/rotate/", keys.RotateKeyPage.as_view(), name="rotate-key"),
    path("keys/<int:key_id>/revoke/", keys.RevokeKeyPage.as_view(), name="revoke-key"),
    path("bucket/", bucket.BucketPage.as_view(), name="bucket"),
    path("bucket/check/", bucket.CheckBucketPage.as_view(), name="check-bucket"),
    path("bucket/remove/", bucket.RemoveBucketPage.as_view(), name="remove-bucket"),
    path("audit/", audit_log.AuditPage.as_view(), name="audit"),
    path("members/", members.MembersPage.as_view(), name="members"),
    path("members/leave/", members.LeavePage.as_view(), name="leave"),
    path("members/<int:member_id>/role/", members.RolePage.as_view(), name="member-role"),
    path("members/<int:member_id>/remove/", members.RemovePage.as_view(), name="remove-member"),
    path(
        "members/invitations/<int:invitation_id>/withdraw/",
        members.WithdrawPage.as_view(),
        name="withdraw-invitation",
    ),
]
