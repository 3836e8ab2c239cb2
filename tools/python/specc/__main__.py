"""``python -m specc …`` is the program ``specc``."""

import os
import subprocess
import sys

from ._binary import find_binary


def main() -> int:
    """Become the program with the arguments of this process."""
    binary = find_binary()
    command = [binary, *sys.argv[1:]]
    if os.name == "posix":
        os.execv(binary, command)
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
