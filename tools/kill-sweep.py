#!/usr/bin/env python3
"""A sweep that is killed again and again against one that is left alone.

    python3 tools/kill-sweep.py [--specc target/release/specc] [--kills 100]

One to three processes work on 24 runs at once and are all killed (SIGKILL) at a random moment, so many times; then one process
makes what is left. Every file that equal runs share must have the same bytes, and no run may be trained twice, by its log.
"""
import argparse
import pathlib
import random
import subprocess
import tempfile
import time

from equal_runs import verdict

SPEC = """data digits(subset=200, test_subset=60)
net mlp { flatten -> linear(16) -> relu -> linear(classes) }
train sgd(lr=0.05, momentum=0.9) { batch = 16  epochs = 200 }
sweep k {
  loss in [single: single_scale, two: two_scale(delta=0.01), far: two_scale(delta=1)]
  train.lr in [0.02, 0.05]
  seeds in 0..4
}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--specc", default="target/release/specc")
    parser.add_argument("--kills", type=int, default=100)
    args = parser.parse_args()
    specc = str(pathlib.Path(args.specc).resolve())
    random.seed(5)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "k.net").write_text(SPEC)
        command = [specc, "sweep", "k.net", "-q", "--threads", "1", "--jobs", "2", "-o"]
        quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*command, "whole"], check=True, **quiet)
        kills = 0
        while kills < args.kills:
            processes = [subprocess.Popen([*command, "killed"], **quiet) for _ in range(random.choice([1, 2, 3]))]
            time.sleep(random.uniform(0.01, 0.12))
            alive = [process for process in processes if process.poll() is None]
            for process in alive:
                process.kill()
            for process in processes:
                process.wait()
            if not alive:
                break
            kills += 1
        subprocess.run([*command, "killed"], check=True, **quiet)
        said, is_equal = verdict(folder / "whole", folder / "killed")
    print(f"{kills} kills, {said}")
    raise SystemExit(0 if is_equal else 1)


if __name__ == "__main__":
    main()
