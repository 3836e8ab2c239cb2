#!/usr/bin/env python3
"""The paper's LeNet and MLP in PyTorch, to hold accuracy curves of `specc` against.

    python3 tools/oracle/torch_train.py --data DIR --net lenet --loss two_scale --delta 0.01 --epochs 3 --seed 0

Needs torch and numpy. DIR holds `cifar-100-binary/` and `mnist/` in the published layouts. Prints one JSON line
per epoch (or after --steps) with training accuracy (running), test accuracy, R and the scales. The settings are those of
`specs/`: pixels / 255 (mnist) or standardised (cifar), PyTorch's initialisation, SGD without momentum, R = product of the
Frobenius norms of the weights, divided out with its gradient.
"""
import argparse
import gzip
import json
import math
import pathlib
import time

import numpy as np
import torch
from torch import nn


def mnist(root):
    def images(name):
        with gzip.open(root / "mnist" / name) as f:
            return np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)

    def labels(name):
        with gzip.open(root / "mnist" / name) as f:
            return np.frombuffer(f.read(), np.uint8, offset=8)

    return (
        images("train-images-idx3-ubyte.gz"),
        labels("train-labels-idx1-ubyte.gz"),
        images("t10k-images-idx3-ubyte.gz"),
        labels("t10k-labels-idx1-ubyte.gz"),
    )


def cifar100(root):
    def read(name):
        records = np.fromfile(root / "cifar-100-binary" / name, np.uint8).reshape(-1, 3074)
        return records[:, 2:].reshape(-1, 3, 32, 32), records[:, 1]

    return *read("train.bin"), *read("test.bin")


def network(name):
    if name == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10))
    return nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 100),
    )


def size_of(net, kind):
    logs = []
    for module in net:
        if not hasattr(module, "weight"):
            continue
        weight = module.weight.flatten(1)
        if kind == "weights":
            logs.append(weight.norm().log())
        elif kind == "layer":
            logs.append(((weight**2).sum() + (module.bias**2).sum()).sqrt().log())
        else:
            logs.append(torch.linalg.matrix_norm(weight, 2).log())
    return torch.stack(logs).sum().exp()


def margins(z, y):
    correct = z.gather(1, y[:, None])[:, 0]
    others = z.scatter(1, y[:, None], -math.inf).max(1).values
    return correct - others


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--net", choices=["lenet", "mlp"], default="lenet")
    parser.add_argument("--loss", choices=["cross_entropy", "single_scale", "two_scale", "separation"], default="two_scale")
    parser.add_argument("--delta", type=float, default=0.01)
    parser.add_argument("--size", choices=["weights", "layer", "spectral"], default="weights")
    parser.add_argument("--divisor", choices=["current", "detached", "initial"], default="current")
    parser.add_argument("--on", choices=["raw", "normalized"], default="raw")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--init", type=pathlib.Path, help="safetensors file with initial weights (needs safetensors)")
    parser.add_argument("--in-order", action="store_true", help="file order instead of shuffling")
    parser.add_argument("--subset", type=int)
    parser.add_argument("--verbose-steps", action="store_true", help="one line per step")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    dtype = getattr(torch, args.dtype)

    x, y, xt, yt = (mnist if args.net == "mlp" else cifar100)(args.data)
    if args.subset:
        x, y = x[: args.subset], y[: args.subset]
    x, xt = (torch.from_numpy(a.copy()).to(dtype) / 255 for a in (x, xt))
    y, yt = (torch.from_numpy(a.astype(np.int64)) for a in (y, yt))
    if args.net == "lenet":
        mean = x.double().mean((0, 2, 3), keepdim=True).to(dtype)
        std = x.double().std((0, 2, 3), correction=0, keepdim=True).to(dtype)
        x, xt = (x - mean) / std, (xt - mean) / std

    net = network(args.net).to(dtype)
    if args.init:
        from safetensors.torch import load_file

        tensors = load_file(args.init)
        layers = [m for m in net if hasattr(m, "weight")]
        names, count = [], {"conv": 0, "linear": 0}
        for layer in layers:
            kind = "conv" if isinstance(layer, nn.Conv2d) else "linear"
            count[kind] += 1
            names.append(f"{kind}{count[kind]}")
        with torch.no_grad():
            for name, layer in zip(names, layers):
                layer.weight.copy_(tensors[name + ".weight"])
                layer.bias.copy_(tensors[name + ".bias"])
    initial = size_of(net, args.size).detach()
    r1 = nn.Parameter(initial.clone())
    r2 = nn.Parameter(10 * initial.clone())
    lam = nn.Parameter(torch.tensor(10.0, dtype=dtype))
    scales = {"cross_entropy": [], "single_scale": [r1], "two_scale": [r1, r2], "separation": [lam]}[args.loss]
    optimizer = torch.optim.SGD([*net.parameters(), *scales], lr=args.lr)

    def loss_of(z, labels):
        if args.loss == "cross_entropy":
            return nn.functional.cross_entropy(z, labels)
        size = size_of(net, args.size)
        divisor = {"current": size, "detached": size.detach(), "initial": initial}[args.divisor]
        confidence = margins(z, labels).detach()
        if args.on == "normalized":
            confidence = confidence / size.detach()
        well = confidence >= args.delta
        if args.loss == "single_scale":
            scaled = z * (r1 / divisor)
        elif args.loss == "two_scale":
            scaled = z * (torch.where(well, r2, r1) / divisor)[:, None]
        else:
            scaled = z * torch.where(well, lam, torch.ones_like(lam))[:, None]
        return nn.functional.cross_entropy(scaled, labels)

    def report(kind, epoch, step, correct, seen, seconds):
        with torch.no_grad():
            test = torch.cat([net(part) for part in xt.split(1000)])
            print(json.dumps({
                "kind": kind, "epoch": epoch, "step": step, "train_accuracy": correct / seen,
                "test_accuracy": (margins(test, yt) > 0).double().mean().item(),
                "R": size_of(net, args.size).item(), "r1": r1.item(), "r2": r2.item(), "lambda": lam.item(),
                "seconds": seconds,
            }), flush=True)

    step, epoch = 0, 0
    while True:
        epoch += 1
        order = torch.arange(len(x)) if args.in_order else torch.randperm(len(x))
        correct = seen = 0
        start = time.perf_counter()
        for indices in order.split(128):
            z = net(x[indices])
            loss = loss_of(z, y[indices])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            correct += (margins(z.detach(), y[indices]) > 0).sum().item()
            seen += len(indices)
            step += 1
            if args.verbose_steps:
                print(json.dumps({"kind": "step", "step": step, "loss": loss.item(), "R": size_of(net, args.size).item(),
                                  "r1": r1.item(), "r2": r2.item(), "lambda": lam.item()}), flush=True)
            if args.steps and step >= args.steps:
                report("end", epoch, step, correct, seen, time.perf_counter() - start)
                return
        report("epoch", epoch, step, correct, seen, time.perf_counter() - start)
        if not args.steps and epoch >= args.epochs:
            return


if __name__ == "__main__":
    main()
