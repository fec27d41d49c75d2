"""Recent generation times of the models."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class GenerationStat(models.Model):
    """The usual generation time of a model, learned from its latest videos."""

    model = models.CharField(verbose_name=_("model"), max_length=50, primary_key=True)
    usual = models.FloatField(
        verbose_name=_("usual"), help_text=_("Seconds from acceptance to the end, the mean.")
    )
    spread = models.FloatField(verbose_name=_("spread"), help_text=_("Seconds, one standard deviation."))
    samples = models.IntegerField(verbose_name=_("samples"))
    updated_at = models.DateTimeField(verbose_name=_("updated at"))

    class Meta:
        verbose_name = _("usual generation time")
        verbose_name_plural = _("usual generation times")

    def __str__(self) -> str:
        return f"{self.model}: {self.usual:.0f} ± {self.spread:.0f} s"
