"""The tables of tenants, people, keys and quotas."""

from accounts.models.api_key import APIKey, KeyKind, Purpose, Scope
from accounts.models.audit_entry import AuditEntry, AuditPlace
from accounts.models.authenticator import Authenticator
from accounts.models.balance_alert import BalanceAlert
from accounts.models.cos_bucket import CosBucket
from accounts.models.form_result import FormResult
from accounts.models.invitation import Invitation
from accounts.models.quota import Quota, Standing, WhenFull
from accounts.models.recovery_code import RecoveryCode
from accounts.models.session import Session
from accounts.models.signing_secret import SigningSecret
from accounts.models.tenant import Membership, Role, Tenant, User

__all__ = [
    "APIKey",
    "AuditEntry",
    "AuditPlace",
    "Authenticator",
    "BalanceAlert",
    "CosBucket",
    "FormResult",
    "Invitation",
    "KeyKind",
    "Membership",
    "Purpose",
    "Quota",
    "RecoveryCode",
    "Role",
    "Scope",
    "Session",
    "SigningSecret",
    "Standing",
    "Tenant",
    "User",
    "WhenFull",
]
