"""Errors that a person or a program outside can act upon: one shape, `{"detail", "code", "fields"}`."""


class PlumblineError(Exception):
    """A refusal with its HTTP status.

    `detail` is a sentence that says what to mend, `code` a stable word for programs, `fields` maps
    the names of inputs to what is wrong with each. `retry_after`, in seconds, goes into the header of that name.
    """

    status = 400
    code = "invalid"
    retry_after: int | None = None

    def __init__(self, detail: str, *, code: str | None = None, fields: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.fields = fields or {}


class NotFound(PlumblineError):
    status = 404
    code = "not_found"


class PermissionRefused(PlumblineError):
    status = 403
    code = "permission_denied"


class Unauthenticated(PlumblineError):
    status = 401
    code = "not_authenticated"


class Conflict(PlumblineError):
    status = 409
    code = "conflict"


class TooLarge(PlumblineError):
    status = 413
    code = "too_large"


class Unprocessable(PlumblineError):
    status = 422
    code = "unprocessable"


class _TryLater(PlumblineError):
    def __init__(self, detail: str, *, retry_after: int, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.retry_after = retry_after


class TooManyRequests(_TryLater):
    """The sender is to wait: it asks too much."""

    status = 429
    code = "throttled"


class Unavailable(_TryLater):
    """Everybody is to wait: the service has no room."""

    status = 503
    code = "unavailable"
