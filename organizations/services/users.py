"""Accounts of people: making one, choosing a password, proving the right to choose another."""

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from common.errors import Conflict, PlumblineError
from organizations.models import User


def create_user(*, email: str, name: str = "", password: str | None = None) -> User:
    """An account. Without a password nobody can sign in until one is chosen by link.

    Raises PlumblineError (email, password) and Conflict (email_taken).
    """
    email = usable_email(email)
    user = User(email=email, name=name.strip()[:120])
    if password is not None:
        check_password_strength(password, user)
    try:
        with transaction.atomic():
            user.set_password(password)
            user.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(f"There is an account for {email} already.", code="email_taken") from error
    return user


def set_password(*, user: User, password: str) -> None:
    """Another password; sessions begun with the earlier one and reset links end. Raises PlumblineError."""
    check_password_strength(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])


def rename_user(*, user: User, name: str) -> None:
    """The name that others see. Raises PlumblineError."""
    name = name.strip()
    if len(name) > 120:
        raise PlumblineError("A name has at most 120 characters.", fields={"name": "At most 120 characters."})
    user.name = name
    user.save(update_fields=["name"])


def user_by_email(email: str) -> User | None:
    """The account of this e-mail address, whatever its case."""
    return User.objects.filter(email__iexact=email.strip()).first()


def usable_email(email: str) -> str:
    """The address as we keep it: trimmed, in lower case. Raises PlumblineError."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise PlumblineError(
            f"“{email}” is not an e-mail address.", fields={"email": "Not an address."}
        ) from error
    return email


def check_password_strength(password: str, user: User) -> None:
    """Raises PlumblineError with what is wrong with the password."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise PlumblineError(
            " ".join(error.messages), fields={"password": " ".join(error.messages)}
        ) from error


def password_link(user: User) -> str:
    """A link to choose a password with. Good once, until the next sign-in, for PASSWORD_RESET_TIMEOUT s."""
    identity = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("password_reset_confirm", args=[identity, default_token_generator.make_token(user)])
    return f"{settings.BASE_URL}{path}"


def user_of_password_link(identity: str, token: str) -> User | None:
    """Whose link it is; None when it is forged, used or too old."""
    try:
        user = User.objects.filter(pk=urlsafe_base64_decode(identity).decode(), is_active=True).first()
    except (ValueError, ValidationError):
        return None
    return user if user is not None and default_token_generator.check_token(user, token) else None


def send_password_link(*, email: str) -> None:
    """Mail the link to the account's owner, if there is such an account; say nothing either way."""
    user = user_by_email(email)
    if user is None or not user.is_active:
        return
    context = {"user": user, "link": password_link(user), "minutes": settings.PASSWORD_RESET_TIMEOUT // 60}
    send_mail(
        "Choose a new password for Plumbline",
        render_to_string("accounts/mail/password_reset.txt", context),
        settings.DEFAULT_FROM_EMAIL,
        [user.email],
    )
