"""Who may try to sign in, how often, and how an attacker's attempts are kept from locking the owner out.

Three limits. Per network and account: guessing one password. Per network: guessing many accounts. Per
account, from anywhere: a distributed guess. The last could be used to keep somebody out, so browsers in which
that person has signed in before carry a signed cookie and are counted apart ("device cookies").
"""

import logging
from dataclasses import dataclass

from django.contrib.auth import authenticate
from django.core import signing

from common.errors import TooManyRequests
from common.ids import uuid7
from common.limits import Limit, forget, take, wait_for
from common.tokens import token_digest
from organizations.models import User

logger = logging.getLogger(__name__)

DEVICE_COOKIE_AGE = 60 * 60 * 24 * 365
_SALT = "organizations.device"

PER_NETWORK_AND_ACCOUNT = Limit("sign-in-network-account", "8 per 10 minutes")
PER_NETWORK = Limit("sign-in-network", "60 per 10 minutes")
PER_ACCOUNT = Limit("sign-in-account", "50 per 30 minutes")
PER_DEVICE = Limit("sign-in-device", "10 per 10 minutes")
RESETS_PER_NETWORK = Limit("password-reset-network", "20 per hour")
RESETS_PER_ACCOUNT = Limit("password-reset-account", "4 per hour")


@dataclass(frozen=True)
class Visitor:
    """Where an attempt comes from: `network` as common.network has it, `device` the device cookie or ''."""

    network: str
    device: str = ""


def sign_in(*, email: str, password: str, visitor: Visitor) -> User | None:
    """The user when the password is right, else None; as long for an unknown address as for a known one.

    Raises TooManyRequests, before the password is looked at.
    """
    counters = _counters(email, visitor)
    # Each attempt is counted before it is made, so that many at once do not slip through.
    wait = max([wait_for(PER_NETWORK, visitor.network), *(take(limit, key) for limit, key in counters)])
    if wait:
        logger.warning("sign-in refused: too many attempts from %s", visitor.network)
        raise TooManyRequests("Too many attempts to sign in.", retry_after=wait, code="too_many_attempts")
    user = authenticate(username=email.strip(), password=password)
    if not isinstance(user, User):
        take(PER_NETWORK, visitor.network)
        logger.info("sign-in failed from %s", visitor.network)
        return None
    for limit, key in counters:
        forget(limit, key)
    return user


def allow_password_reset(*, email: str, visitor: Visitor) -> None:
    """Raises TooManyRequests; the same for addresses with and without an account."""
    wait = max(take(RESETS_PER_NETWORK, visitor.network), take(RESETS_PER_ACCOUNT, _account_key(email)))
    if wait:
        raise TooManyRequests("Too many password resets.", retry_after=wait, code="too_many_attempts")


def device_cookie(user: User) -> str:
    """What marks a browser as one that this user has signed in with."""
    return signing.dumps([str(user.pk), str(uuid7())], salt=_SALT)


def _counters(email: str, visitor: Visitor) -> list[tuple[Limit, str]]:
    device = _known_device(email, visitor.device)
    if device:
        return [(PER_DEVICE, device)]
    account = _account_key(email)
    return [(PER_NETWORK_AND_ACCOUNT, f"{visitor.network} {account}"), (PER_ACCOUNT, account)]


def _known_device(email: str, cookie: str) -> str:
    """The device's own name when the account in question has been used on it, else ''."""
    if not cookie:
        return ""
    try:
        user_id, device = signing.loads(cookie, salt=_SALT, max_age=DEVICE_COOKIE_AGE)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    is_theirs = User.objects.filter(pk=user_id, email__iexact=email.strip()).exists()
    return f"{user_id} {device}" if is_theirs else ""


def _account_key(email: str) -> str:
    """A digest, so that Redis holds no addresses and a long one makes no long key."""
    return token_digest(email.strip().lower())
