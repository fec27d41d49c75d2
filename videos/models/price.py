"""The price list, and the mark that tells when what is on offer has changed."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.money import ZERO, MoneyField


class Price(models.Model):
    """What a second of video of one model costs, with certain options, from a moment on.

    Of the prices in force whose options the request has, the one with the most options counts; of several
    with the same options, the one that came into force last.
    """

    model = models.CharField(max_length=50, help_text="The public name, such as Kling-3.0-720p.")
    with_audio = models.BooleanField(default=False, help_text="Where sound is asked for.")
    with_reference = models.BooleanField(
        default=False, help_text="Where a video is given, or more images than the model takes as frames."
    )
    off_peak = models.BooleanField(default=False, help_text="Where off-peak generation is asked for.")
    per_second = MoneyField(validators=[MinValueValidator(ZERO)])
    valid_from = models.DateTimeField(default=timezone.now)
    valid_until = models.DateTimeField(null=True, blank=True, help_text="Empty: until another takes over.")

    class Meta:
        ordering = ["model", "with_audio", "with_reference", "off_peak", "-valid_from"]
        constraints = [
            models.CheckConstraint(condition=Q(per_second__gte=0), name="price_not_negative"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="price_ends_after_it_begins",
            ),
            # It is always clear which price came last.
            models.UniqueConstraint(
                fields=["model", "with_audio", "with_reference", "off_peak", "valid_from"],
                name="price_once_per_moment",
            ),
        ]

    def __str__(self) -> str:
        options = {"audio": self.with_audio, "reference": self.with_reference, "off-peak": self.off_peak}
        return " + ".join([self.model, *(name for name, wanted in options.items() if wanted)])


class OfferRevision(models.Model):
    """One row, which triggers change with every change of a price or an upstream account."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    revision = models.UUIDField()

    def __str__(self) -> str:
        return str(self.revision)
