"""How long models have taken lately."""

from django.db import models


class GenerationStat(models.Model):
    """The usual time of a model, learned from its latest videos."""

    model = models.CharField(max_length=50, primary_key=True)
    usual = models.FloatField(help_text="Seconds from acceptance to the end, the mean.")
    spread = models.FloatField(help_text="Seconds, one standard deviation.")
    samples = models.IntegerField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.model}: {self.usual:.0f} ± {self.spread:.0f} s"
