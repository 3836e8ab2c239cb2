"""Stored runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from . import _logits, _report
from ._binary import call, document, free
from ._error import Diagnostic, Error
from ._html import shown, table
from ._measures import Measures
from ._table import Table
from ._tensors import read_tensors

if TYPE_CHECKING:
    import pandas
    import polars
    from numpy.typing import NDArray

# What `specc runs --json` says of a run that is neither a label nor a column of ours.
_OWN = {"run", "hash", "seed", "state", "epochs", "seconds", "test.accuracy", "test.close_enough(0.05)"}
# What several runs show in a notebook.
_COLUMNS = ["epochs", "steps", "train.accuracy", "test.accuracy", "test.close_enough(0.05)", "test.margin.mean"]


class Run:
    """A run directory. Files are read when they are asked for."""

    def __init__(
        self, path: str | os.PathLike[str], *, labels: dict[str, str] | None = None, state: str | None = None
    ) -> None:
        self.name: str = os.fspath(path)
        """The directory as it was told."""
        self.path: Path = Path(path).absolute()
        """The directory."""
        self.labels: dict[str, str] = dict(labels or {})
        """Its label on each axis of its sweep."""
        self.state: str = state or ("done" if (self.path / "DONE").exists() else "unfinished")
        """``done``, or what ``specc runs`` said of it."""

    def __fspath__(self) -> str:
        return str(self.path)

    @property
    def seed(self) -> int | None:
        """The seed, once the run has begun."""
        try:
            begun = json.loads((self.path / "run.json").read_bytes())
        except (OSError, ValueError):
            return None
        seed = begun.get("seed")
        return seed if isinstance(seed, int) else None

    @property
    def summary(self) -> dict[str, Any]:
        """``summary.json``: what was trained, and the measures of both splits.

        Raises:
            Error: the run is not finished.
        """
        path = self.path / "summary.json"
        try:
            found = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise Error.plain(f"`{self.name}` has no summary: it is {self.state}", help="train it to its end") from None
        if not isinstance(found, dict):
            raise Error.plain(f"{path}: not a summary")
        return found

    @property
    def train(self) -> Measures:
        """Measures of the training set, in evaluation mode."""
        return Measures(self.summary["train"])

    @property
    def test(self) -> Measures:
        """Measures of the test set."""
        return Measures(self.summary["test"])

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """Lines of ``metrics.jsonl`` in their order: steps and epochs, told apart by ``kind``."""
        lines = (self.path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line]

    @property
    def spec(self) -> str:
        """The spec with every value, as it was trained."""
        return (self.path / "resolved.net").read_text(encoding="utf-8")

    def parameters(self) -> dict[str, NDArray[Any]]:
        """The trained tensors by name in PyTorch's shapes, as read-only views of the mapped checkpoint."""
        return read_tensors(self.path / "ckpt" / "last.safetensors")

    def logits(self, split: str = "test") -> _logits.Logits:
        """The stored logits [n, K] of ``test`` or ``train``; see ``specc.logits``."""
        return _logits.logits(self, split)

    def report(self, *, data_dir: str | os.PathLike[str] | None = None, height: int = 720) -> _report.Report:
        """Its page; see ``specc.report``."""
        return _report.report(self, data_dir=data_dir, height=height)

    def row(self) -> dict[str, Any]:
        """Labels, seed, state and name, then every single value of the summary under its path (``test.accuracy``)."""
        row: dict[str, Any] = {**self.labels, "seed": self.seed, "state": self.state, "run": self.name}
        if (self.path / "summary.json").exists():
            told = self.summary
            row.update((name, value) for name, value in Measures(told).flat().items() if name != "schema")
        return row

    def __repr__(self) -> str:
        labels = "".join(f", {axis}={label}" for axis, label in self.labels.items())
        return f"Run({self.name!r}, {self.state}{labels})"

    def _repr_html_(self) -> str:
        row = self.row()
        head = [*self.labels, "seed", "state", "device", "dtype", "params", "epochs", "steps", "R"]
        facts = [f"{name} {shown(row[name])}" for name in head if row.get(name) is not None]
        names = ["accuracy", "loss", "average_accuracy", "close_enough(0.05)", "margin.mean", "margin.quantiles(0.5)"]
        rows = [
            [name, shown(row.get(f"train.{name}")), shown(row.get(f"test.{name}"))]
            for name in names
            if f"test.{name}" in row
        ]
        return table(["measure", "train", "test"], rows, f"{self.name}: {', '.join(facts)}")


