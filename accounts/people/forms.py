"""Forms for a person's own account."""

from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import (
    AuthenticationForm,
    PasswordChangeForm,
    PasswordResetForm,
    UserCreationForm,
)
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import mail
from accounts.models import User
from accounts.people import naming

WRONG_CODE = _("The code is wrong or was already used. Wait for the next code.")


class LogInForm(AuthenticationForm):
    """User name or e-mail address, and password; every failure has the same message."""

    error_messages = dict.fromkeys(
        ("invalid_login", "inactive"), _("The user name or password is incorrect.")
    )

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = _("User name or e-mail")

    def clean_username(self) -> str:
        return naming.user_name(self.cleaned_data["username"])


class CodeForm(forms.Form):
    """A code from an authenticator app."""

    code = forms.CharField(
        label=_("Code"),
        max_length=12,
        help_text=_("The six digits that your authenticator app shows."),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        ),
    )

    def clean_code(self) -> str:
        """Removes spaces: apps show the digits in groups."""
        return "".join(self.cleaned_data["code"].split())


class AnyCodeForm(CodeForm):
    """A code from an authenticator app, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        help_text=_("The six digits that your authenticator app shows, or a recovery code."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True}),
    )


class NameForm(forms.ModelForm[User]):
    """First and last name."""

    class Meta:
        model = User
        fields = ["first_name", "last_name"]
        labels = {"first_name": _("First name"), "last_name": _("Last name")}


class ProvedForm(forms.Form):
    """Asks for the password again, so that an unattended browser is not enough to take over the account."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest, person: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request, self._person = request, person

    def clean_password(self) -> str:
        return _check_password(self._request, self._person, self.cleaned_data["password"])


class EmailForm(ProvedForm):
    """A new e-mail address, and the password."""

    email = forms.EmailField(
        label=_("New e-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    field_order = ("email", "password")


class PasswordForm(PasswordChangeForm):
    """Changes the password, given the old one."""

    def __init__(self, request: HttpRequest, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self._request = request

    def clean_old_password(self) -> str:
        return _check_password(self._request, self.user, self.cleaned_data["old_password"])


class ResetForm(PasswordResetForm):
    """Sends the link as plain text."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail")

    def send_mail(
        self,
        subject_template_name: str,
        email_template_name: str,
        context: dict[str, Any],
        from_email: str | None,
        to_email: str,
        html_email_template_name: str | None = None,
    ) -> None:
        """Sends nothing, without an error, if the address is over its mail rate limit."""
        if mail.permits(email_template_name, to_email, context["request"]):
            mail.send(email_template_name, to_email, context)


class NewPersonForm(UserCreationForm[User]):
    """User name and password for the new account of an invited person."""

    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("username",)
        labels = {"username": _("User name")}
        help_texts = {"username": _("Your log-in name. Later you can also log in with your e-mail address.")}

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if "@" in name:
            raise forms.ValidationError(
                _("Choose a name without @: your address is confirmed by mail first.")
            )
        if naming.is_taken(name):
            raise forms.ValidationError(_("This user name is taken. Choose another one."))
        return name


def _check_password(request: HttpRequest, person: User, password: str) -> str:
    """Returns the password if it is right; failures count like failed log-ins."""
    if authenticate(request, username=person.username, password=password) is None:
        raise forms.ValidationError(_("The password is incorrect."))
    return password
