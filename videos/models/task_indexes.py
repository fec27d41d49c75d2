"""What always holds of a task's row, and which query each of its indexes is for."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Upper

from videos.states import ACCEPTED, ACTIVE, FINAL, LOST, UNSENT, Status

PROMPT = KeyTextTransform("prompt", "request")
"""The prompt in a task's request."""

CONSTRAINTS = [
    models.CheckConstraint(condition=Q(status__in=list(Status)), name="task_status_known"),
    # A task is finished exactly if it has an end.
    models.CheckConstraint(
        condition=Q(status__in=sorted(FINAL), finished_at__isnull=False)
        | (~Q(status__in=sorted(FINAL)) & Q(finished_at__isnull=True)),
        name="task_final_has_finished_at",
    ),
    # Whatever was sent, was sent by an account.
    models.CheckConstraint(
        condition=Q(account__isnull=False) | Q(status__in=sorted({*UNSENT, Status.CANCELLED})),
        name="task_submitted_has_account",
    ),
    # What upstream has, it has under an id.
    models.CheckConstraint(
        condition=~Q(status__in=sorted(ACCEPTED)) | Q(upstream_task_id__isnull=False),
        name="task_accepted_has_upstream_id",
    ),
    # Success is a video in our hands.
    models.CheckConstraint(
        condition=~Q(status=Status.SUCCEEDED) | (~Q(media_name="") & Q(expires_at__isnull=False)),
        name="task_succeeded_has_media",
    ),
    # Whoever failed is told why.
    models.CheckConstraint(
        condition=~Q(status__in=list(LOST)) | ~Q(failure_code=""),
        name="task_failed_has_code",
    ),
    # What is still to be done needs its request.
    models.CheckConstraint(
        condition=Q(pruned_at=None) | Q(status__in=sorted(FINAL)), name="task_pruned_is_final"
    ),
    # No two tasks of ours are one task of upstream's.
    models.UniqueConstraint(
        fields=["account", "upstream_task_id"],
        condition=Q(upstream_task_id__isnull=False),
        name="task_upstream_id_once_per_account",
    ),
]

INDEXES = [
    # tasks.turns: whose turn is it, of those who wait for this model, and of all?
    models.Index(fields=["model", "turn", "id"], condition=Q(status=Status.QUEUED), name="task_queue"),
    models.Index(fields=["turn", "id"], condition=Q(status=Status.QUEUED), name="task_turn"),
    # tasks.turns: the last turn of this tenant.
    models.Index(fields=["tenant", "turn"], condition=Q(status=Status.QUEUED), name="task_tenant_turn"),
    # steps.poll: what is to be asked about on this account?
    models.Index(fields=["account", "due_at"], condition=Q(status=Status.RUNNING), name="task_to_poll"),
    # steps.tick: which results are to be fetched?
    models.Index(fields=["due_at"], condition=Q(status=Status.STORING), name="task_to_store"),
    # steps.sweep: submissions that hang or are in doubt.
    models.Index(
        fields=["due_at"],
        condition=Q(status__in=[Status.SUBMITTING, Status.IN_DOUBT]),
        name="task_to_sweep",
    ),
    # steps.sweep: what should have ended long ago.
    models.Index(
        fields=["created_at"],
        condition=Q(status__in=[Status.QUEUED, Status.RUNNING], attention=""),
        name="task_overdue",
    ),
    # steps.sweep: media whose time has come.
    models.Index(
        fields=["expires_at"],
        condition=Q(status=Status.SUCCEEDED, media_removed_at=None),
        name="task_media_to_expire",
    ),
    # generation_times.learn: how long has this model taken lately?
    models.Index(
        fields=["model", "-done_at"], condition=Q(done_at__isnull=False), name="task_generation_times"
    ),
    # lifecycle.start_waiting: who is next in the tenant's own queue?
    models.Index(fields=["tenant", "id"], condition=Q(status=Status.WAITING), name="task_waiting"),
    # statements.LOOK: how many did this key make lately, and was this body among them?
    models.Index(fields=["api_key", "-id"], name="task_of_key"),
    # statements.LOOK: how many did the tenant make lately?
    models.Index(fields=["tenant", "-id"], name="task_of_tenant"),
    # api.listing: those it did not delete, newest first; those of one model; those of one status.
    models.Index(fields=["tenant", "-id"], condition=Q(hidden_at=None), name="task_listed"),
    models.Index(fields=["tenant", "model", "-id"], condition=Q(hidden_at=None), name="task_listed_by_model"),
    models.Index(
        fields=["tenant", "-id"],
        condition=Q(status__in=sorted(ACTIVE), hidden_at=None),
        name="task_listed_open",
    ),
    models.Index(
        fields=["tenant", "-id"],
        condition=Q(status=Status.SUCCEEDED, hidden_at=None),
        name="task_listed_completed",
    ),
    models.Index(
        fields=["tenant", "-id"],
        condition=Q(status__in=list(LOST), hidden_at=None),
        name="task_listed_failed",
    ),
    # console: the tasks of one model, newest first.
    models.Index(fields=["model", "-id"], name="task_of_model"),
    # console: what staff should look at, oldest first.
    models.Index(fields=["id"], condition=~Q(attention=""), name="task_attention"),
    # console: those of one account; those that ended badly, of one status and for one reason.
    models.Index(fields=["account", "-id"], name="task_of_account"),
    models.Index(
        fields=["status", "-id"],
        condition=Q(status__in=list(LOST)),
        name="task_ended_badly",
    ),
    models.Index(fields=["failure_code", "-id"], condition=~Q(failure_code=""), name="task_failed_for"),
    # activity.roll_up: what ended lately?
    models.Index(fields=["finished_at"], condition=Q(finished_at__isnull=False), name="task_ended"),
    # pruning: what ended before that day; what the tenant deleted.
    models.Index(
        fields=["finished_at"],
        condition=Q(finished_at__isnull=False, pruned_at=None),
        name="task_to_prune",
    ),
    models.Index(
        fields=["hidden_at"],
        condition=Q(hidden_at__isnull=False, pruned_at=None),
        name="task_deleted_to_prune",
    ),
    # search: which prompts have these words in them, of the tenant's or of all?
    GinIndex("tenant", OpClass(Upper(PROMPT), name="gin_trgm_ops"), name="task_prompt"),
]
