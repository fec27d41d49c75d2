"""Parts of a form's field for `field.html`."""

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def what_was_shown(field: BoundField) -> SafeString | str:
    """The hidden inputs that send back the value that the page showed; none if the form does not need them.

    Django adds them to a field that is rendered as one, not to one that is rendered box by box.
    """
    return field.as_hidden(only_initial=True) if field.field.show_hidden_initial else ""
