#!/usr/bin/env python3
"""Exported nets as ONNX Runtime and PyTorch run them.

    python3 tools/check-export.py [--specc target/debug/specc] [--data-dir DIR] [--nets 40] [--only NAME]

Needs numpy, onnx and onnxruntime, and says so and ends well without them; without torch, nets are run by ONNX Runtime alone.
Every spec in `specs/` whose data is at hand and so many random nets are trained for three steps and exported. `onnx.checker` must accept the models; the logits of both programs
must equal those that the run stored, on inputs that the exported `preprocess` makes of the data files, to 1e-5 of the largest
one. In double precision, five more steps by the exported optimiser must have the losses of the run that goes on, to 1e-10.
"""
import argparse
import gzip
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import random_nets

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGITS, LOSSES = 1e-5, 1e-10
STEPS, MORE = 3, 5
# Samples and batches that keep large nets short.
SIZES = {"wrn28_10_cifar100_asam": (8, 4, 2), "wrn16_4_cifar10": (16, 8, 4)}
PAPER = "loss=two_scale(delta=0.01, size=weights)"


def digits(_):
    packed = (ROOT / "src/data/digits.bin").read_bytes()
    n = int.from_bytes(packed[:4], "little")
    labels, masks, nibbles = packed[4 : 4 + n], packed[4 + n : 4 + 9 * n], packed[4 + 9 * n :]
    values = iter([half for byte in nibbles for half in (byte & 15, byte >> 4)])
    pixels = [next(values) + 1 if byte >> bit & 1 else 0 for byte in masks for bit in range(8)]
    images = numpy.array(pixels).reshape(n, 1, 8, 8)
    return (images[:1437], numpy.array(list(labels[:1437]))), (images[1437:], numpy.array(list(labels[1437:])))


def mnist(folder):
    def part(name):
        read = []
        for kind in ["images-idx3", "labels-idx1"]:
            path = folder / "mnist" / f"{name}-{kind}-ubyte"
            data = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(path.name + ".gz").read_bytes())
            read.append(numpy.frombuffer(data, numpy.uint8))
        return read[0][16:].reshape(-1, 1, 28, 28).copy(), read[1][8:].astype(int)

    return part("train"), part("t10k")


def cifar(folder, parts, label_bytes):
    def part(names):
        records = numpy.concatenate([numpy.frombuffer((folder / name).read_bytes(), numpy.uint8) for name in names])
        records = records.reshape(-1, label_bytes + 3072)
        return records[:, label_bytes:].reshape(-1, 3, 32, 32).copy(), records[:, label_bytes - 1].astype(int)

    return part(parts[:-1]), part(parts[-1:])


