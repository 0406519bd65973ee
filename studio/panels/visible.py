"""Characters that cannot be seen, made visible."""

from __future__ import annotations

_SIGNS = {"\n": "↵", "\r": "↵", "\t": "⇥"}
_NAMES = {" ": "space", "\n": "newline", "\r": "return", "\t": "tab", "": "nothing"}


def visible(text: str) -> str:
    """A text on one line: a sign for each break and tab, a code for what else has no shape."""
    return "".join(_SIGNS.get(c) or (c if c.isprintable() else c.encode("unicode_escape").decode()) for c in text)


def named(token: str) -> str:
    """A token by itself: white space by its name."""
    return _NAMES.get(token) or visible(token)


def sign(token: str) -> str:
    """The same where there is room for one letter only."""
    return "␣" if token == " " else visible(token) if token else "∅"
