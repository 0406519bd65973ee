"""Settings described once: the panel, the command line, the range errors and the manual are all read from here.

`Config` is read once, when a run is made. `Knobs` are an argument of every step, so turning one needs no mechanism.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from models.errors import BadSetting

Value = bool | int | float | str
Kind = Literal["float", "int", "bool", "choice", "text"]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


class Config(_Settings):
    """What a run is built from; fixed for its life."""


class Knobs(_Settings):
    """What a step is steered by; may change between any two steps."""


S = TypeVar("S", bound=_Settings)


@dataclass(frozen=True)
class Knob:
    """One described setting."""

    name: str  # the field, and the name on the command line
    kind: Kind
    symbol: str  # as the paper prints it, for example "γ"
    doc: str  # one line, no full stop
    default: Value
    low: float | None  # inclusive bounds; None where there is none
    high: float | None
    log: bool  # steps of a slider are ratios
    choices: tuple[Value, ...]  # for kind "choice"
    group: str  # heading on the panel


def knob(
    default: Value,
    doc: str,
    *,
    symbol: str = "",
    low: float | None = None,
    high: float | None = None,
    log: bool = False,
    group: str = "",
) -> Any:
    """A field of a Config or Knobs class: its default, one line of text, the paper's symbol and inclusive bounds."""
    return Field(default, ge=low, le=high, description=doc, json_schema_extra={"symbol": symbol, "log": log, "group": group})


def describe(settings: type[_Settings]) -> tuple[Knob, ...]:
    """Every setting of a class, in the order in which it is written."""
    return tuple(_describe(name, field) for name, field in settings.model_fields.items())


def _describe(name: str, field: FieldInfo) -> Knob:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    bounds = {kind: getattr(m, kind) for m in field.metadata for kind in ("ge", "le") if hasattr(m, kind)}
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    kinds: dict[object, Kind] = {bool: "bool", int: "int", float: "float", str: "text"}
    return Knob(
        name=name,
        kind="choice" if choices else kinds[field.annotation],
        symbol=str(extra.get("symbol") or name),
        doc=field.description or "",
        default=field.default,
        low=bounds.get("ge"),
        high=bounds.get("le"),
        log=bool(extra.get("log")),
        choices=choices,
        group=str(extra.get("group") or ""),
    )


def make(settings: type[S], values: Mapping[str, object]) -> S:
    """Validated settings; raises BadSetting naming symbol, range and value."""
    try:
        return settings.model_validate(dict(values))
    except ValidationError as error:
        raise BadSetting(_sentence(settings, error)) from None


def changed(old: S, change: Mapping[str, object]) -> S:
    """`old` with some values replaced, validated as a whole."""
    return make(type(old), old.model_dump() | dict(change))


def difference(old: _Settings, new: _Settings) -> tuple[str, dict[str, Value]]:
    """What has changed, for a line of the journal: "γ 0.5 → 0.7", and {"gamma": 0.7}."""
    change = {k: v for k, v in new.model_dump().items() if v != getattr(old, k)}
    symbols = {k.name: k.symbol for k in describe(type(new))}
    return ", ".join(f"{symbols[k]} {_short(getattr(old, k))} → {_short(v)}" for k, v in change.items()), change


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def parse(text: str, setting: Knob) -> Value:
    """The value that a person typed for a setting; raises BadSetting."""
    word = text.strip()
    try:
        match setting.kind:
            case "float":
                return float(word)
            case "int":
                number = float(word)
                return int(number) if number == int(number) else number
            case "bool":
                return {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}[word.lower()]
            case "choice":
                return {str(c): c for c in setting.choices}[word]
            case "text":
                return word
    except (ValueError, KeyError, OverflowError):
        raise BadSetting(f"{_title(setting)} must be {limits(setting)}; got {word!r}.") from None


def read(text: str, setting: Knob) -> Value:
    """As `parse`, and inside the setting's range; raises BadSetting."""
    value = parse(text, setting)
    if setting.kind not in ("float", "int"):
        return value
    whole = not isinstance(value, str) and math.isfinite(value) and (setting.kind == "float" or value == int(value))
    low, high = setting.low, setting.high
    if isinstance(value, str) or not whole or (low is not None and value < low) or (high is not None and value > high):
        raise BadSetting(f"{_title(setting)} must be {limits(setting)}; got {text.strip()!r}.")
    return value


def split(pairs: Mapping[str, str], *classes: type[_Settings]) -> tuple[dict[str, Value], ...]:
    """Typed `name=text` pairs sorted to the classes that own the names, one dict a class; raises BadSetting."""
    owners = {k.name: (i, k) for i, c in enumerate(classes) for k in describe(c)}
    pairs = {
        next((n for n, (_, k) in owners.items() if name == k.symbol), name) if name not in owners else name: text for name, text in pairs.items()
    }
    out: tuple[dict[str, Value], ...] = tuple({} for _ in classes)
    for name, text in pairs.items():
        if name not in owners:
            raise BadSetting(f"There is no setting {name!r} here; the settings are {', '.join(owners)}.")
        place, setting = owners[name]
        out[place][name] = parse(text, setting)
    return out


def limits(setting: Knob) -> str:
    """The range of a setting in words: 'a number in [0, 1]'."""
    if setting.kind == "choice":
        return "one of " + ", ".join(str(c) for c in setting.choices)
    if setting.kind == "bool":
        return "on or off"
    if setting.kind == "text":
        return "text"
    noun = "a whole number" if setting.kind == "int" else "a number"
    match setting.low, setting.high:
        case None, None:
            return noun
        case low, None:
            return f"{noun} of at least {low:g}"
        case None, high:
            return f"{noun} of at most {high:g}"
        case low, high:
            return f"{noun} in [{low:g}, {high:g}]"


def _title(setting: Knob) -> str:
    return setting.name if setting.symbol == setting.name else f"{setting.symbol} ({setting.name})"


def _sentence(settings: type[_Settings], error: ValidationError) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    known = {k.name: k for k in describe(settings)}
    if name not in known:
        return (
            str(first["ctx"]["error"]) if not name and "ctx" in first else f"There is no setting {name!r} here; the settings are {', '.join(known)}."
        )
    if first["type"] == "value_error" and "ctx" in first:
        return str(first["ctx"]["error"])
    setting = known[name]
    return f"{_title(setting)} must be {limits(setting)}; got {first['input']!r}."
