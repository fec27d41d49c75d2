"""The constraints on a task's row, and its indexes with the query that each is for."""

from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform

from videos.states import ACCEPTED, ACTIVE, FINAL, LOST, UNSENT, Status

PROMPT = KeyTextTransform("prompt", "request")
"""The prompt in a task's request."""
SHARED_QUEUE = Q(status=Status.QUEUED, on_own_account=False)
"""Waits for an account of the platform, in turn with the tasks of other tenants."""
OWN_QUEUE = Q(status=Status.QUEUED, on_own_account=True)
"""Waits for an account of its tenant."""

CONSTRAINTS = [
    models.CheckConstraint(condition=Q(status__in=list(Status)), name="task_status_known"),
    # Final states, and only these, have an end.
    models.CheckConstraint(
        condition=Q(status__in=sorted(FINAL), finished_at__isnull=False)
        | (~Q(status__in=sorted(FINAL)) & Q(finished_at__isnull=True)),
        name="task_final_has_finished_at",
    ),
    # A submitted task has an account.
    models.CheckConstraint(
        condition=Q(account__isnull=False) | Q(status__in=sorted({*UNSENT, Status.CANCELLED})),
        name="task_submitted_has_account",
    ),
    # An accepted task has an upstream id.
    models.CheckConstraint(
        condition=~Q(status__in=sorted(ACCEPTED)) | Q(upstream_task_id__isnull=False),
        name="task_accepted_has_upstream_id",
    ),
    # A succeeded task has a video: in the platform's store, for a time, or in the tenant's bucket.
    models.CheckConstraint(
        condition=~Q(status=Status.SUCCEEDED)
        | (~Q(media_name="") & Q(expires_at__isnull=False))
        | ~Q(bucket_key=""),
        name="task_succeeded_has_media",
    ),
    # A failed or cancelled task has a failure code.
    models.CheckConstraint(
        condition=~Q(status__in=list(LOST)) | ~Q(failure_code=""),
        name="task_failed_has_code",
    ),
    # Only finished tasks are pruned: the others still need their request.
    models.CheckConstraint(
        condition=Q(pruned_at=None) | Q(status__in=sorted(FINAL)), name="task_pruned_is_final"
    ),
    # A task upstream belongs to one task of ours.
    models.UniqueConstraint(
        fields=["account", "upstream_task_id"],
        condition=Q(upstream_task_id__isnull=False),
        name="task_upstream_id_once_per_account",
    ),
]

INDEXES = [
    # tasks/sql.py, FIRST_TURN: the first turn of a model.
    models.Index(fields=["model", "turn", "id"], condition=SHARED_QUEUE, name="task_shared_queue"),
    # tasks/sql.py, NEXT_TURN: the tenant's last turn.
    models.Index(fields=["tenant", "turn"], condition=SHARED_QUEUE, name="task_shared_turn"),
    # tasks/turns.py: the next task of a queue, for the platform's accounts and for tenants' own.
    models.Index(fields=["prefers", "model", "turn", "id"], condition=SHARED_QUEUE, name="task_to_submit"),
    models.Index(fields=["tenant", "prefers", "model", "id"], condition=OWN_QUEUE, name="task_to_submit_own"),
    # worker/poll.py: due tasks of an account.
    models.Index(fields=["account", "due_at"], condition=Q(status=Status.RUNNING), name="task_to_poll"),
    # worker/tick.py: results to fetch.
    models.Index(fields=["due_at"], condition=Q(status=Status.STORING), name="task_to_store"),
    # worker/sweep.py and submit.py: submissions without an answer, and tasks in doubt.
    models.Index(
        fields=["due_at"],
        condition=Q(status__in=[Status.SUBMITTING, Status.IN_DOUBT]),
        name="task_to_sweep",
    ),
    # worker/sweep.py: overdue tasks.
    models.Index(
        fields=["created_at"],
        condition=Q(status__in=[Status.QUEUED, Status.RUNNING], attention=""),
        name="task_overdue",
    ),
    # worker/sweep.py: expired media.
    models.Index(
        fields=["expires_at"],
        condition=Q(status=Status.SUCCEEDED, media_removed_at=None),
        name="task_media_to_expire",
    ),
    # estimates/generation_times.py, learn: the latest generation times of a model.
    models.Index(
        fields=["model", "-done_at"], condition=Q(done_at__isnull=False), name="task_generation_times"
    ),
    # tasks/lifecycle.py, start_waiting: the next task in a tenant's own queue.
    models.Index(fields=["tenant", "id"], condition=Q(status=Status.WAITING), name="task_waiting"),
    # tasks/sql.py: recent tasks of a key, and those with a certain body.
    models.Index(fields=["api_key", "-id"], name="task_of_key"),
    # tasks/sql.py: recent tasks of a tenant.
    models.Index(fields=["tenant", "-id"], name="task_of_tenant"),
    # listing/order.py: a tenant's tasks, newest first; those of one model; those of one status.
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
    # console: tasks of one model, newest first.
    models.Index(fields=["model", "-id"], name="task_of_model"),
    # console: queued tasks, newest first; those of other states at work have few rows in indexes above.
    models.Index(fields=["-id"], condition=Q(status=Status.QUEUED), name="task_queued"),
    # console: tasks flagged for staff, oldest first.
    models.Index(fields=["id"], condition=~Q(attention=""), name="task_attention"),
    # console: tasks of one account; failed or cancelled ones by status, and by failure code.
    models.Index(fields=["account", "-id"], condition=Q(account__isnull=False), name="task_of_account"),
    models.Index(
        fields=["status", "-id"],
        condition=Q(status__in=list(LOST)),
        name="task_ended_badly",
    ),
    models.Index(fields=["failure_code", "-id"], condition=~Q(failure_code=""), name="task_failed_for"),
    # metrics/hourly.py, roll_up: tasks that ended recently.
    models.Index(fields=["finished_at"], condition=Q(finished_at__isnull=False), name="task_ended"),
    # tasks/pruning.py: tasks that ended before a day; tasks that tenants deleted.
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
]
