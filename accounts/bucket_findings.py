"""What a check of a bucket found, in words: what failed, and how to mend it."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.bucket_policies import SERVICE_ROLE
from config.stores.base import Denied, Full, Misconfigured, Missing, StoreError, Unreachable
from config.stores.preflight import Different, Step
from config.stores.preflight import Finding as StepFinding

CREDENTIALS, GRANT = "credentials", "grant"
"""What is checked besides the steps of the preflight: before them, and after them."""
NAMES: Mapping[str, Promise] = {
    CREDENTIALS: _("Credentials"),
    Step.WRITE: _("Write"),
    Step.READ: _("Read"),
    Step.LIST: _("List"),
    Step.DELETE: _("Delete"),
    GRANT: _("The provider's permission"),
}
"""What people call each step."""


@dataclass(frozen=True)
class Finding:
    """What became of a step. `ok` is None if that is not known; `fix` is empty if there is nothing to do."""

    step: str
    ok: bool | None
    code: str
    message: str
    fix: str = ""

    @property
    def name(self) -> str:
        return str(NAMES[self.step])


_Words = tuple[Promise | str, Promise | str]
_CODES: dict[type[StoreError], str] = {
    Denied: "denied",
    Misconfigured: "misconfigured",
    Missing: "missing",
    Different: "different",
    Full: "full",
    Unreachable: "unreachable",
}
"""The code of each error; another one is `refused`."""
_DONE: Mapping[Step, Promise] = {
    Step.WRITE: _("A small object was written into %(folder)s."),
    Step.READ: _("What was written was read back unchanged."),
    Step.LIST: _("The folder can be listed."),
    Step.DELETE: _("Objects can be deleted, and nothing was left behind."),
}
_FAILED: Mapping[Step, Promise] = {
    Step.WRITE: _("No object could be written into %(folder)s: %(why)s."),
    Step.READ: _("What was written could not be read back: %(why)s."),
    Step.LIST: _("%(folder)s could not be listed: %(why)s."),
    Step.DELETE: _("The small object in %(folder)s could not be deleted: %(why)s."),
}
_ACTIONS: Mapping[Step, str] = {
    Step.WRITE: "name/cos:PutObject",
    Step.READ: "name/cos:GetObject, name/cos:HeadObject",
    Step.LIST: "name/cos:GetBucket",
    Step.DELETE: "name/cos:DeleteObject",
}
"""What the key pair or role must be allowed."""
_CHANGED_BY_OTHERS = _(
    "Make sure that no rule or program changes or deletes objects in %(folder)s, and check again."
)
_REASONS: Mapping[str, _Words] = {
    "denied": (
        _("access is denied"),
        _(
            "Make sure that the key pair or role is right and enabled, and give it the policy for access: it"
            " must allow %(actions)s."
        ),
    ),
    "misconfigured": (
        _("there is no such bucket in this region"),
        _(
            "Compare %(bucket)s and %(region)s with the name and region on the bucket's page at the provider,"
            " and correct them here."
        ),
    ),
    "missing": (_("it is not found"), _CHANGED_BY_OTHERS),
    "different": (_("what is found is not what was written"), _CHANGED_BY_OTHERS),
    "full": (
        _("the bucket is full, or its account is in arrears"),
        _("Make room in the bucket or pay what is due, and check again."),
    ),
    "unreachable": (
        _("the bucket does not answer"),
        _(
            "Check again in a few minutes. If it stays this way, make sure that no rule of the bucket "
            "blocks requests from outside."
        ),
    ),
    "refused": (_("the bucket refuses it"), _("Ask the staff of the platform, who see the bucket's answer.")),
}
"""By code: why a step failed, and the fix."""
_OF_CREDENTIALS: Mapping[str, _Words] = {
    "key_pair": (_("A key pair is set."), ""),
    "role": (_("The role could be assumed."), ""),
    "no_credentials": (
        _("Neither a key pair nor a role is set, so nobody here can look into the bucket."),
        _(
            "At the provider, give a user or a role the policy for access; enter the user's key pair or the"
            " role, and save."
        ),
    ),
    "undecryptable": (
        _("The stored secret key cannot be decrypted any more."),
        _("Enter the secret key again, and save."),
    ),
    "role_denied": (
        _("The role %(role)s could not be assumed."),
        _(
            "Make sure that the role exists, that its name is written like this, and that its trusted account"
            " is the platform's."
        ),
    ),
    "role_unsupported": (
        _("The platform itself cannot assume roles at the moment."),
        _(
            "Ask the staff of the platform to set or renew its key pair for roles, or enter a key pair"
            " instead."
        ),
    ),
    "role_unreachable": (
        _("The role could not be assumed: the provider does not answer."),
        _("Check again in a few minutes."),
    ),
}
_ROLE_CODES: dict[type[StoreError], str] = {
    Unreachable: "role_unreachable",
    Misconfigured: "role_unsupported",
}
_OF_GRANT: Mapping[str, _Words] = {
    "proven": (_("The provider has put a video of yours into this bucket, so it may write."), ""),
    "not_visible": (
        _("Whether the provider's role %(service_role)s may write cannot be seen with these credentials."),
        _(
            "Give the bucket the policy for the provider, unless it has it already. The first video in the"
            " bucket proves it."
        ),
    ),
}


def of_step(found: StepFinding, values: Mapping[str, str]) -> Finding:
    """In words; `values` are bucket, region and folder."""
    if not found.was_tried:
        return Finding(found.step, None, "not_tried", str(_("Not tried, because of what failed before.")))
    if found.error is None:
        return Finding(found.step, ok=True, code="ok", message=str(_DONE[found.step]) % values)
    code = _code(found.error, _CODES, "refused")
    if (found.step, code) == (Step.WRITE, "missing"):  # what an object is written into
        code = "misconfigured"
    why, fix = _REASONS[code]
    message = str(_FAILED[found.step]) % {**values, "why": why}
    mended = str(fix) % {**values, "actions": _ACTIONS[found.step]}
    return Finding(found.step, ok=False, code=code, message=message, fix=mended)


def of_credentials(code: str, *, ok: bool, role: str = "") -> Finding:
    """About the key pair or role."""
    return _worded(CREDENTIALS, _OF_CREDENTIALS, code, ok=ok, role=role)


def of_role(error: StoreError, role: str) -> Finding:
    """About a role that could not be assumed."""
    return of_credentials(_code(error, _ROLE_CODES, "role_denied"), ok=False, role=role)


def of_grant(*, is_proven: bool) -> Finding:
    """About the provider's permission to write, which only a video proves."""
    code = "proven" if is_proven else "not_visible"
    return _worded(GRANT, _OF_GRANT, code, ok=True if is_proven else None, service_role=SERVICE_ROLE)


def _worded(step: str, words: Mapping[str, _Words], code: str, *, ok: bool | None, **values: str) -> Finding:
    message, fix = words[code]
    return Finding(step, ok, code, str(message) % values, str(fix))


def _code(error: StoreError, codes: Mapping[type[StoreError], str], otherwise: str) -> str:
    return next((code for kind, code in codes.items() if isinstance(error, kind)), otherwise)
