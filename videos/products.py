"""The upstream products that make videos; what is specific to one is in its provider's folder."""

from enum import StrEnum


class Product(StrEnum):
    """An API of a provider."""

    MPS = "mps"
    """Media Processing Service."""
    VOD = "vod"
    """Video on Demand."""
