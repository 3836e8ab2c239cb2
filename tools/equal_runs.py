"""Whether the runs of two folders are the same, and whether one was trained twice."""
import hashlib
import os
import pathlib

# What differs between equal runs, and what a batch system leaves beside them.
UNEQUAL = {"env.json", "timing.jsonl", "log.txt", ".lock", "sweep.slurm", "slurm.json"}


def tree(root):
    """The hash of every file that equal runs share, by its path."""
    files = {}
    for folder, _, names in os.walk(root):
        for name in set(names) - UNEQUAL:
            path = pathlib.Path(folder) / name
            if not (name.startswith("slurm-") and name.endswith(".log")):
                files[str(path.relative_to(root))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return files


def verdict(left, right):
    """What is wrong with the runs in `right`, which should be those in `left`: files that differ, runs made twice."""
    a, b = tree(left), tree(right)
    differing = sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))
    logs = pathlib.Path(right).glob("*/log.txt")
    twice = [log.parent.name for log in logs if log.read_text().count("finished") != 1]
    return f"{len(a)} files, differing: {differing}, not trained once: {twice}", not (differing or twice)
