"""A small sweep on the embedded digits, for programs that look at what `specc` writes of it."""
import argparse
import contextlib
import pathlib
import subprocess
import tempfile

SPEC = """data digits(subset=48, test_subset=24)
net small { flatten -> linear(4) -> relu -> linear(classes) }
train sgd(lr=0.05) { batch = 8  epochs = 3 }
sweep fig { loss in [one: single_scale, two: two_scale(delta=0.01)]  seeds in 0..3 }
"""

# Samples of each set, epochs of a run, and runs.
TRAIN, TEST, EPOCHS, RUNS = 48, 24, 3, 6


def program(about):
    """The program of `--specc`."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--specc", default="target/debug/specc")
    return str(pathlib.Path(parser.parse_args().specc).resolve())


@contextlib.contextmanager
def swept(specc):
    """A folder in which the sweep was trained."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "fig.net").write_text(SPEC)
        subprocess.run([specc, "sweep", "fig.net", "-q"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        yield folder
