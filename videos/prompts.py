"""Tasks by the words of their prompts."""

import re
from collections.abc import Sequence

from django.db.models import QuerySet
from django.db.models.functions import Upper

from videos.models import Task
from videos.models.task import PROMPT

LATEST = 20_000
"""How many tasks are looked through for words too short for the index: under three letters in a row."""
_INDEXED = re.compile(r"[^\W_]{3}")


def with_words(tasks: QuerySet[Task], words: Sequence[str]) -> QuerySet[Task]:
    """Those whose prompt has all these words, in any case; of short words alone, among the latest of them."""
    if not any(_INDEXED.search(word) for word in words):
        tasks = _latest(tasks)
    tasks = tasks.alias(prompt_upper=Upper(PROMPT))
    for word in words:
        tasks = tasks.filter(prompt_upper__contains=word.upper())
    return tasks


def _latest(tasks: QuerySet[Task]) -> QuerySet[Task]:
    oldest = tasks.order_by("-pk").values_list("pk", flat=True)[LATEST : LATEST + 1]
    return tasks.filter(pk__gt=oldest[0]) if oldest else tasks
