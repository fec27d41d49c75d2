"""The form for a staff action on a task."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.console.reasons import ReasonForm
from videos.tasks.staff_actions import LONGEST_UPSTREAM_ID


class DecisionForm(ReasonForm):
    """The reason, and the state in which the person saw the task."""

    mark = forms.CharField(required=False, widget=forms.HiddenInput)
    """The `state_token` of that state."""
    upstream_task_id = forms.CharField(
        label=_("Provider's task ID"), required=False, max_length=LONGEST_UPSTREAM_ID
    )
