"""Measures of logits of any framework."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ._binary import document
from ._logits import Logits
from ._measures import Measures
from ._tensors import write_tensors

if TYPE_CHECKING:
    from numpy.typing import NDArray


def analyze(
    logits: object,
    labels: object = None,
    *,
    coarse: object = None,
    R: float | None = None,
    r1: float | None = None,
    r2: float | None = None,
    lambda_: float | None = None,
    scale: str | None = None,
    a: Sequence[float] | None = None,
    eta: Sequence[float] | None = None,
    mu: Sequence[float] | None = None,
    k: Sequence[int] | None = None,
    bins: int | None = None,
    edges: Sequence[float] | None = None,
    margin_edges: Sequence[float] | None = None,
    normalized_margin_edges: Sequence[float] | None = None,
) -> Measures:
    """Every measure of logits: those of ``summary.json``, classes, calibration, confusion and histograms.

    Args:
        logits: [n, K], of NumPy, PyTorch, JAX or anything with ``__array__`` or ``__dlpack__``, on any device; f64 stays
            f64, all else is measured in f32 (integers in f64). Or what ``specc.logits`` returned, with all it holds.
        labels: [n], integers in 0..K.
        coarse: [K], integers: the super-class of each class.
        R: size of the parameters, that normalised margins are divided by.
        r1: scale of the probabilities softmax(r1/R · logits).
        r2: scale of well-classified samples.
        lambda_: λ of the separation form.
        scale: ``raw``, ``r1``, ``r2``, ``R``, ``temperature=T`` or ``fitted``; r1 where r1 and R are known, else raw.
        a: tolerances of close-enough accuracy, as probabilities.
        eta: thresholds on the margin, as differences of logits.
        mu: thresholds on the normalised margin, as margin / R.
        k: the k of top-k.
        bins: number of bins of the histograms.
        edges: bin edges for probabilities, in [0, 1].
        margin_edges: bin edges for margins, as differences of logits.
        normalized_margin_edges: bin edges for normalised margins.

    Raises:
        Error: the arrays do not fit each other, or a value is out of range.
        TypeError: labels are missing or no integers.
    """
    import numpy as np

    scalars = {"R": R, "r1": r1, "r2": r2, "lambda": lambda_}
    if isinstance(logits, Logits):
        stored = logits
        held = {"R": stored.R, "r1": stored.r1, "r2": stored.r2, "lambda": stored.lambda_}
        scalars = {name: held[name] if value is None else value for name, value in scalars.items()}
        labels = stored.labels if labels is None else labels
        coarse = stored.coarse if coarse is None else coarse
        logits = stored.logits
    if labels is None:
        raise TypeError("labels [n] are needed beside logits")
    tensors = {"logits": _floats(logits), "labels": _integers(labels, "labels")}
    if coarse is not None:
        tensors["coarse"] = _integers(coarse, "coarse")
    for name, value in scalars.items():
        if value is not None:
            tensors[name] = np.array([value], dtype="<f8")
    lists: dict[str, Sequence[float] | None] = {
        "a": a,
        "eta": eta,
        "mu": mu,
        "k": k,
        "edges": edges,
        "margin-edges": margin_edges,
        "normalized-margin-edges": normalized_margin_edges,
    }
    options = [f"--{name}={','.join(map(_number, values))}" for name, values in lists.items() if values is not None]
    options += [f"--scale={scale}"] if scale is not None else []
    options += [f"--bins={bins}"] if bins is not None else []
    with tempfile.TemporaryDirectory(prefix="specc-") as folder:
        path = os.path.join(folder, "logits.safetensors")
        with open(path, "wb") as file:
            write_tensors(file, tensors)
        found = document(["analyze", "--json", *options, path])
    # File, run, split and seed tell of the temporary file only.
    inner = found["inputs"][0]
    return Measures((name, value) for name, value in inner.items() if name not in ("file", "run", "split", "seed"))


def _number(value: float) -> str:
    """As an argument: NumPy's numbers have other names for themselves."""
    return repr(value.item() if hasattr(value, "item") else value)


def _array(values: Any) -> NDArray[Any]:
    """An array in this process's memory, without a copy where that is possible."""
    import numpy as np

    if isinstance(values, np.ndarray):
        return values
    # PyTorch: out of the graph and off the device; NumPy has no bfloat16.
    if hasattr(values, "detach") and hasattr(values, "cpu"):
        values = values.detach().cpu()
        if str(getattr(values, "dtype", "")) == "torch.bfloat16":
            values = values.float()
    if hasattr(values, "__array__"):
        return np.asarray(values)
    if hasattr(values, "__dlpack__"):
        return np.from_dlpack(values)
    return np.asarray(values)


def _floats(values: object) -> NDArray[Any]:
    array = _array(values)
    wide = array.dtype.kind in "iu" or array.dtype == "f8"
    return array.astype("<f8" if wide else "<f4", copy=False)


def _integers(values: object, name: str) -> NDArray[Any]:
    array = _array(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} are integers, not {array.dtype}")
    return array.astype("<i8", copy=False)
