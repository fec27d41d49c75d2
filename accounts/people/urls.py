"""The routes of a person's own pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts.people import home, invitation, log_in, own_sessions, passwords, profile, second_factor

app_name = "people"
urlpatterns = [
    path("", home.HomePage.as_view(), name="home"),
    path("log-in/", log_in.LogInPage.as_view(), name="log-in"),
    path("log-in/code/", log_in.CodePage.as_view(), name="log-in-code"),
    path("log-out/", LogoutView.as_view(), name="log-out"),
    path("password/forgotten/", passwords.ForgottenPage.as_view(), name="forgotten"),
    path("password/sent/", passwords.ResetSentPage.as_view(), name="reset-sent"),
    path("password/reset/<str:uidb64>/<str:token>/", passwords.ResetPage.as_view(), name="reset"),
    path("profile/", profile.ProfilePage.as_view(), name="profile"),
    path("profile/email/", profile.EmailPage.as_view(), name="email"),
    path("profile/email/<str:signed>/", profile.ConfirmEmailPage.as_view(), name="confirm-email"),
    path("profile/password/", passwords.PasswordPage.as_view(), name="password"),
    path("profile/sessions/", own_sessions.SessionsPage.as_view(), name="sessions"),
    path("profile/second-factor/", second_factor.SecondFactorPage.as_view(), name="second-factor"),
    path("profile/second-factor/confirm/", second_factor.ConfirmPage.as_view(), name="confirm-second-factor"),
    path("profile/second-factor/off/", second_factor.TurnOffPage.as_view(), name="turn-off-second-factor"),
    path("profile/second-factor/codes/", second_factor.RecoveryCodesPage.as_view(), name="recovery-codes"),
    path("invitations/<str:token>/", invitation.InvitationPage.as_view(), name="invitation"),
]
