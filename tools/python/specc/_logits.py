"""Stored logits as arrays."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._error import Error
from ._tensors import read_tensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._runs import Run


@dataclass(frozen=True, eq=False)
class Logits:
    """Logits and labels of a split, as read-only views of the mapped file: nothing is loaded before it is read.

    Letters: n samples in the order of the data files, K classes.
    """

    path: Path
    """The file."""
    logits: NDArray[Any]
    """[n, K], f32 or f64 as the run computes."""
    labels: NDArray[Any]
    """[n], i64, classes from 0."""
    coarse: NDArray[Any] | None
    """[K], i64: the super-class of each class, where known."""
    R: float | None
    """Size of the parameters, where the loss has one."""
    r1: float | None
    """Scale of the probabilities."""
    r2: float | None
    """Scale of well-classified samples."""
    lambda_: float | None
    """λ of the separation form."""

    def __len__(self) -> int:
        return len(self.labels)


def logits(run: Run | str | os.PathLike[str], split: str = "test") -> Logits:
    """The stored logits of a run, mapped into memory.

    Args:
        run: a run, its directory, or a safetensors file with ``logits`` [n, K] and ``labels`` [n].
        split: ``test`` or ``train``; a file is read as it is.

    Raises:
        Error: there are none, or the file is damaged.
    """
    path = Path(run)
    if path.suffix != ".safetensors":
        if split not in ("train", "test"):
            raise ValueError(f"split is `train` or `test`, not {split!r}")
        path = path / "logits" / f"{split}.safetensors"
    try:
        tensors = read_tensors(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Error.plain(f"no logits in `{path}`: {reason}", help="runs write them when they end") from None
    except ValueError as error:
        raise Error.plain(str(error)) from None
    missing = [name for name in ("logits", "labels") if name not in tensors]
    if missing:
        raise Error.plain(f"{path}: `{missing[0]}` is missing", help="`logits` (n, K) and `labels` (n) are needed")

    def scalar(name: str) -> float | None:
        return float(tensors[name].reshape(-1)[0]) if name in tensors and tensors[name].size else None

    return Logits(
        path,
        tensors["logits"],
        tensors["labels"],
        tensors.get("coarse"),
        scalar("R"),
        scalar("r1"),
        scalar("r2"),
        scalar("lambda"),
    )
