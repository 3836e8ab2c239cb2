"""Train, list and measure networks of ``.net`` files.

The package carries the ``specc`` program and talks to it by its documents and files; it computes nothing itself.

>>> import specc
>>> [run] = specc.run("quickstart.net", "train.epochs=3", seed=0)
>>> run.test["accuracy"]
>>> specc.runs("runs").to_pandas()
"""

from importlib.metadata import PackageNotFoundError, version

from ._analyze import analyze
from ._binary import find_binary
from ._error import Diagnostic, DiagnosticWarning, Error
from ._logits import Logits, logits
from ._measures import Measures
from ._report import Report, report
from ._runs import Run, Runs, runs
from ._table import Table
from ._train import run

try:
    __version__ = version("specc")
except PackageNotFoundError:
    __version__ = "unknown"

__all__ = [
    "Diagnostic",
    "DiagnosticWarning",
    "Error",
    "Logits",
    "Measures",
    "Report",
    "Run",
    "Runs",
    "Table",
    "analyze",
    "find_binary",
    "logits",
    "report",
    "run",
    "runs",
]
