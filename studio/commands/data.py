"""`data`: the data sources."""

from __future__ import annotations

import argparse

from studio.commands.terminal import Result


def data(options: argparse.Namespace) -> Result:
    """The data sources."""
    from models.data.sources import sources

    del options
    found = sources()
    return {"sources": found}, "\n".join("  ".join(str(v) for v in source.values()) for source in found), 0
