"""The tables of tasks, their events, cost and files, of upstream accounts, and of derived totals."""

from videos.models.expiry_notice import ExpiryMail, ExpiryNotices
from videos.models.file import File, FileState, FileUse
from videos.models.generation_stat import GenerationStat
from videos.models.ledger import DailyUsage, EntryKind, LedgerEntry
from videos.models.model_hour import HoursCounted, ModelHour
from videos.models.price import OfferRevision, Price
from videos.models.price_list import PriceList, TenantPriceList
from videos.models.prompt_text import PromptsIndexed, PromptText
from videos.models.recent_calls import RecentCalls
from videos.models.replay import IdempotencyKey, RefusedCreate
from videos.models.statement import BookedDay, BookedUntil
from videos.models.task import Task
from videos.models.task_event import TaskEvent
from videos.models.upstream_account import AccountState, UpstreamAccount, UpstreamBudget

__all__ = [
    "AccountState",
    "BookedDay",
    "BookedUntil",
    "DailyUsage",
    "EntryKind",
    "ExpiryMail",
    "ExpiryNotices",
    "File",
    "FileState",
    "FileUse",
    "GenerationStat",
    "HoursCounted",
    "IdempotencyKey",
    "LedgerEntry",
    "ModelHour",
    "OfferRevision",
    "Price",
    "PriceList",
    "PromptText",
    "PromptsIndexed",
    "RecentCalls",
    "RefusedCreate",
    "Task",
    "TaskEvent",
    "TenantPriceList",
    "UpstreamAccount",
    "UpstreamBudget",
]
