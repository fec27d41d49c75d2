"""How the audit log says the codes of tasks and upstream accounts in words."""

from accounts.pages.audit_sentences import CODES
from videos.labels import Label, verb_label
from videos.models import AccountState
from videos.routing.advice import name_of


def _condition(code: str) -> Label:
    return dict(AccountState.Condition.choices).get(code, code)


CODES.update({"action": verb_label, "condition": _condition, "reason": name_of})
