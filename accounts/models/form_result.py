"""What a form made, by the id that each form is shown with: sent again, it makes nothing more."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.encryption import EncryptedTextField
from accounts.models.tenant import User


class FormResult(models.Model):
    """A form that somebody sent, with what it made, which may be a secret; see `accounts.once`."""

    person = models.ForeignKey(
        User, verbose_name=_("person"), on_delete=models.CASCADE, editable=False, related_name="+"
    )
    form_id = models.UUIDField(verbose_name=_("form"), editable=False)
    kind = models.CharField(verbose_name=_("kind"), max_length=50, editable=False)
    digest = models.CharField(
        verbose_name=_("digest"), max_length=64, editable=False, help_text="Of what was sent."
    )
    result = EncryptedTextField(
        verbose_name=_("result"), null=True, editable=False, help_text="JSON; empty once it is shown no more."
    )
    created_at = models.DateTimeField(verbose_name=_("created at"), editable=False)

    class Meta:
        verbose_name = _("result of a form")
        verbose_name_plural = _("results of forms")
        constraints = [
            # A person's form makes something once; if it is sent twice at once, the second waits.
            models.UniqueConstraint(fields=["person", "form_id"], name="form_result_once_per_form"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.form_id}"
