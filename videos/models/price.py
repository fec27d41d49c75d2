"""Prices, and the revision of the offers."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.money import MoneyField
from config.amounts import ZERO
from videos.models.price_list import PriceList

_OPTIONS = ("on_own_account", "with_audio", "with_reference", "off_peak")
_BEGINS_TOO = _("A price of the same list with these options and this start already exists.")
_STARTS = ("model", "with_audio", "with_reference", "off_peak", "on_own_account", "valid_from")


class Price(models.Model):
    """The price of a second of video of one model with certain options, from a moment on.

    Of the prices in force whose options the request has, the one with the most options applies; of several
    with the same options, the latest.
    """

    price_list = models.ForeignKey(
        PriceList,
        verbose_name=_("price list"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="prices",
        help_text=_("Empty: the default list, for all tenants whose own list has no such price in force."),
    )
    model = models.CharField(
        verbose_name=_("model"), max_length=50, help_text=_("The public name, such as Kling-3.0-720p.")
    )
    with_audio = models.BooleanField(
        verbose_name=_("with audio"), default=False, help_text=_("Applies if audio is requested.")
    )
    with_reference = models.BooleanField(
        verbose_name=_("with reference"),
        default=False,
        help_text=_("Applies if a video is given, or more images than the model takes as frames."),
    )
    off_peak = models.BooleanField(
        verbose_name=_("off-peak"), default=False, help_text=_("Applies if off-peak generation is requested.")
    )
    on_own_account = models.BooleanField(
        verbose_name=_("on the tenant's own account"),
        default=False,
        db_default=False,
        help_text=_(
            "Applies to videos made on the tenant's own upstream account; without one they are free."
        ),
    )
    per_second = MoneyField(verbose_name=_("price of a second"), validators=[MinValueValidator(ZERO)])
    valid_from = models.DateTimeField(verbose_name=_("valid from"), default=timezone.now)
    valid_until = models.DateTimeField(
        verbose_name=_("valid until"),
        null=True,
        blank=True,
        help_text=_("Empty: valid until a newer price starts."),
    )

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        ordering = ["model", "price_list", *_OPTIONS, "-valid_from"]
        constraints = [
            models.CheckConstraint(condition=Q(per_second__gte=0), name="price_not_negative"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="price_ends_after_it_begins",
            ),
            # No two prices of a list start at the same moment, so there is always a latest one.
            models.UniqueConstraint(
                fields=_STARTS,
                condition=Q(price_list__isnull=True),
                name="price_of_options_once_per_moment",
                violation_error_message=_BEGINS_TOO,
            ),
            models.UniqueConstraint(
                fields=["price_list", *_STARTS],
                name="price_of_list_once_per_moment",
                violation_error_message=_BEGINS_TOO,
            ),
        ]

    def __str__(self) -> str:
        options = {
            "audio": self.with_audio,
            "reference": self.with_reference,
            "off-peak": self.off_peak,
            "own account": self.on_own_account,
        }
        name = " + ".join([self.model, *(name for name, wanted in options.items() if wanted)])
        return f"{name} ({self.price_list})" if self.price_list else name


class OfferRevision(models.Model):
    """A single row, which triggers update when a price, a tenant's price list or an account changes."""

    id = models.PositiveSmallIntegerField(verbose_name=_("ID"), primary_key=True, default=1)
    revision = models.UUIDField(verbose_name=_("revision"))

    class Meta:
        verbose_name = _("revision of the offer")
        verbose_name_plural = _("revisions of the offer")

    def __str__(self) -> str:
        return str(self.revision)
