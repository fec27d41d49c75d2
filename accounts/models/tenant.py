"""Tenants, people, and which people belong to which tenant."""

import uuid
from datetime import date, datetime

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config import time_zones
from config.clock import Clock
from config.ids import uuid7

MOST_RETENTION_DAYS = 36_500


def new_id() -> uuid.UUID:
    """An id for a new row."""
    return uuid7(timezone.now())


def default_time_zone() -> str:
    """The time zone of a new tenant."""
    return str(settings.DEFAULT_TENANT_TIME_ZONE)


def validate_time_zone(name: str) -> None:
    """Raise `ValidationError` for a name that is not in the time zone database."""
    if name not in time_zones.names():
        raise ValidationError(
            _("%(name)s is no time zone; write one such as Asia/Shanghai"), params={"name": name}
        )


class User(AbstractUser):  # type: ignore[django-manager-missing]  # that of django-otp is untyped
    """A person who logs in: staff, or a member of tenants."""

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            # An e-mail address, with which people log in, belongs to one person.
            models.UniqueConstraint(
                Upper("email"),
                condition=~models.Q(email=""),
                name="user_email_once",
                violation_error_message=_("Another person has this e-mail address."),
            ),
        ]


class TenantManager(models.Manager["Tenant"]):
    """Locks tenants."""

    def locked(self, tenant_id: uuid.UUID) -> "Tenant":
        """Lock the tenant until the transaction ends: other changes of it or its members wait."""
        return self.select_for_update(no_key=True).get(pk=tenant_id)


class Tenant(models.Model):
    """A customer, who owns keys, tasks and videos; no tenant can see another."""

    id = models.UUIDField(verbose_name=_("ID"), primary_key=True, default=new_id, editable=False)
    name = models.CharField(verbose_name=_("name"), max_length=100, unique=True)
    created_at = models.DateTimeField(verbose_name=_("created at"), default=timezone.now, editable=False)
    suspended_at = models.DateTimeField(
        verbose_name=_("suspended at"),
        null=True,
        blank=True,
        help_text=_("While set, the tenant's keys do not work; running tasks go on."),
    )
    time_zone = models.CharField(
        verbose_name=_("time zone"),
        max_length=50,
        default=default_time_zone,
        validators=[validate_time_zone],
        help_text=_("The time zone in which its limits and usage are counted, such as Asia/Shanghai."),
    )
    earlier_time_zones = ArrayField(
        models.CharField(max_length=100),
        verbose_name=_("earlier time zones"),
        default=list,
        blank=True,
        editable=False,
        help_text=_("Each time zone with the time until which it applied."),
    )
    only_own_account = models.BooleanField(
        verbose_name=_("only on its own accounts"),
        default=False,
        db_default=False,
        help_text=_("Its videos are made only on upstream accounts that it owns, never on the platform's."),
    )
    retention_days = models.PositiveIntegerField(
        verbose_name=_("days that videos are kept"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_RETENTION_DAYS)],
        help_text=_("Of new videos, by the platform. Empty: the platform's default."),
    )
    members = models.ManyToManyField(
        User, verbose_name=_("members"), through="Membership", related_name="tenants"
    )

    objects = TenantManager()

    class Meta:
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")

    def __str__(self) -> str:
        return self.name

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None

    @property
    def clock(self) -> Clock:
        """The calendar of its days and months."""
        return Clock.of(self.time_zone, self.earlier_time_zones)

    def day_of(self, moment: datetime) -> date:
        """The tenant's own date at that moment."""
        return self.clock.day_of(moment)

    def suspend(self, now: datetime) -> None:
        """Refuse the tenant's keys from `now` on."""
        self.suspended_at = now
        self.save(update_fields=["suspended_at"])


class Role(models.TextChoices):
    """What a member may do for the tenant: everything, make videos, or view."""

    OWNER = "owner", _("Owner")
    MEMBER = "member", _("Member")
    VIEWER = "viewer", _("Viewer")

    @property
    def rank(self) -> int:
        """A higher role may do everything that a lower one may."""
        return [Role.VIEWER, Role.MEMBER, Role.OWNER].index(self)


class Membership(models.Model):
    """A person's membership of a tenant, with a role."""

    tenant = models.ForeignKey(
        Tenant, verbose_name=_("tenant"), on_delete=models.CASCADE, related_name="memberships"
    )
    user = models.ForeignKey(
        User, verbose_name=_("person"), on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(verbose_name=_("role"), max_length=10, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(verbose_name=_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        permissions = [("appoint_owner", "Can make somebody an owner")]
        constraints = [
            # A person is a member of a tenant once.
            models.UniqueConstraint(fields=["tenant", "user"], name="membership_once_per_tenant"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()}, {self.tenant})"
