"""What may import what, proven in fresh interpreters."""

from __future__ import annotations

import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import models

ROOT = Path(models.__file__).parents[1]
QT = ("PySide6", "shiboken6", "pyqtgraph", "superqt")


def loaded(*modules: str) -> set[str]:
    """Top-level names in a fresh interpreter that imported `modules`."""
    code = f"import importlib, sys\nfor m in {modules!r}: importlib.import_module(m)\nprint(*{{m.partition('.')[0] for m in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_no_model_loads_qt():
    names = [m.name for m in pkgutil.walk_packages(models.__path__, "models.")]
    assert {"models.run", "models.algorithms.began", "models.data.sources"} <= set(names)
    assert loaded(*names).isdisjoint(QT)


def test_command_line_recipes_and_exports_load_no_qt():
    names = (
        "studio.cli",
        "studio.recipe",
        "studio.export",
        "studio.export.sheet",
        "studio.export.curves",
        "studio.export.animation",
        "studio.export.gallery",
        "studio.export.report",
        "studio.export.taking",
        "studio.verify",
        "studio.verify.making",
        "studio.verify.comparing",
        "studio.commands",
        "studio.commands.training",
        "studio.commands.sampling",
        "studio.commands.lab",
    )
    assert loaded(*names).isdisjoint(QT)


def test_the_command_line_and_the_catalog_start_without_torch():
    found = loaded("studio.cli", "studio.recipe", "models.catalog", "models.knobs", "models.journal", "models.data.sources")
    assert "models" in found
    assert "torch" not in found


def test_a_paper_imports_no_other_paper():
    papers = {p.stem: p.read_text() for p in (ROOT / "models/algorithms").glob("*.py") if p.stem != "__init__"}
    for name, text in papers.items():
        for other in set(papers) - {name}:
            assert not re.search(rf"import.*\b{other}\b|algorithms\.{other}\b", text), (name, other)


@pytest.mark.parametrize(
    "pattern",
    [r"torch\.load\b", r"\bpickle\b(?!able)", r"allow_pickle\s*=\s*True", r"weights_only", r"(?<!\.)\b(eval|exec)\(", r"\bmarshal\b|\bshelve\b"],
)
def test_nothing_is_unpickled_or_evaluated(pattern):
    for folder in ("models", "studio", "scripts"):
        for path in (ROOT / folder).rglob("*.py"):
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                code = re.sub(r'"[^"]*"|#.*', "", line)
                assert not re.search(pattern, code), f"{path}:{number}: {line}"