READERS = {
    "digits": digits,
    "mnist": mnist,
    "cifar10": lambda folder: cifar(folder / "cifar-10-batches-bin",
                                    [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"], 1),
    "cifar100": lambda folder: cifar(folder / "cifar-100-binary", ["train.bin", "test.bin"], 2),
}


class Checker:
    """Trains, exports and compares in a folder of its own."""

    def __init__(self, specc, data_dir, folder):
        self.specc, self.data_dir, self.folder = specc, data_dir, folder
        self.read = {}
        self.worst = {"onnx": 0.0, "pytorch": 0.0, "losses": 0.0}
        self.trained_on, self.failures = 0, []

    def run(self, *arguments):
        place = ["--data-dir", str(self.data_dir), "--offline"] if self.data_dir else ["--offline"]
        command = [self.specc, *map(str, arguments), *place]
        environment = {**os.environ, "SPECC_PYTHON": sys.executable}
        done = subprocess.run(command, cwd=self.folder, text=True, capture_output=True, env=environment)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")
        return done.stdout

    def data(self, name):
        if name not in self.read:
            self.read[name] = READERS[name](self.data_dir)
        return self.read[name]

    def export(self, run, name):
        """The exported module of a run, imported."""
        self.run("export", run, "--format", "pytorch", "-o", f"{name}.py")
        made = importlib.util.spec_from_file_location(name, self.folder / f"{name}.py")
        module = importlib.util.module_from_spec(made)
        made.loader.exec_module(module)
        described = subprocess.run([sys.executable, f"{name}.py"], cwd=self.folder, text=True, capture_output=True)
        if described.returncode:
            raise RuntimeError(described.stderr)
        return module

    def logits(self, name, spec, data, overrides):
        """Both programs against the stored logits."""
        self.run("train", spec, *overrides, "--max-steps", STEPS, "-o", f"{name}-f32", "-q")
        if torch is None:
            self.run("export", f"{name}-f32", "--format", "onnx", "-o", f"{name}.onnx", "--verify")
            onnx.checker.check_model(str(self.folder / f"{name}.onnx"), full_check=True)
            return {}
        stored = load_file(self.folder / f"{name}-f32" / "logits" / "test.safetensors")["logits"]
        module = self.export(f"{name}-f32", f"{name}_f32")
        inputs = module.preprocess(self.data(data)[1][0][: len(stored)])
        self.run("export", f"{name}-f32", "--format", "onnx", "-o", f"{name}.onnx")
        path = str(self.folder / f"{name}.onnx")
        onnx.checker.check_model(path, full_check=True)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        net, _ = module.load()
        with torch.no_grad():
            found = {"pytorch": net.eval()(inputs).numpy(), "onnx": session.run(["logits"], {"input": inputs.numpy()})[0]}
        # The size of the batch is open.
        one = session.run(["logits"], {"input": inputs[:1].numpy()})[0]
        assert one.shape == (1, stored.shape[1]), one.shape
        return {kind: float(abs(logits - stored).max() / abs(stored).max()) for kind, logits in found.items()}

    def losses(self, name, spec, data, overrides):
        """The largest relative difference of the losses of five more steps; `None` where masks are drawn."""
        more = [*overrides, "--dtype", "f64", "--log-every", "1", "-o", f"{name}-f64", "-q"]
        self.run("train", spec, *more, "--max-steps", STEPS)
        module = self.export(f"{name}-f64", f"{name}_f64")
        if "F.dropout" in (self.folder / f"{name}_f64.py").read_text():
            return None
        self.run("train", spec, *more, "--max-steps", STEPS + MORE)
        lines = (self.folder / f"{name}-f64" / "metrics.jsonl").read_text().splitlines()
        wanted = {line["step"]: line["loss"] for line in map(json.loads, lines) if line["kind"] == "step"}
        net, loss = module.load()
        optimizer = module.make_optimizer(net, loss)
        (images, labels), _ = self.data(data)
        subset, batch = (next(int(item.split("=")[1]) for item in overrides if item.startswith(key))
                         for key in ["data.subset=", "train.batch="])
        worst = 0.0
        for step in range(STEPS, STEPS + MORE):
            at = step % module.STEPS_PER_EPOCH * batch
            rows = slice(at, min(at + batch, subset))
            inputs, targets = module.preprocess(images[rows]), torch.tensor(labels[rows])
            value = module.train_step(net.train(), loss, optimizer, inputs, targets, step)
            worst = max(worst, abs(value - wanted[step + 1]) / max(abs(wanted[step + 1]), 1e-300))
        return worst

    def check(self, name, spec, data, overrides):
        found, problem = {}, ""
        try:
            found = self.logits(name, spec, data, overrides)
            if torch is not None:
                found["losses"] = self.losses(name, spec, data, overrides)
                self.trained_on += found["losses"] is not None
        except Exception as error:  # every net is told, whatever is wrong with it
            problem = f"{type(error).__name__}: {error}"
        bounds = {"onnx": LOGITS, "pytorch": LOGITS, "losses": LOSSES}
        for kind, value in found.items():
            if value is not None:
                self.worst[kind] = max(self.worst[kind], value)
                if not value <= bounds[kind]:
                    problem += f" {kind} differ by {value:.1e}"
        shown = "  ".join(f"{kind} {'-' if value is None else f'{value:.1e}'}" for kind, value in found.items())
        shown = shown or "equal for ONNX Runtime, by specc"
        print(f"{name:32} {shown} {problem and 'FAILED: ' + problem}", flush=True)
        if problem:
            self.failures.append(name)


def shipped(data_dir):
    """Name, path, data and overrides of every spec in `specs/`."""
    for path in sorted(ROOT.glob("specs/**/*.net")):
        text = path.read_text()
        data = next(line.split()[1].split("(")[0] for line in text.splitlines() if line.startswith("data "))
        if data != "digits" and data_dir is None:
            print(f"{path.stem:32} SKIPPED: needs {data} in --data-dir")
            continue
        subset, test, batch = SIZES.get(path.stem, (64, 32, 12))
        overrides = [f"data.subset={subset}", f"data.test_subset={test}", f"train.batch={batch}", "data.shuffle=false", "--seed", "0"]
        if "augment=" in text:
            overrides.append("data.augment=[]")
        if path.parent.name == "paper":
            overrides.append(PAPER)
        yield path.stem, path, data, overrides


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--specc", default="target/debug/specc")
    parser.add_argument("--data-dir", type=pathlib.Path)
    parser.add_argument("--nets", type=int, default=40, help="random nets")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first random net")
    parser.add_argument("--only", help="specs whose names hold this")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        data_dir = args.data_dir and args.data_dir.resolve()
        checker = Checker(str(pathlib.Path(args.specc).resolve()), data_dir, folder)
        for name, path, data, overrides in shipped(data_dir):
            if (args.only or "") in name:
                checker.check(name, path, data, overrides)
        for seed in range(args.first, args.first + args.nets):
            name = f"random_{seed}"
            if (args.only or "") in name:
                (folder / f"{name}.net").write_text(random_nets.spec(seed))
                checker.check(name, f"{name}.net", "digits", ["data.subset=96", "train.batch=12"])
    worst = ", ".join(f"{kind} {value:.1e}" for kind, value in checker.worst.items())
    print(f"largest differences: {worst}; trained further: {checker.trained_on}; failed: {checker.failures}")
    return 1 if checker.failures else 0


if __name__ == "__main__":
    try:
        import numpy
        import onnx
        import onnxruntime
        from safetensors.numpy import load_file
    except ImportError as missing:
        print(f"SKIPPED: exported files were not run: {missing}")
        sys.exit(0)
    try:
        import torch
    except ImportError:
        torch = None
        print("SKIPPED: no torch, so exported nets are run by ONNX Runtime alone, on specc's own samples")
    sys.exit(main())
