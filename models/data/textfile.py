"""A text file, line by line: UTF-8, packed with gzip, bzip2 or xz or not, of any length within bounds; what it holds else is said in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from models.data.archives import unpacking
from models.errors import BadData

BYTES = 2 << 30  # of a text, unpacked
LINES = 2_000_000  # that are read
LINE = 1 << 20  # bytes of one line
HEAD = 4096  # bytes at the beginning that are looked at first
TOLD = 4096  # lines between two calls of progress
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_CONTROL = bytes(k for k in range(32) if k not in (9, 10, 11, 12, 13, 27))  # what no text has


class TextFile:
    """The lines of a file; can be gone through once.

    Attributes:
        read: lines so far, empty ones too.
        more: whether lines were left unread because there are too many.
    """

    def __init__(self, path: Path, progress: Callable[[int, int], None] | None = None) -> None:
        """`progress` is told (bytes read, bytes in all, 0 where the file is packed); it may raise to cancel."""
        self.path, self.progress = path, progress
        self.read, self.more = 0, False

    def __iter__(self) -> Iterator[str]:
        """Every line without its end.

        Raises:
            BadData: the file is empty, binary, of another encoding, damaged, too large or unreadable, or one of its lines is too long.
        """
        with ExitStack() as stack:
            try:
                file = stack.enter_context(unpacking(self.path))
                size = self.path.stat().st_size
                packed = not hasattr(file, "raw")
                if size > BYTES:
                    raise BadData(f"{self.path} has {size / 2**30:.1f} GB of text (the limit is {BYTES >> 30} GB): take a part of it.")
                self._look(file.peek(HEAD)[:HEAD])  # type: ignore[attr-defined]  # all four kinds of file have it
                at = 0
                while raw := file.readline(LINE + 1):
                    if not self.read:
                        raw = raw.removeprefix(b"\xef\xbb\xbf")  # the mark that some editors put before a text
                    if self.read >= LINES:
                        self.more = True
                        return
                    at += len(raw)
                    if at > BYTES:
                        raise BadData(f"{self.path} unpacks to more than {BYTES >> 30} GB of text, which is the limit: take a part of it.")
                    if self.progress and self.read % TOLD == 0:
                        self.progress(at, 0 if packed else size)
                    yield from self._lines(raw)
            except OSError as error:
                why = (
                    f"({error.strerror}): check the file and its permissions"
                    if error.strerror
                    else "because it is damaged: copy or download it again"
                )
                raise BadData(f"{self.path} cannot be read {why}.") from None
            except EOFError:
                raise BadData(f"{self.path} is cut short: copy or download it again.") from None
            except Exception as error:
                if type(error).__module__ in ("zlib", "lzma", "_lzma"):
                    raise BadData(f"{self.path} is damaged: copy or download it again.") from None
                raise
        if not self.read:
            raise BadData(f"{self.path} is empty: give a text file with one sentence a line.")
        if self.progress:
            self.progress(size, 0 if packed else size)

    def _look(self, head: bytes) -> None:
        """Raises BadData where a file begins like no text."""
        for mark, name in _MARKS.items():
            if head.startswith(mark):
                raise BadData(f"{self.path} is {name}: save it as UTF-8.")
        if len(head.translate(None, _CONTROL)) < len(head):
            raise self._binary()

    def _binary(self) -> BadData:
        return BadData(f"{self.path} is binary, not text: give a UTF-8 text file with one sentence a line.")

    def _lines(self, raw: bytes) -> Iterator[str]:
        if len(raw) > LINE:
            raise BadData(f"Line {self.read + 1:,} of {self.path} is longer than {LINE >> 20} MB: write one sentence a line.")
        if b"\0" in raw:
            raise self._binary()
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadData(
                f"{self.path} is not UTF-8: byte {error.object[error.start]:#04x} at place {error.start + 1:,} of line {self.read + 1:,}; "
                "save it as UTF-8."
            ) from None
        for line in text.rstrip("\r\n").split("\r"):  # old Macs ended lines with \r alone
            self.read += 1
            yield line
