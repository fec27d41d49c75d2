"""Tasks and upstream accounts in the staff console."""

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from videos.models import Task, TaskEvent, UpstreamAccount


class UpstreamAccountForm(forms.ModelForm[UpstreamAccount]):
    """Takes a new secret key, and never shows the old one."""

    secret_key = forms.CharField(
        required=False,
        widget=forms.PasswordInput(render_value=False),
        help_text="Leave empty to keep the one that is set.",
    )

    class Meta:
        model = UpstreamAccount
        fields = [
            "name",
            "endpoint",
            "secret_id",
            "secret_key",
            "is_enabled",
            "disabled_models",
            "creates_per_second",
            "describes_per_second",
        ]

    def clean_secret_key(self) -> str:
        """Keep the secret where no new one is given; a new account needs one."""
        given = str(self.cleaned_data["secret_key"])
        if not given and self.instance.pk is None:
            raise forms.ValidationError("A new account needs its secret key.")
        return given or self.instance.secret_key


@admin.register(UpstreamAccount)
class UpstreamAccountAdmin(admin.ModelAdmin[UpstreamAccount]):
    """Accounts upstream."""

    form = UpstreamAccountForm
    list_display = ["name", "endpoint", "is_enabled", "creates_per_second", "describes_per_second"]


class TaskEventInline(admin.TabularInline[TaskEvent, Task]):
    """What happened to a task, on its page."""

    model = TaskEvent
    fields = ["at", "verb", "status", "detail"]
    readonly_fields = ["at", "verb", "status", "detail"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Task | None = None) -> bool:
        """Events are written with the changes they tell of."""
        return False


@admin.register(Task)
class TaskAdmin(admin.ModelAdmin[Task]):
    """Tasks, to look at; their state changes through the verbs alone."""

    list_display = ["public_id", "tenant", "model", "status", "attention", "created_at", "finished_at"]
    list_filter = ["status", "model"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__name", "upstream_task_id"]
    show_full_result_count = False
    inlines = [TaskEventInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tasks are made through the API."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Task | None = None) -> bool:
        """Nobody edits a task."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Task | None = None) -> bool:
        """Nobody deletes one."""
        return False
