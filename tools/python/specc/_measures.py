"""Measures by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._html import shown, table


class Measures(dict[str, Any]):
    """Measures of one set of samples, as ``summary.json`` and ``specc analyze --json`` name them.

    Accuracies, masses and top-k are shares in [0, 1], margins are differences of logits, losses are means over samples;
    what does not apply is None.
    """

    def flat(self, prefix: str = "") -> dict[str, Any]:
        """Single values under the paths that ``specc runs --columns`` takes: ``close_enough(0.05)``, ``margin.mean``."""
        return dict(_flat(self, prefix))

    def _repr_html_(self) -> str:
        names = [
            "n",
            "accuracy",
            "loss",
            "average_accuracy",
            "close_enough(0.05)",
            "margin.mean",
            "margin.quantiles(0.5)",
        ]
        flat = self.flat()
        return table(["measure", "value"], [[name, shown(flat[name])] for name in names if name in flat])


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if _is_number(key):
                yield from _flat(inner, f"{path}({key})")
            else:
                yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for entry in value:
            if isinstance(entry, dict) and "mu" in entry:
                rest = {key: inner for key, inner in entry.items() if key != "mu"}
                yield from _flat(rest, f"{path}({entry['mu']:g})")
    else:
        yield path, value


def _is_number(key: str) -> bool:
    try:
        float(key)
    except ValueError:
        return False
    return True
