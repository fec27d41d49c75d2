"""Tasks in the staff console."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from videos.console.pages import TaskPages
from videos.models import Task, TaskEvent


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
class TaskAdmin(TaskPages, admin.ModelAdmin[Task]):
    """Tasks, to look at; their state changes through the verbs alone."""

    list_display = ["public_id", "tenant", "model", "status", "attention", "created_at", "finished_at"]
    list_filter = ["status", "model"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__name", "upstream_task_id"]
    show_full_result_count = False
    inlines = [TaskEventInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Task]:
        """With the account's name and without its secret."""
        return super().get_queryset(request).select_related("account").defer("account__secret_key")

    def has_change_permission(self, request: HttpRequest, obj: Task | None = None) -> bool:
        """Nobody edits a task."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Task | None = None) -> bool:
        """Nobody deletes one."""
        return False
