#!/usr/bin/env python3
"""Training steps of `specc` against PyTorch, interleaved on one machine, as a Markdown table.

    python3 tools/bench/train_steps.py --data DIR [--specc target/release/specc] [--pairs 5] [--threads 1 2] [--work lenet mlp …]

Builds a virtual environment with PyTorch, and JAX if it installs, in `target/` on the first run. DIR holds
`cifar-100-binary/`, `cifar-10-batches-bin/` and `mnist/` in the published layouts.

One block is a number of whole training steps at batch 128 in float32: batches gathered from the data set, loss, accuracy,
gradients, SGD. Blocks of `specc` and of the peers alternate (A B C D A B C D …); a row gives the median time of a step and the
median over the rounds of peer time / `specc` time. PyTorch is written as its users write it: data on the device as float tensors, a
DataLoader-free shuffled loop, `zero_grad(set_to_none=True)`, eager NCHW, eager channels_last and `torch.compile`; JAX as one
jitted step. `lenet_avx2` is `specc` without AVX-512 against peers with it. `ten_seeds` times whole programs: one command of
`specc` for ten seeds of one epoch, against ten runs of each peer, start, data and all. Peak memory is the resident set.
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import venv

ROOT = pathlib.Path(__file__).resolve().parents[2]

SPECS = {
    "lenet": """data cifar100(normalize=standard)
net lenet {
  conv(6, kernel=5) -> relu -> max_pool(2)
  conv(16, kernel=5) -> relu -> max_pool(2)
  flatten -> linear(120) -> relu -> linear(classes)
}
loss cross_entropy
train sgd(lr=0.01) { batch = 128  steps = 100 }
""",
    "lenet_two_scale": """data cifar100(normalize=standard)
net lenet {
  conv(6, kernel=5) -> relu -> max_pool(2)
  conv(16, kernel=5) -> relu -> max_pool(2)
  flatten -> linear(120) -> relu -> linear(classes)
}
loss two_scale(delta=0.01, size=weights)
train sgd(lr=0.01) { batch = 128  steps = 100 }
""",
    "mlp": """data mnist
net mlp { flatten -> linear(1000) -> relu -> linear(classes) }
loss cross_entropy
train sgd(lr=0.01) { batch = 128  steps = 100 }
""",
    "vgg": """data cifar10(normalize=standard)
net vgg {
  conv(32, kernel=3, pad=1) -> relu -> conv(32, kernel=3, pad=1) -> relu -> max_pool(2)
  conv(64, kernel=3, pad=1) -> relu -> conv(64, kernel=3, pad=1) -> relu -> max_pool(2)
  conv(128, kernel=3, pad=1) -> relu -> max_pool(2)
  flatten -> linear(256) -> relu -> linear(classes)
}
loss cross_entropy
train sgd(lr=0.01) { batch = 128  steps = 100 }
""",
    "wrn": """data cifar10(normalize=standard)
