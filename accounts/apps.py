"""Tenants, their people and their keys."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who is asking and what they may have."""

    name = "accounts"
