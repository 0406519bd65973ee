"""The gallery: what was kept of all runs, in one file that several windows may read and write. Needs neither Qt nor torch."""

from __future__ import annotations

from studio.gallery.store import SORTS, Entry, Gallery, Sample

__all__ = ["SORTS", "Entry", "Gallery", "Sample"]
