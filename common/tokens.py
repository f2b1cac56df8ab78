"""Bearer tokens: made once, shown once, kept only as a digest."""

import hashlib
import secrets
from dataclasses import dataclass

API_TOKEN = "plb"  # noqa: S105 - the kind of a token, not a token
AGENT_TOKEN = "pla"  # noqa: S105
INVITATION = "pli"
_PREFIX_BYTES = 4
_SECRET_BYTES = 32


@dataclass(frozen=True)
class MintedToken:
    """`secret` is the whole token, shown once; `prefix` tells tokens apart in lists; `digest` is stored."""

    secret: str
    prefix: str
    digest: str


def mint_token(kind: str) -> MintedToken:
    """A new token `<kind>_<prefix>_<secret>`: 32 bits to recognise it by, 256 bits to keep."""
    prefix = f"{kind}_{secrets.token_hex(_PREFIX_BYTES)}"
    secret = f"{prefix}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    return MintedToken(secret=secret, prefix=prefix, digest=token_digest(secret))


def token_digest(secret: str) -> str:
    """SHA-256 of a token, hexadecimal. A plain hash suffices: there are 256 random bits to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_token(value: str, kind: str) -> bool:
    """Whether a value has a token's shape, so that garbage is refused without asking the database."""
    head, _, rest = value.partition("_")
    prefix, _, secret = rest.partition("_")
    return head == kind and bool(prefix) and bool(secret) and len(value) <= 128 and value.isascii()
