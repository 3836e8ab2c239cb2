"""Short training runs by PyTorch in float64 with clipped gradients, averaged weights and weighted targets, for
`tests/it/training.rs`.

usage: python tools/oracle/training.py > tests/it/training.json
Needs torch. Gradients are clipped by `clip_grad_norm_`; weights are averaged by hand, buffers of batch norms with them.
"""

import json
import math

import torch
import torch.nn.functional as F
from torch import nn

torch.set_default_dtype(torch.float64)
torch.manual_seed(19920101)

SAMPLES, BATCH, STEPS, CLASSES = 24, 8, 7, 4
SHAPE = [2, 4, 4]
WEIGHTS = [0.5, 1.0, 2.0, 0.25]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 3, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(3)
        self.fc1 = nn.Linear(48, 6)
        self.fc2 = nn.Linear(6, CLASSES)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))

    def size(self):
        return math.prod(w.norm() for w in [self.conv1.weight, self.fc1.weight, self.fc2.weight])


def margin(z, y):
    others = z.scatter(1, y[:, None], -math.inf)
    return z.gather(1, y[:, None]).squeeze(1) - others.max(1).values


def plain(smoothing=0.0, weights=None):
    weight = None if weights is None else torch.tensor(weights)

    def loss(net, scales, z, y):
        return F.cross_entropy(z, y, weight=weight, label_smoothing=smoothing)

    return loss


def two_scale(net, scales, z, y):
    well = margin(z, y).detach() >= 0.1
    factor = torch.where(well, scales["r2"], scales["r1"]) / net.size()
    return F.cross_entropy(factor[:, None] * z, y)


def run(name, spec_loss, spec_train, loss, optimizer, clip=None, ema=None, rho=None, has_scales=False):
    net = Net()
    start = {name: value.clone() for name, value in net.state_dict().items() if "num_batches" not in name}
    scales = {}
    if has_scales:
        size = net.size().item()
        scales = {"r1": nn.Parameter(torch.tensor([size])), "r2": nn.Parameter(torch.tensor([10 * size]))}
    trained = [*net.parameters(), *scales.values()]
    optimizer = optimizer(trained)
    named = {**dict(net.named_parameters()), **{f"loss.{key}": value for key, value in scales.items()}}
    buffers = {key: value for key, value in net.named_buffers() if "num_batches" not in key}
    average = {key: value.detach().clone() for key, value in {**named, **buffers}.items()}
    losses = []
    for step in range(STEPS):
        picked = [(step * BATCH + i) % SAMPLES for i in range(BATCH)]
        x, y = X[picked], Y[picked]
        optimizer.zero_grad()
        value = loss(net, scales, net(x), y)
        losses.append(value.item())
        value.backward()
        if rho is not None:
            before = [(p, p.detach().clone()) for p in net.parameters()]
            norm = sum(p.grad.square().sum() for p in net.parameters()).sqrt()
            with torch.no_grad():
                for p in net.parameters():
                    p.add_(rho / norm * p.grad)
            optimizer.zero_grad()
            loss(net, scales, net(x), y).backward()
            with torch.no_grad():
                for p, old in before:
                    p.copy_(old)
        if clip is not None:
            nn.utils.clip_grad_norm_(trained, clip)
        optimizer.step()
        if ema is not None:
            for key, value in {**named, **buffers}.items():
                average[key] = ema * average[key] + (1 - ema) * value.detach()
    final = {key: value.detach().flatten().tolist() for key, value in {**named, **buffers}.items()}
    if ema is not None:
        net.load_state_dict({key: average[key] for key in average if not key.startswith("loss.")}, strict=False)
    net.eval()
    with torch.no_grad():
        logits = net(X)
    return {
        "name": name,
        "loss": spec_loss,
        "train": spec_train,
        "start": {key: value.flatten().tolist() for key, value in start.items()},
        "losses": losses,
        "final": final,
        "average": None if ema is None else {key: value.flatten().tolist() for key, value in average.items()},
        "logits": logits.flatten().tolist(),
    }


# Numbers that single precision holds, so that the data are the same whoever reads them.
X = torch.randint(-16, 17, [SAMPLES, *SHAPE]) / 8.0
Y = torch.randint(0, CLASSES, [SAMPLES])
sgd = lambda trained: torch.optim.SGD(trained, lr=0.1, momentum=0.9)
listed = ", ".join(map(str, WEIGHTS))
cases = [
    run("clip", "cross_entropy", "sgd(lr=0.1, momentum=0.9) { clip = 0.5 }", plain(), sgd, clip=0.5),
    run("loose clip", "cross_entropy", "sgd(lr=0.1, momentum=0.9) { clip = 1000 }", plain(), sgd, clip=1000),
    run("ema", "cross_entropy", "adam(lr=0.01) { ema = 0.8 }", plain(), lambda t: torch.optim.Adam(t, lr=0.01), ema=0.8),
    run("weights", f"cross_entropy(label_smoothing=0.1, weights=[{listed}])", "sgd(lr=0.1, momentum=0.9) { clip = 2 }",
        plain(0.1, WEIGHTS), sgd, clip=2.0),
    run("sam", f"cross_entropy(weights=[{listed}])", "sam(sgd(lr=0.1, momentum=0.9), rho=0.05) { clip = 0.3  ema = 0.9 }",
        plain(0.0, WEIGHTS), sgd, clip=0.3, ema=0.9, rho=0.05),
    run("scales", "two_scale(delta=0.1, size=weights)", "sgd(lr=0.1, momentum=0.9) { clip = 0.2  ema = 0.5 }",
        two_scale, sgd, clip=0.2, ema=0.5, has_scales=True),
]
about = {"torch": torch.__version__, "samples": SAMPLES, "batch": BATCH, "steps": STEPS, "classes": CLASSES}
print(json.dumps({"about": about, "x": X.flatten().tolist(), "y": Y.tolist(), "cases": cases}))
