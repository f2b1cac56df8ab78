"""Routes of people and their organizations: accounts, settings, activity; and health for machines."""

from django.urls import path

from dashboards.views import accounts, health

urlpatterns = [
    path("", accounts.home_view, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("sign-in", accounts.sign_in_view, name="sign_in"),
    path("sign-out", accounts.sign_out_view, name="sign_out"),
    path("password-reset", accounts.password_reset_view, name="password_reset"),
    path(
        "password-reset/<str:identity>/<str:token>",
        accounts.password_reset_confirm_view,
        name="password_reset_confirm",
    ),
    path("invitations/<str:token>", accounts.invitation_view, name="invitation"),
    path("account", accounts.account_view, name="account"),
    path("account/password", accounts.account_password_view, name="account_password"),
]
