"""Training."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ._binary import call, free
from ._error import Diagnostic, DiagnosticWarning
from ._runs import Run, Runs

# Exit code of a sweep whose runs are done, and of which a claim is refuted or open: a finding, not a failure.
_CLAIM_NOT_MET = 4


def run(
    spec: str | os.PathLike[str],
    *overrides: str | Mapping[str, object],
    output: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    seeds: range | str | None = None,
    device: str | None = None,
    dtype: Literal["f32", "f64"] | None = None,
    threads: int | None = None,
    jobs: int | None = None,
    max_steps: int | None = None,
    log_every: int | None = None,
    init: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    offline: bool = False,
    force: bool = False,
    sweep: bool | None = None,
    options: Sequence[str] = (),
    progress: bool = True,
) -> Runs:
    """Train a spec, or every cell of its sweep; what is finished already is not trained again.

    Args:
        spec: the ``.net`` file.
        overrides: ``"train.epochs=3"``, or ``{"train.epochs": 3, "loss.delta": 0.1}``.
        output: the run directory; with several runs, the folder of theirs. Below ``runs`` without it.
        seed: this seed only.
        seeds: these seeds, half-open: ``range(0, 10)`` or ``"0..10"``.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:1``.
        dtype: precision.
        threads: of the CPU; all without it.
        jobs: runs at once.
        max_steps: stop after so many steps; nothing else changes.
        log_every: steps between logged steps.
        init: start from the tensors of this safetensors file.
        data_dir: folder with data sets.
        offline: never fetch data.
        force: move an existing run aside and train again.
        sweep: whether to train the cells of the spec's ``sweep``. Without it they are trained where the spec has one,
            unless ``seed``, ``seeds``, ``max_steps``, ``init`` or ``force`` is given, which single nets alone have.
        options: more options of ``specc train`` or ``specc sweep`` as they are.
        progress: show progress and warnings on stderr as they come. Without it warnings become Python's
            (``DiagnosticWarning``).

    Returns:
        The runs; ``[run] = specc.run(…)`` where there is one. ``claims`` has the verdicts of a sweep, which are no errors.

    Raises:
        Error: the spec is wrong, training failed or diverged, data is missing. ``error.runs`` holds the runs that ended.
        KeyboardInterrupt: after a checkpoint was written; the same call goes on from there.
    """
    alone: dict[str, Any] = {"seed": seed, "seeds": _seeds(seeds), "max-steps": max_steps, "init": init}
    if sweep is None:
        sweep = not force and all(value is None for value in alone.values()) and _has_sweep(spec)
    named: dict[str, Any] = {
        "output": output,
        "device": device,
        "dtype": dtype,
        "threads": threads,
        "jobs": jobs,
        "log-every": log_every,
        "data-dir": data_dir,
        **alone,
    }
    arguments = ["sweep" if sweep else "train", "--json", *options]
    arguments += [
        f"--{name}={os.fspath(v) if isinstance(v, os.PathLike) else v}" for name, v in named.items() if v is not None
    ]
    arguments += [
        f"--{name}" for name, wanted in [("offline", offline), ("force", force), ("quiet", not progress)] if wanted
    ]
    answer = call([*arguments, free(os.fspath(spec)), *_overrides(overrides)], show=progress)
    try:
        told = json.loads(answer.stdout)
    except ValueError:
        raise answer.error() from None
    made = _made(told)
    if answer.code not in (0, _CLAIM_NOT_MET):
        error = answer.error(told)
        error.runs = made
        raise error
    if not progress:
        for diagnostic in made.diagnostics:
            warnings.warn(str(diagnostic), DiagnosticWarning, stacklevel=2)
    return made


def _made(told: dict[str, Any]) -> Runs:
    """The runs of a document: that of one run, of several seeds, or of a sweep."""
    entries = told.get("runs", [told])
    return Runs(
        (Run(e["run"], labels=e.get("labels"), state=e.get("state")) for e in entries if e.get("run")),
        diagnostics=map(Diagnostic.of, told.get("diagnostics") or []),
        claims=told.get("claims") or [],
    )


def _has_sweep(spec: str | os.PathLike[str]) -> bool:
    """Whether a spec has the item: `sweep` is a reserved word of the language, and imports bring none."""
    try:
        text = Path(spec).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        # The program says what is wrong with it.
        return False
    return re.search(r"\bsweep\b", re.sub(r'"[^"\n]*"|//[^\n]*', " ", text)) is not None


def _seeds(seeds: range | str | None) -> str | None:
    if not isinstance(seeds, range):
        return seeds
    if seeds.step != 1:
        raise ValueError(f"seeds are consecutive, not {seeds}")
    return f"{seeds.start}..{seeds.stop}"


def _overrides(overrides: Sequence[str | Mapping[str, object]]) -> list[str]:
    flat: list[str] = []
    for override in overrides:
        if isinstance(override, str):
            flat.append(override)
        else:
            flat += [f"{key}={_value(value)}" for key, value in override.items()]
    return flat


def _value(value: object) -> str:
    """A value as the language writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, range):
        return str(_seeds(value))
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if hasattr(value, "item"):
        return _value(value.item())
    return str(value)
