"""Reports as pages."""

from __future__ import annotations

import os
import tempfile
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ._binary import call, free

if TYPE_CHECKING:
    from ._runs import Run


class Report:
    """A self-contained page; a notebook shows it in a frame that reaches nothing outside."""

    def __init__(self, html: str, height: int = 720) -> None:
        self.html: str = html
        """The page."""
        self.height: int = height
        """Height of the frame in CSS pixels."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file."""
        Path(path).write_text(self.html, encoding="utf-8")

    def __repr__(self) -> str:
        return f"Report({len(self.html)} characters)"

    def _repr_html_(self) -> str:
        return (
            f'<iframe class="specc-report" title="specc report" width="100%" height="{self.height}" '
            'style="border: 0" sandbox="allow-scripts allow-downloads allow-modals" '
            f'srcdoc="{escape(self.html, quote=True)}"></iframe>'
        )


def report(
    *subjects: str | os.PathLike[str] | Run, data_dir: str | os.PathLike[str] | None = None, height: int = 720
) -> Report:
    """The page of ``specc report``: a run, several, a sweep's folder, groups (``ROOT:label``), or files of logits.

    Args:
        subjects: what is shown.
        data_dir: folder with data sets, for pictures of samples.
        height: of the frame in a notebook, in CSS pixels.

    Raises:
        Error: nothing can be shown.
    """
    with tempfile.TemporaryDirectory(prefix="specc-") as folder:
        page = os.path.join(folder, "report.html")
        arguments = ["report", "-o", page]
        if data_dir is not None:
            arguments += ["--data-dir", os.fspath(data_dir)]
        answer = call([*arguments, *(free(os.fspath(subject)) for subject in subjects)])
        if answer.code != 0:
            raise answer.error()
        return Report(Path(page).read_text(encoding="utf-8"), height)
