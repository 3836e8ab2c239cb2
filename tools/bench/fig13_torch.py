#!/usr/bin/env python3
"""The runs of `specs/paper/fig13.net` as a PyTorch loop in one process, one after the other.

    python3 tools/bench/fig13_torch.py --data DIR [--seeds 10] [--threads 2]

Needs torch and numpy. Uses the program of `tools/oracle/torch_train.py` with its data loaded once. Prints mean and deviation of
the accuracies of each loss over the seeds, and the seconds of the whole loop.
"""
import argparse
import contextlib
import functools
import io
import json
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "oracle"))
import torch_train  # noqa: E402

LOSSES = {"single": ["single_scale"], **{f"d{d}": ["two_scale", "--delta", str(d)] for d in [0.01, 0.1, 1, 10, 100]}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch_train.mnist = functools.cache(torch_train.mnist)
    start = time.perf_counter()
    for name, loss in LOSSES.items():
        ends = []
        for seed in range(args.seeds):
            sys.argv = ["torch_train.py", "--data", args.data, "--net", "mlp", "--steps", "1000", "--loss", *loss]
            sys.argv += ["--seed", str(seed), "--threads", str(args.threads)]
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                torch_train.main()
            ends.append(json.loads(said.getvalue().splitlines()[-1]))
        for key in ["train_accuracy", "test_accuracy"]:
            values = [end[key] for end in ends]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            print(f"{name} {key} {statistics.mean(values):.4f} ± {spread:.4f} (n = {len(values)})", flush=True)
    print(f"{time.perf_counter() - start:.1f} s for {len(LOSSES) * args.seeds} runs, {args.threads} threads")


if __name__ == "__main__":
    main()
