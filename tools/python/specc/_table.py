"""Tidy tables of the program."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from ._html import table

if TYPE_CHECKING:
    import pandas
    import polars

# Rows that a notebook shows.
_SHOWN = 10


class Table:
    """One row an observation, as CSV until a frame is asked for."""

    def __init__(self, text: str) -> None:
        self.csv: str = text
        """The table with its head."""

    def to_pandas(self) -> pandas.DataFrame:
        """As a pandas frame."""
        import pandas

        if not self.csv:
            return pandas.DataFrame()
        # Before 3.1 the usual parser may miss the last bit; from there on the option is deprecated, and not needed.
        old = tuple(int(part) for part in pandas.__version__.split(".")[:2]) < (3, 1)
        return pandas.read_csv(io.StringIO(self.csv), **({"float_precision": "round_trip"} if old else {}))

    def to_polars(self) -> polars.DataFrame:
        """As a polars frame."""
        import polars

        # Types are taken from all rows: a column may begin with whole numbers or with nothing.
        return (
            polars.read_csv(io.BytesIO(self.csv.encode()), infer_schema_length=None) if self.csv else polars.DataFrame()
        )

    def to_dicts(self) -> list[dict[str, str]]:
        """Rows by column, each value as its text."""
        return list(csv.DictReader(io.StringIO(self.csv)))

    def __len__(self) -> int:
        return max(0, sum(1 for _ in csv.reader(io.StringIO(self.csv))) - 1)

    def __repr__(self) -> str:
        return f"Table({len(self)} rows: {self.csv.partition(chr(10))[0].strip()})"

    def _repr_html_(self) -> str:
        rows: list[list[Any]] = list(csv.reader(io.StringIO(self.csv)))
        n = max(0, len(rows) - 1)
        caption = f"first {_SHOWN} of {n} rows" if n > _SHOWN else ""
        return table(rows[0] if rows else [], rows[1 : _SHOWN + 1], caption)
