"""Values and gradients of base losses by PyTorch in float64, for `tests/it/loss.rs`.

usage: python tools/oracle/losses.py > tests/it/losses.json
Needs torch. Formulas follow the papers, with PyTorch's own functions where it has them; gradients are those of its autograd.
"""

import json
import math

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(20181012)

# Scales of the two-scale form, as in paper eq. (13).
SIZE, R1, R2, DELTA = 3.5, 2.0, 14.0, 0.25


def share(t, y):
    """-log of each row's part of its sum."""
    return -torch.log(t.gather(1, y[:, None]).squeeze(1) / t.sum(1))


def tamed(z, y, alpha):
    log_p = F.log_softmax(z, 1).gather(1, y[:, None]).squeeze(1)
    if alpha == 1:
        return torch.log1p(-log_p)
    return ((1 - log_p) ** (1 - alpha) - 1) / (1 - alpha)


def generalized(z, y, q):
    p = F.softmax(z, 1).gather(1, y[:, None]).squeeze(1)
    if q == 1:
        return 1 - p
    log_p = F.log_softmax(z, 1).gather(1, y[:, None]).squeeze(1)
    return (1 - torch.exp(q * log_p)) / q


def mellowmax(z, y, omega):
    mean = torch.logsumexp(omega * z, 1) - math.log(z.shape[1])
    return mean / omega - z.gather(1, y[:, None]).squeeze(1)


def weights(classes):
    return [0.25 + 0.5 * i for i in range(classes)]


def losses(classes):
    """By call of the language: the loss of each sample, and its mean where that is not over the samples."""
    w = weights(classes)
    given = "[" + ", ".join(map(str, w)) + "]"
    w = torch.tensor(w)

    def entropy(smoothing, weight):
        def each(z, y):
            return F.cross_entropy(z, y, weight=weight, label_smoothing=smoothing, reduction="none")

        def mean(z, y):
            return F.cross_entropy(z, y, weight=weight, label_smoothing=smoothing)

        return each, mean

    yield "cross_entropy(label_smoothing=0.1)", *entropy(0.1, None)
    yield f"cross_entropy(weights={given})", *entropy(0.0, w)
    yield f"cross_entropy(label_smoothing=0.3, weights={given})", *entropy(0.3, w)
    yield f"weighted_cross_entropy({given})", entropy(0.0, w)[0], None
    for q in [0.3, 0.7, 1.0]:
        yield f"generalized_cross_entropy({q})", lambda z, y, q=q: generalized(z, y, q), None
    for alpha in [0.0, 0.5, 1.0, 2.0]:
        yield f"tamed_cross_entropy({alpha})", lambda z, y, a=alpha: tamed(z, y, a), None
    for omega in [0.25, 1.0, 5.0]:
        yield f"mellowmax({omega})", lambda z, y, o=omega: mellowmax(z, y, o), None
    yield "taylor_softmax", lambda z, y: share(1 + z + z**2 / 2, y), None
    for eps in [0.001, 1.0]:
        yield f"spherical_softmax({eps})", lambda z, y, e=eps: share(z**2 + e, y), None


def margin(z, y):
    others = z.scatter(1, y[:, None], -math.inf)
    return z.gather(1, y[:, None]).squeeze(1) - others.max(1).values


def inputs():
    yield "small", torch.randn(7, 3), torch.tensor([0, 1, 2, 0, 1, 2, 0])
    yield "classes", 3 * torch.randn(5, 10), torch.tensor([9, 0, 4, 4, 7])
    yield "ties", torch.tensor([[0.0, 0.0], [1.0, 1.0], [-1.0, -1.0]]), torch.tensor([0, 1, 0])
    extremes = [[1e4, -1e4, 0.5], [-1e4, 1e4, 3.0], [1e4, 1e4, -1e4], [0.0, 40.0, -40.0], [-750.0, 0.0, 1.0]]
    yield "extremes", torch.tensor(extremes), torch.tensor([0, 0, 1, 2, 0])


cases = []
for name, logits, y in inputs():
    for call, each, mean in losses(logits.shape[1]):
        for form in ["plain", "two_scale"]:
            z = logits.clone().requires_grad_()
            a = z
            if form == "two_scale":
                well = margin(z, y).detach() >= DELTA
                a = torch.where(well, R2 / SIZE, R1 / SIZE)[:, None] * z
            per_sample = each(a, y)
            whole = per_sample.mean() if mean is None else mean(a, y)
            whole.backward()
            cases.append(
                {
                    "name": name,
                    "loss": call,
                    "form": form,
                    "classes": logits.shape[1],
                    "z": logits.flatten().tolist(),
                    "y": y.tolist(),
                    "per_sample": per_sample.tolist(),
                    "mean": whole.item(),
                    "dz": z.grad.flatten().tolist(),
                }
            )
about = {"torch": torch.__version__, "R": SIZE, "r1": R1, "r2": R2, "delta": DELTA}
print(json.dumps({"about": about, "cases": cases}, indent=None))
