"""A tenant's own bucket for its videos."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import buckets
from accounts.credentials import validate_credential
from accounts.encryption import EncryptedTextField
from accounts.models.tenant import Tenant

_ROLE = r"^qcs::cam::uin/\d+:roleName/[\w-]+\Z"
_NO_CREDENTIALS = Q(secret_id="", secret_key__isnull=True)
_CREDENTIALS = ~Q(secret_id="") & Q(secret_key__isnull=False)


class CosBucket(models.Model):
    """Where upstream puts a tenant's videos; an empty `bucket` means none of the tenant's own.

    A trigger clears `checked_at` when anything changes that a check depends on.
    """

    tenant = models.OneToOneField(
        Tenant,
        verbose_name=_("tenant"),
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="cos_bucket",
    )
    bucket = models.CharField(
        verbose_name=_("bucket"),
        max_length=80,
        blank=True,
        help_text=_("name-appid, such as videos-1250000000."),
    )
    region = models.CharField(
        verbose_name=_("region"), max_length=40, blank=True, help_text=_("Such as ap-guangzhou.")
    )
    path_prefix = models.CharField(
        verbose_name=_("path prefix"),
        max_length=200,
        blank=True,
        default="reelay/{date}",
        help_text=_("Folders before the task's own; {tenant}, {model} and {date} are filled in."),
    )
    secret_id = models.CharField(
        verbose_name=_("secret ID"),
        max_length=100,
        blank=True,
        validators=[validate_credential],
        help_text=_("With the key: signs links to a private bucket."),
    )
    secret_key = EncryptedTextField(verbose_name=_("secret key"), null=True, blank=True)

    role_arn = models.CharField(
        verbose_name=_("role"),
        max_length=200,
        blank=True,
        default="",
        db_default="",
        validators=[
            RegexValidator(_ROLE, _("Write a role such as qcs::cam::uin/100000000001:roleName/reader."))
        ],
        help_text=_("A role that the platform may assume to read the bucket, instead of a key pair."),
    )
    keep_copy = models.BooleanField(
        verbose_name=_("keep a copy"),
        default=False,
        db_default=False,
        help_text=_("The platform keeps a copy of each video as well, for as long as it keeps others."),
    )
    checked_at = models.DateTimeField(
        verbose_name=_("checked at"), null=True, editable=False, help_text=_("When a check last succeeded.")
    )

    class Meta:
        verbose_name = _("COS bucket")
        verbose_name_plural = _("COS buckets")
        constraints = [
            # Bucket and region are set together.
            models.CheckConstraint(
                condition=Q(bucket="", region="") | (~Q(bucket="") & ~Q(region="")),
                name="cos_bucket_with_region",
            ),
            # Secret id and key are set together.
            models.CheckConstraint(
                condition=_NO_CREDENTIALS | _CREDENTIALS, name="cos_bucket_credentials_are_a_pair"
            ),
            # The bucket is read with a key pair or with a role.
            models.CheckConstraint(
                condition=Q(secret_id="") | Q(role_arn=""), name="cos_bucket_pair_or_role"
            ),
        ]

    def __str__(self) -> str:
        return self.bucket or gettext("no bucket")

    @property
    def has_secret_key(self) -> bool:
        """Whether a key is set; a deferred one is not decrypted for this."""
        if "secret_key" in self.get_deferred_fields():
            return CosBucket.objects.filter(pk=self.pk, secret_key__isnull=False).exists()
        return bool(self.secret_key)

    def clean(self) -> None:
        problems = dict(self._problems())
        if problems:
            raise ValidationError(problems)

    def destination(self, task_id: str, model: str, day: date) -> buckets.Destination | None:
        return buckets.destination(
            self.bucket,
            self.region,
            self.path_prefix,
            tenant_id=self.tenant_id,
            task_id=task_id,
            model=model,
            day=day,
        )

    def _problems(self) -> Iterator[tuple[str, str]]:
        """Fields and translated messages."""
        checks: dict[str, Callable[[], None]] = {
            "bucket": partial(buckets.check_bucket, self.bucket, self.region),
            "region": partial(buckets.check_region, self.region, self.bucket),
            "path_prefix": partial(buckets.check_path_prefix, self.path_prefix),
            "secret_id": partial(buckets.check_credentials, self.secret_id, has_key=self.has_secret_key),
            "role_arn": partial(buckets.check_role, self.role_arn, self.secret_id),
        }
        for field, check in checks.items():
            try:
                check()
            except buckets.InvalidBucket as problem:
                yield field, gettext(problem.sentence) % problem.values
