"""Times of a training step of PyTorch beside those of `specc time`: eager, compiled, and as a CUDA graph.

usage: torch_steps.py      (float32, TF32 off; random batches; the fastest of some rounds)
"""
import time

import torch
from torch import nn
from torch.nn import functional

ROUNDS, STEPS = 5, 50


def lenet():
    return nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 100))


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 1000), nn.ReLU(), nn.Linear(1000, 10))


class Wide(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        same = inputs == outputs and stride == 1
        self.skip = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        before = functional.relu(self.norm1(x))
        main = self.conv2(functional.relu(self.norm2(self.conv1(before))))
        return main + (x if isinstance(self.skip, nn.Identity) else self.skip(before))


def wrn(width=4, blocks=2):
    layers, channels = [nn.Conv2d(3, 16, 3, 1, 1, bias=False)], 16
    for group, outputs in enumerate((16 * width, 32 * width, 64 * width)):
        for block in range(blocks):
            layers.append(Wide(channels, outputs, 2 if group and not block else 1))
            channels = outputs
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(channels, 10))


def fastest(step):
    best = float("inf")
    for _ in range(ROUNDS):
        torch.cuda.synchronize()
        begun = time.perf_counter()
        for _ in range(STEPS):
            step()
        torch.cuda.synchronize()
        best = min(best, (time.perf_counter() - begun) / STEPS)
    return best * 1e3


def times(name, net, shape, classes, batch):
    net = net.cuda()
    x = torch.randn(batch, *shape, device="cuda")
    y = torch.randint(0, classes, (batch,), device="cuda")
    optimizer = torch.optim.SGD(net.parameters(), lr=0.0)

    def step(forward=net):
        optimizer.zero_grad(set_to_none=False)
        functional.cross_entropy(forward(x), y).backward()
        optimizer.step()

    for _ in range(5):
        step()
    print(f"{name}: eager {fastest(step):.3f} ms", end="")
    compiled = torch.compile(net)
    for _ in range(5):
        step(compiled)
    print(f", compiled {fastest(lambda: step(compiled)):.3f} ms", end="")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    print(f", graph {fastest(graph.replay):.3f} ms")


torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
times("LeNet, batch 128", lenet(), (3, 32, 32), 100, 128)
times("MLP 784-1000-10, batch 100", mlp(), (1, 28, 28), 10, 100)
times("WRN-16-4, batch 128", wrn(), (3, 32, 32), 10, 128)
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
times("WRN-16-4, batch 128, TF32", wrn(), (3, 32, 32), 10, 128)
