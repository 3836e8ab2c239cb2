"""What the program says is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._runs import Runs


@dataclass(frozen=True)
class Diagnostic:
    """An error or a warning with its place and its fix."""

    code: str | None
    """``E0201``, which ``specc explain`` tells more about; None for mistakes in arguments."""
    severity: str
    """``error`` or ``warning``."""
    message: str
    """What is wrong, in one line."""
    found: str | None
    """What stands there."""
    expected: str | None
    """What should stand there."""
    file: str | None
    """The spec, or ``argument`` for overrides."""
    line: int | None
    """Counted from 1."""
    column: int | None
    """In characters, counted from 1."""
    help: str | None
    """How to fix it."""
    notes: tuple[str, ...] = ()
    """All else, line by line."""

    @property
    def place(self) -> str | None:
        """``FILE:LINE:COLUMN``, or None where it has no place."""
        parts = [str(part) for part in (self.file, self.line, self.column) if part is not None]
        return ":".join(parts) or None

    @classmethod
    def of(cls, told: dict[str, Any]) -> Diagnostic:
        """From an entry of ``diagnostics`` of a document."""
        notes = [str(note) for note in told.get("notes") or []]
        found = [label["text"] for label in told.get("labels") or [] if label.get("text")]
        expected = None
        rest = []
        for note in notes:
            word, _, text = note.partition(": ")
            if word == "expected" and expected is None:
                expected = text
            elif word == "found" and not found:
                found.append(text)
            else:
                rest.append(note)
        return cls(
            code=told.get("code"),
            severity=told.get("severity") or "error",
            message=told.get("message") or "",
            found=found[0] if found else None,
            expected=expected,
            file=told.get("file"),
            line=told.get("line"),
            column=told.get("column"),
            help=told.get("help"),
            notes=(*found[1:], *rest),
        )

    def __str__(self) -> str:
        head = f"{self.severity}[{self.code}]" if self.code else self.severity
        lines = [f"{head}: {self.message}"]
        named = [("place", self.place), ("found", self.found), ("expected", self.expected)]
        lines += [f"  {word}: {text}" for word, text in named if text]
        lines += [f"  {note}" for note in self.notes]
        lines += [f"  help: {self.help}"] if self.help else []
        return "\n".join(lines)


class DiagnosticWarning(UserWarning):
    """A warning of the program that nobody would see otherwise."""


class Error(Exception):
    """A call of the program failed.

    ``code``, ``found``, ``expected``, ``place`` and ``help`` are those of the first error; ``diagnostics`` holds all,
    warnings too.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic], exit_code: int | None = None) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        self.exit_code: int | None = exit_code
        """1 failed, 2 usage, 3 invalid spec, 5 diverged, 6 data, 75 and 130 stopped; None where nothing was started."""
        self.runs: Runs | None = None
        """Runs that ended well before it, where ``specc.run`` made several."""
        shown = [d for d in self.diagnostics if d.severity == "error"] or list(self.diagnostics)
        self._first = shown[0]
        super().__init__("\n".join(map(str, shown)))

    @classmethod
    def plain(cls, message: str, *, help: str | None = None, code: int | None = None) -> Error:
        """One without code and place."""
        return cls([Diagnostic(None, "error", message, None, None, None, None, None, help)], code)

    @property
    def code(self) -> str | None:
        """``E0201``, or None."""
        return self._first.code

    @property
    def found(self) -> str | None:
        """What stands there."""
        return self._first.found

    @property
    def expected(self) -> str | None:
        """What should stand there."""
        return self._first.expected

    @property
    def place(self) -> str | None:
        """``FILE:LINE:COLUMN``."""
        return self._first.place

    @property
    def help(self) -> str | None:
        """How to fix it."""
        return self._first.help

    def __reduce__(self) -> tuple[Any, ...]:
        return (Error, (self.diagnostics, self.exit_code))
