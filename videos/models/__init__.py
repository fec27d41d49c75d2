"""The tables of what is asked for and what became of it."""

from videos.models.generation_stat import GenerationStat
from videos.models.task import Task, TaskEvent
from videos.models.upstream_account import UpstreamAccount, UpstreamBudget

__all__ = ["GenerationStat", "Task", "TaskEvent", "UpstreamAccount", "UpstreamBudget"]
