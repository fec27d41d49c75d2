"""What happened to tasks, in the staff console."""

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin_theme import ModelAdmin
from videos.models import TaskEvent


@admin.register(TaskEvent)
class TaskEventAdmin(ModelAdmin[TaskEvent]):
    """Events, to look at; they are written with the changes they tell of."""

    list_display = ["at", "verb", "status"]
    show_full_result_count = False
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The verbs write them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: TaskEvent | None = None) -> bool:
        """Nobody changes one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: TaskEvent | None = None) -> bool:
        """Nobody deletes one."""
        return False
