"""A call of an action, as the actions see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import APIKey
from config.db.prepared import Row
from config.web.links import Addressed


@dataclass(frozen=True)
class Call:
    """An authenticated call with checked parameters."""

    key: APIKey
    payload: Mapping[str, Any]
    """Without empty values."""
    now: datetime
    request: Addressed
    beside: Mapping[str, Row]
    """What was looked up with the key."""
