"""The audit log: which person changed what, from where, and why."""

from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models.tenant import Tenant, User


class AuditPlace(models.TextChoices):
    """Where a change was made."""

    CONSOLE = "console", _("staff console")
    PORTAL = "portal", _("tenant portal")
    OWN_PAGES = "own pages", pgettext_lazy("of a person", "own account")
    COMMAND_LINE = "command line", _("command line")
    API = "api", _("API")


class AuditEntry(models.Model):
    """One change by a person, committed with the change itself.

    A trigger refuses UPDATE, DELETE and TRUNCATE. People may be deleted, so their names and ids are kept.
    """

    at = models.DateTimeField(verbose_name=_("at"))
    actor = models.ForeignKey(
        User,
        verbose_name=_("person"),
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
    )
    actor_name = models.CharField(
        verbose_name=_("person"), max_length=150, help_text=_("The name at that time.")
    )
    address = models.GenericIPAddressField(verbose_name=_("address"), null=True)
    place = models.CharField(
        verbose_name=_("place"), max_length=20, choices=AuditPlace.choices, default=AuditPlace.CONSOLE
    )
    tenant = models.ForeignKey(
        Tenant,
        verbose_name=_("tenant"),
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,  # `audit_entry_of_tenant` begins with it
    )
    subject = models.CharField(
        verbose_name=_("subject"), max_length=200, help_text=_("What was changed, such as quota of Alice.")
    )
    row_model = models.CharField(
        verbose_name=_("model of the row"),
        max_length=60,
        db_default="",
        help_text=_(
            "Of the row whose history the entry is in, such as accounts.tenant; empty if there is none."
        ),
    )
    row_key = models.CharField(
        verbose_name=_("key of the row"),
        max_length=40,
        db_default="",
        help_text=_("The primary key of that row."),
    )
    reason = models.TextField(verbose_name=_("reason"), help_text=_("Empty if no reason is required."))
    before: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        verbose_name=_("before"), default=dict
    )
    after: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        verbose_name=_("after"), default=dict
    )

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ["-id"]
        indexes = [
            # The entries about one row, latest first.
            models.Index(fields=["row_model", "row_key", "-id"], name="audit_entry_of_row"),
            # Those of earlier releases, which know only its name.
            models.Index(
                fields=["subject", "-id"], name="audit_entry_of_name", condition=models.Q(row_model="")
            ),
            # console: the search for words. The pending list of fast updates would slow it down.
            GinIndex(
                OpClass(Upper("subject"), name="gin_trgm_ops"), name="audit_entry_subject", fastupdate=False
            ),
            GinIndex(
                OpClass(Upper("actor_name"), name="gin_trgm_ops"), name="audit_entry_actor", fastupdate=False
            ),
            # portal: the entries about a tenant, latest first.
            models.Index(fields=["tenant", "-id"], name="audit_entry_of_tenant"),
            # console: the rows of a range of days, newest first.
            models.Index(fields=["at", "id"], name="audit_entry_at"),
        ]
        constraints = [
            # Every entry names who made the change.
            models.CheckConstraint(condition=~models.Q(actor_name=""), name="audit_entry_has_actor"),
            models.CheckConstraint(
                condition=models.Q(place__in=AuditPlace.values), name="audit_entry_place_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name}, {timezone.localtime(self.at):%Y-%m-%d %H:%M:%S}"
