"""How much may be uploaded in files: refused by the length announced, before a byte of it is kept."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

_ENVELOPE_BYTES = 1024 * 1024  # what the parts' headers and the fields beside the files may take


class UploadQuota(FileUploadHandler):
    """Counts the files of one request together and passes them on; raises RequestDataTooBig, which becomes a 413."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._received = 0

    def handle_raw_input(
        self, input_data: Any, META: dict[str, Any], content_length: int, boundary: bytes, encoding: str | None = None
    ) -> None:
        if content_length > settings.UPLOAD_MAX_BYTES + _ENVELOPE_BYTES:
            raise self._too_big()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self._received += len(raw_data)
        if self._received > settings.UPLOAD_MAX_BYTES:
            for handler in self.request.upload_handlers:  # they hold files that nobody would close
                handler.upload_interrupted()
            raise self._too_big()
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None

    @staticmethod
    def _too_big() -> RequestDataTooBig:
        return RequestDataTooBig(f"The files are over {settings.UPLOAD_MAX_BYTES} bytes together.")
