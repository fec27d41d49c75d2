"""Price lists of tenants or groups of tenants, beside the default list."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Tenant


class PriceList(models.Model):
    """Prices that hold for the tenants of this list, before those of the default list.

    The default list has no row: it is the prices without a list, which hold for every tenant where its own
    list has none in force.
    """

    name = models.CharField(verbose_name=_("name"), max_length=100, unique=True)
    note = models.TextField(
        verbose_name=_("note"), blank=True, default="", help_text=_("For staff: whom it is for, and why.")
    )

    class Meta:
        verbose_name = _("price list")
        verbose_name_plural = _("price lists")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TenantPriceList(models.Model):
    """The price list of a tenant; without a row, or without a list, the default one."""

    tenant = models.OneToOneField(
        Tenant,
        verbose_name=_("tenant"),
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="price_list",
    )
    price_list = models.ForeignKey(
        PriceList,
        verbose_name=_("price list"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="tenants",
        help_text=_("Empty: the default list. It applies to videos created from now on."),
    )

    class Meta:
        verbose_name = _("price list of a tenant")
        verbose_name_plural = _("price lists of tenants")

    def __str__(self) -> str:
        return str(self.price_list or _("Default list"))
