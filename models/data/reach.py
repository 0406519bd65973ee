"""Whether the hub can be reached, found out in a few seconds; without it, its libraries look into their cache alone."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

PATIENCE = 3.0  # seconds; the libraries would try for half a minute
HUB = "https://huggingface.co"


def reachable(patience: float = PATIENCE) -> bool:
    """Whether something listens at the hub's address (HF_ENDPOINT), or at the proxy that leads there. Waits `patience` seconds at most."""
    endpoint = os.environ.get("HF_ENDPOINT") or HUB
    place = urlsplit(getproxies().get(urlsplit(endpoint).scheme) or endpoint)
    host, port = place.hostname, place.port or (80 if place.scheme == "http" else 443)
    found: list[bool] = []

    def look() -> None:
        try:
            with socket.create_connection((str(host), port), timeout=patience):
                found.append(True)
        except OSError:
            found.append(False)

    thread = threading.Thread(target=look, daemon=True)  # a name that is looked up knows no time-out
    thread.start()
    thread.join(patience)
    return bool(found and found[0])


@contextmanager
def offline_unless_reachable(*, ask: bool = True) -> Iterator[bool]:
    """Whether the hub is there; if not, or without `ask`, `datasets` and `huggingface_hub` are told to try no address meanwhile."""
    import huggingface_hub.constants as hub

    settings: list[Any] = [hub]
    try:
        import datasets.config

        settings.append(datasets.config)
    except ImportError:
        pass
    before = [one.HF_HUB_OFFLINE for one in settings]
    there = ask and not any(before) and reachable()
    try:
        if not there:
            for one in settings:
                one.HF_HUB_OFFLINE = True
        yield there
    finally:
        for one, was in zip(settings, before, strict=True):
            one.HF_HUB_OFFLINE = was