block unit(c, stride) {
  let pre = in -> batch_norm -> relu
  let main = pre -> conv(c, kernel=3, stride=stride, pad=1) -> batch_norm -> relu -> conv(c, kernel=3, pad=1)
  if channels(in) == c && stride == 1 { out main + in } else { out main + (pre -> conv(c, kernel=1, stride=stride)) }
}
net wrn16_4(bias=false) {
  conv(16, kernel=3, pad=1)
  unit(64, stride=1) -> unit(64, stride=1)
  unit(128, stride=2) -> unit(128, stride=1)
  unit(256, stride=2) -> unit(256, stride=1)
  batch_norm -> relu -> global_avg_pool -> linear(classes, bias=true)
}
loss cross_entropy
train sgd(lr=0.01) { batch = 128  steps = 100 }
""",
}
SPECS["lenet_avx2"] = SPECS["lenet"]
STEPS = {"lenet": 200, "lenet_two_scale": 200, "lenet_avx2": 200, "mlp": 200, "vgg": 20, "wrn": 5}
EXTRA = {
    "lenet_avx2": ["--isa", "avx2"],
    # Measuring a large net on whole sets after training would take minutes that no row counts.
    "vgg": ["data.subset=2560", "data.test_subset=128"],
    "wrn": ["data.subset=2560", "data.test_subset=128"],
}


def environment():
    """The Python of a virtual environment with PyTorch; $SPECC_BENCH_PYTHON names another."""
    if "SPECC_BENCH_PYTHON" in os.environ:
        return os.environ["SPECC_BENCH_PYTHON"]
    folder = ROOT / "target" / "bench-venv"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "torch", "numpy"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "jax[cpu]"], check=False)
    return str(python)


def specc_seconds(binary, spec, steps, threads, data, extra=()):
    """Seconds of `steps` training steps, as the program itself writes them (evaluation excluded)."""
    with tempfile.TemporaryDirectory() as folder:
        run = pathlib.Path(folder) / "run"
        command = [binary, "train", spec, f"train.steps={steps}", "-o", run, "--threads", str(threads),
                   "--data-dir", data, "--offline", "-q", "--log-every", "1000000", *extra]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0, command
        lines = (run / "timing.jsonl").read_text().splitlines()
        return sum(json.loads(line)["seconds"] for line in lines), usage.ru_maxrss / 1024


class Peer:
    """A process of a peer that runs blocks of steps on request."""

    def __init__(self, python, work, mode, threads, data):
        variables = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            [python, __file__, "--child", work, mode, str(threads), data],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=variables)
        self.ready = self.process.stdout.readline().strip()

    def seconds(self, steps):
        try:
            self.process.stdin.write(f"{steps}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            # Not installed, or not able to run this net.
            return None
        answer = self.process.stdout.readline()
        return [float(number) for number in answer.split()] or None

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()


def samples(work, data):
    """Images in [0, 1], standardised but for MNIST, and labels."""
    import gzip

    import numpy as np

    data = pathlib.Path(data)
    if work == "mlp":
        with gzip.open(data / "mnist" / "train-images-idx3-ubyte.gz") as f:
            x = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
        with gzip.open(data / "mnist" / "train-labels-idx1-ubyte.gz") as f:
            y = np.frombuffer(f.read(), np.uint8, offset=8)
    elif work.startswith("lenet"):
        records = np.fromfile(data / "cifar-100-binary" / "train.bin", np.uint8).reshape(-1, 3074)
        x, y = records[:, 2:].reshape(-1, 3, 32, 32), records[:, 1]
    else:
        names = [data / "cifar-10-batches-bin" / f"data_batch_{i}.bin" for i in range(1, 6)]
        records = np.concatenate([np.fromfile(n, np.uint8) for n in names]).reshape(-1, 3073)
        x, y = records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]
    x = x.astype(np.float32) / 255
    if work != "mlp":
        x = (x - x.mean((0, 2, 3), keepdims=True)) / x.std((0, 2, 3), keepdims=True)
    return x, y.astype(np.int64)


def serve(step, warm_up, version):
    """Answers requests for blocks of steps with seconds and peak memory in MiB."""
    import resource
    import time

    for _ in range(warm_up):
        step()
    print(version, flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            step()
        seconds = time.perf_counter() - start
        print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)


def jax_child(work, threads, data):
    """LeNet, MLP and the VGG-like net as one jitted step."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import jax
    import jax.numpy as jnp
    import numpy as np

    x, y = samples(work, data)
    classes = int(y.max()) + 1
    convs = {"mlp": [], "vgg": [(32, 3, 1, 0), (32, 3, 1, 2), (64, 3, 1, 0), (64, 3, 1, 2), (128, 3, 1, 2)]}
    convs = convs.get(work, [(6, 5, 0, 2), (16, 5, 0, 2)])
    hidden = {"mlp": 1000, "vgg": 256}.get(work, 120)
    rng = np.random.default_rng(0)

    def layer(*shape):
        bound = np.prod(shape[1:]) ** -0.5
        return [rng.uniform(-bound, bound, s).astype(np.float32) for s in (shape, shape[:1])]

    channels, side, params = x.shape[1], x.shape[2], []
    for outputs, kernel, pad, pool in convs:
        params.append(layer(outputs, channels, kernel, kernel))
        channels, side = outputs, (side + 2 * pad - kernel + 1) // (pool or 1)
    params += [layer(hidden, channels * side * side), layer(classes, hidden)]

    def logits(params, z):
        for (w, b), (_, _, pad, pool) in zip(params, convs):
            z = jax.lax.conv_general_dilated(z, w, (1, 1), [(pad, pad)] * 2) + b[:, None, None]
            z = jnp.maximum(z, 0)
            if pool:
                window = (1, 1, pool, pool)
                z = jax.lax.reduce_window(z, -jnp.inf, jax.lax.max, window, window, "VALID")
        z = z.reshape(len(z), -1)
        (w, b), (v, c) = params[-2:]
        return jnp.maximum(z @ w.T + b, 0) @ v.T + c

    def loss(params, z, labels):
        z = logits(params, z)
        picked = jnp.take_along_axis(jax.nn.log_softmax(z), labels[:, None], 1)
        return -picked.mean(), (z.argmax(1) == labels).sum()

    @jax.jit
    def update(params, z, labels):
        (value, correct), grads = jax.value_and_grad(loss, has_aux=True)(params, z, labels)
        return jax.tree.map(lambda p, g: p - 0.01 * g, params, grads), value, correct

    order = iter(())

    def step():
        nonlocal order, params
        indices = next(order, None)
        if indices is None:
            shuffled = rng.permutation(len(x))[: len(x) // 128 * 128]
            order = iter(shuffled.reshape(-1, 128))
            indices = next(order)
        params, value, correct = update(params, x[indices], y[indices])
        return float(value), int(correct)

    serve(step, 5, jax.__version__)


def child(work, mode, threads, data):
    if mode == "jax":
        jax_child(work, threads, data)
        return
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    x, y = map(torch.from_numpy, samples(work, data))
    classes = int(y.max()) + 1

    class Unit(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.bn1, self.bn2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.skip = None if inputs == outputs and stride == 1 else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

        def forward(self, x):
            pre = torch.relu(self.bn1(x))
            main = self.conv2(torch.relu(self.bn2(self.conv1(pre))))
            return main + (x if self.skip is None else self.skip(pre))

    def conv(i, o):
        return [nn.Conv2d(i, o, 3, padding=1), nn.ReLU()]

    nets = {
        "lenet": lambda: nn.Sequential(
            nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, classes)),
        "mlp": lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 1000), nn.ReLU(), nn.Linear(1000, classes)),
        "vgg": lambda: nn.Sequential(
            *conv(3, 32), *conv(32, 32), nn.MaxPool2d(2), *conv(32, 64), *conv(64, 64), nn.MaxPool2d(2),
            *conv(64, 128), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2048, 256), nn.ReLU(), nn.Linear(256, classes)),
        "wrn": lambda: nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1, bias=False), Unit(16, 64, 1), Unit(64, 64, 1), Unit(64, 128, 2),
            Unit(128, 128, 1), Unit(128, 256, 2), Unit(256, 256, 1), nn.BatchNorm2d(256), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, classes)),
    }
    nets["lenet_two_scale"] = nets["lenet_avx2"] = nets["lenet"]
    net = nets[work]()
    if mode == "channels_last":
        net = net.to(memory_format=torch.channels_last)
        if work != "mlp":
            x = x.contiguous(memory_format=torch.channels_last)
    weights = [p for n, p in net.named_parameters() if p.ndim > 1]

    def size():
        return torch.stack([w.norm() for w in weights]).log().sum().exp()

    scales = [nn.Parameter(size().detach()), nn.Parameter(10 * size().detach())] if work == "lenet_two_scale" else []
    optimizer = torch.optim.SGD([*net.parameters(), *scales], lr=0.01)

    def step_loss(inputs, labels):
        z = net(inputs)
        with torch.no_grad():
            others = z.scatter(1, labels[:, None], -torch.inf).max(1).values
            margin = z.gather(1, labels[:, None])[:, 0] - others
            correct = (margin > 0).sum()
        if scales:
            z = z * (torch.where(margin >= 0.01, scales[1], scales[0]) / size())[:, None]
        return nn.functional.cross_entropy(z, labels), correct

    if mode == "compile":
        step_loss = torch.compile(step_loss)
    order = iter(())

    def step():
        nonlocal order
        indices = next(order, None)
        if indices is None or len(indices) < 128:
            order = iter(torch.randperm(len(x)).split(128))
            indices = next(order)
        loss, correct = step_loss(x[indices], y[indices])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item(), correct.item()

    serve(step, 5 if work != "wrn" else 2, torch.__version__)


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--child":
        work, mode, threads, data = sys.argv[2:]
        child(work, mode, int(threads), data)
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--specc", default=str(ROOT / "target" / "release" / "specc"))
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--work", nargs="+", choices=sorted([*SPECS, "ten_seeds"]), default=[*SPECS, "ten_seeds"])
    parser.add_argument("--modes", nargs="+", default=["nchw", "channels_last", "compile", "jax"])
    args = parser.parse_args()
    python = environment()
    version = subprocess.run([args.specc, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    print(f"{version}, {model}, {os.cpu_count()} processors; medians of {args.pairs} rounds, batch 128, float32\n")
    print("| work | threads | specc ms | " + " | ".join(f"{m} ms | ratio" for m in args.modes) + " | MiB specc / peers |")
    print("|---|---|---|" + "---|---|" * len(args.modes) + "---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for work in args.work:
            if work == "ten_seeds":
                ten_seeds(args, python, pathlib.Path(folder))
                continue
            spec = pathlib.Path(folder) / f"{work}.net"
            spec.write_text(SPECS[work])
            for threads in args.threads:
                row(args, python, work, spec, threads)


def row(args, python, work, spec, threads):
    steps = STEPS[work]
    modes = [m for m in args.modes if m != "compile" or shutil.which("cc")]
    if work in ("wrn", "lenet_two_scale", "lenet_avx2"):
        modes = [m for m in modes if m != "jax"]
    peers = {mode: Peer(python, work, mode, threads, args.data) for mode in modes}
    own, times, memory = [], {mode: [] for mode in modes}, {}
    for _ in range(args.pairs):
        seconds, memory["specc"] = specc_seconds(args.specc, spec, steps, threads, args.data, EXTRA.get(work, ()))
        own.append(seconds / steps)
        for mode, peer in peers.items():
            answer = peer.seconds(steps)
            if answer is not None:
                times[mode].append(answer[0] / steps)
                memory[mode] = answer[1]
    for peer in peers.values():
        peer.close()
    cells = [f"{statistics.median(own) * 1e3:.2f}"]
    for mode in args.modes:
        found = times.get(mode) or []
        if found:
            ratio = statistics.median(b / a for a, b in zip(own, found))
            cells += [f"{statistics.median(found) * 1e3:.2f}", f"{ratio:.2f}×"]
        else:
            cells += ["–", "–"]
    cells.append(" / ".join(f"{memory[name]:.0f}" for name in ["specc", *args.modes] if name in memory))
    print(f"| {work} | {threads} | " + " | ".join(cells) + " |", flush=True)


def ten_seeds(args, python, folder):
    """Whole programs at all threads: ten seeds of one epoch of LeNet."""
    import time

    threads = max(args.threads)
    spec = folder / "ten_seeds.net"
    spec.write_text(SPECS["lenet"])
    start = time.perf_counter()
    command = [args.specc, "train", spec, "train.steps=391", "--seeds", "0..10", "-o", folder / "seeds", "-q"]
    command += ["--threads", str(threads), "--data-dir", args.data, "--offline"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    cells = [f"{(time.perf_counter() - start) * 1e3:.0f}"]
    own = time.perf_counter() - start
    for mode in args.modes:
        start = time.perf_counter()
        for _ in range(10):
            peer = Peer(python, "lenet", mode, threads, args.data)
            answer = peer.seconds(391)
            peer.close()
            if answer is None:
                break
        seconds = time.perf_counter() - start
        cells += [f"{seconds * 1e3:.0f}", f"{seconds / own:.2f}×"] if answer else ["–", "–"]
    print(f"| ten_seeds | {threads} | " + " | ".join(cells) + " | |", flush=True)


if __name__ == "__main__":
    main()
