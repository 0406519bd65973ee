"""The pages, in the order of the rail: name -> (word in the rail, module, class). Each is built on its first visit."""

from __future__ import annotations

PAGES: dict[str, tuple[str, str, str]] = {
    "home": ("Home", "studio.pages.home", "HomePage"),
    "began": ("BEGAN", "studio.pages.began", "BeganPage"),
    "bgan": ("BGAN", "studio.pages.bgan", "BganPage"),
    "ppgn": ("PPGN", "studio.pages.ppgn", "PpgnPage"),
    "seqgan": ("SeqGAN", "studio.pages.seqgan", "SeqganPage"),
    "maskgan": ("MaskGAN", "studio.pages.maskgan", "MaskganPage"),
    "lab": ("Lab", "studio.pages.lab", "LabPage"),
    "gallery": ("Gallery", "studio.pages.gallery", "GalleryPage"),
    "runs": ("Runs", "studio.pages.runs", "RunsPage"),
}
ASIDE: dict[str, tuple[str, str, str]] = {  # without a place in the rail: reached by the menu More, and left again
    "settings": ("Settings", "studio.pages.settings", "SettingsPage"),
    "report": ("Report a problem", "studio.pages.report", "ReportPage"),
    "about": ("About", "studio.pages.about", "AboutPage"),
}
LIGHT = ("home", "gallery", "runs", *ASIDE)  # that open without torch


def called(system: str) -> str:
    """How people write the name of a system."""
    return PAGES[system][0] if system in PAGES else system.upper()