class Runs(Sequence[Run]):
    """Several runs, in the order of ``specc runs`` or of training."""

    def __init__(
        self, runs: Iterable[Run], *, diagnostics: Iterable[Diagnostic] = (), claims: Iterable[dict[str, Any]] = ()
    ) -> None:
        self._runs = tuple(runs)
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        """Warnings of the call that made them."""
        self.claims: list[dict[str, Any]] = list(claims)
        """Claims of the sweep with their ``verdict``: ``holds``, ``refuted`` or ``open``."""

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Runs: ...
    def __getitem__(self, index: int | slice) -> Run | Runs:
        return Runs(self._runs[index]) if isinstance(index, slice) else self._runs[index]

    def __len__(self) -> int:
        return len(self._runs)

    def columns(self) -> dict[str, list[Any]]:
        """One row a run: labels, seed, state, run, and the values of the summaries under their paths, None where a run
        has none."""
        rows = [run.row() for run in self._runs]
        labels = dict.fromkeys(axis for run in self._runs for axis in run.labels)
        names = dict.fromkeys([*labels, "seed", "state", "run", *(name for row in rows for name in row)])
        return {name: [row.get(name) for row in rows] for name in names}

    def to_pandas(self) -> pandas.DataFrame:
        """``columns()`` as a pandas frame."""
        import pandas

        return pandas.DataFrame(self.columns())

    def to_polars(self) -> polars.DataFrame:
        """``columns()`` as a polars frame."""
        import polars

        return polars.DataFrame(self.columns(), strict=False)

    def long(self, rows: Literal["epochs", "metrics", "samples"] = "epochs") -> Table:
        """Measures over time or over samples, with labels, seed and run in each row.

        Args:
            rows: ``epochs``: losses and accuracies of both splits after each epoch; ``metrics``: logged steps, values of
                the batch before its update; ``samples``: label, prediction, margin (difference of logits) and
                probabilities of each sample of each split.

        Raises:
            Error: a run cannot be read.
        """
        if not self._runs:
            return Table("")
        # The name that was told, unless the process has moved since.
        paths = [run.name if Path(run.name).absolute() == run.path else str(run.path) for run in self._runs]
        answer = call(["runs", "--long", rows, *map(free, paths)])
        if answer.code != 0:
            raise answer.error()
        return Table(answer.stdout.decode())

    def report(self, *, data_dir: str | os.PathLike[str] | None = None, height: int = 720) -> _report.Report:
        """One page of all of them; see ``specc.report``."""
        return _report.report(*self._runs, data_dir=data_dir, height=height)

    def __repr__(self) -> str:
        return f"Runs([{', '.join(map(repr, self._runs))}])"

    def _repr_html_(self) -> str:
        columns = self.columns()
        axes = list(dict.fromkeys(axis for run in self._runs for axis in run.labels))
        names = [*axes, *(name for name in ["seed", "state", *_COLUMNS, "run"] if name in columns)]
        rows = [[shown(columns[name][i]) for name in names] for i in range(len(self))]
        verdicts = "; ".join(f"{claim['claim']}: {claim['verdict']}" for claim in self.claims)
        return table(names, rows, verdicts)


def runs(*roots: str | os.PathLike[str], where: str | None = None, sort: str | None = None) -> Runs:
    """The runs below folders, in every state.

    Args:
        roots: runs, or folders with runs; ``runs`` without any.
        where: a condition such as ``test.accuracy > 0.9 && loss == two``.
        sort: a column; with ``-`` before it, the largest first.

    Raises:
        Error: there is no such folder, or the condition is wrong.
    """
    arguments = ["runs", "--json"]
    arguments += [f"--where={where}"] if where is not None else []
    arguments += [f"--sort={sort}"] if sort is not None else []
    found = document([*arguments, *(free(os.fspath(root)) for root in roots)])
    return Runs(
        Run(
            told["run"],
            labels={key: str(value) for key, value in told.items() if key not in _OWN and value is not None},
            state=told.get("state"),
        )
        for told in found["runs"]
    )
