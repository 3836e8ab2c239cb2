"""The program: where it is, and one call of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ._error import Diagnostic, Error


def find_binary() -> str:
    """Path of the program ``specc``.

    ``$SPECC`` where it is set, else the program of the wheel (the scripts of this environment, of the user, or beside
    a ``pip install --target``), else the first one on ``PATH``.

    Raises:
        Error: there is none, or ``$SPECC`` names none.
    """
    named = os.environ.get("SPECC")
    if named:
        found = shutil.which(named)
        if found is None:
            raise Error.plain(f"`$SPECC` names no program: {named}", help="set it to a program `specc`, or unset it")
        return os.path.abspath(found)
    name = "specc" + (sysconfig.get_config_var("EXE") or "")
    package = os.path.dirname(os.path.abspath(__file__))
    folders = [
        sysconfig.get_path("scripts"),
        sysconfig.get_path("scripts", vars={"base": sys.base_prefix}),
        sysconfig.get_path("scripts", scheme=sysconfig.get_preferred_scheme("user")),
        os.path.join(os.path.dirname(package), "bin"),
    ]
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    found = shutil.which(name)
    if found is None:
        raise Error.plain("there is no program `specc`", help="install the wheel, or set `$SPECC`")
    return os.path.abspath(found)


@dataclass(frozen=True)
class Answer:
    """What a call came back with."""

    code: int
    """Exit code: 0 ok, 4 a claim is not met, others are failures."""
    stdout: bytes
    stderr: str
    """Empty where it went on to the stderr of this process."""

    def error(self, document: dict[str, Any] | None = None) -> Error:
        """The failure that this answer tells of."""
        told = [Diagnostic.of(d) for d in (document or {}).get("diagnostics") or []]
        stopped = (document or {}).get("stopped")
        if stopped and not any(d.severity == "error" for d in told):
            message = f"stopped at step {stopped.get('step')}; a checkpoint is in `{stopped.get('run')}`"
            return Error.plain(message, help="run it again: it continues", code=self.code)
        if not told:
            last = self.stderr.strip().splitlines()[-20:]
            return Error.plain("\n".join([f"specc ended with {self.code}", *last]), code=self.code)
        return Error(told, self.code)


def call(arguments: Sequence[str], *, show: bool = False) -> Answer:
    """Run the program; with ``show`` its progress goes to stderr as it comes.

    An interrupt is handed on once, and waited for: training writes a checkpoint first.
    """
    command = [find_binary(), *arguments]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if show else subprocess.PIPE,
        # Ctrl-C in a terminal reaches the whole group; so that it comes once, the program has a group of its own.
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.communicate()
        raise
    except BaseException:
        process.kill()
        process.wait()
        raise
    return Answer(process.returncode, stdout, (stderr or b"").decode(errors="replace"))


def document(arguments: Sequence[str], *, show: bool = False, accept: Sequence[int] = (0,)) -> dict[str, Any]:
    """The JSON document of a call with ``--json``.

    Raises:
        Error: the exit code is none of ``accept``.
    """
    answer = call(arguments, show=show)
    try:
        found = json.loads(answer.stdout)
    except ValueError:
        raise answer.error() from None
    if not isinstance(found, dict):
        raise answer.error()
    if answer.code not in accept:
        raise answer.error(found)
    return found


def free(path: str) -> str:
    """A path that is not taken for an option."""
    return os.path.join(".", path) if path.startswith("-") else path
