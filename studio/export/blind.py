"""A blind test as a file: every sentence that was judged, its source, and the answer; the scores go into the recipe."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.errors import BadInput
from models.files import write_bytes
from studio import recipe as recipes

KIND = "blind"
COLUMNS = ("order", "source", "answer", "text")
EXTENSIONS = (".csv", ".json")


def write_blind(path: Path, answers: Sequence[Mapping[str, Any]], rows: Sequence[Any], recipe: recipes.Recipe, **made: Any) -> Sequence[Path]:
    """Write answers as .csv, or with the scores as .json; the recipe, which has the scores too, goes beside it.

    Args:
        path: ending in .csv or .json.
        answers: of `BlindTestPanel.answers`: order, text, source, answer.
        rows: of `models.metrics.blind.results`.
        recipe: of the run that the sentences are of.
        made: what else decided over the test: seed, each, temperature …

    Returns:
        The file, and its recipe.

    Raises:
        BadInput: the name ends in something else, or nothing was answered.
        DiskTrouble: it cannot be written.
    """
    if path.suffix.lower() not in EXTENSIONS:
        raise BadInput(f"Answers of a blind test are written as {' or '.join(EXTENSIONS)}, not as {path.suffix or path.name!r}: choose one of these.")
    if not answers:
        raise BadInput("No sentence of the blind test has been judged: there is nothing to write yet.")
    scores = [dict(row._asdict()) for row in rows]
    if path.suffix.lower() == ".csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([one[name] for name in COLUMNS] for one in answers)
        text = out.getvalue()
    else:
        listed = [{name: one[name] for name in COLUMNS} for one in answers]
        text = json.dumps({"answers": listed, "scores": scores}, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    write_bytes(path, text.encode())
    recipes.save_beside(path, recipes.make(KIND, recipe, **made, judged=len(answers), scores=scores))
    return [path, recipes.beside(path)]
