"""Random specs on the embedded digits, in which every layer, loss and optimiser of the language turns up."""
import random

ACTIVATIONS = ["relu", "leaky_relu(0.1)", "abs", "prelu", "prelu(0.1, per_channel=true)", "tanh", "sigmoid", "gelu", "silu",
               "identity"]

BLOCKS = """block skip(k) {
  let main = in -> conv(channels(in), kernel=k, pad=same) -> relu
  out main + in
}
block gate(c) {
  let a = in -> conv(c, kernel=3, pad=1, bias=false)
  let b = in -> conv(c, kernel=1) -> sigmoid
  out a * b
}
block mixed(c) {
  let a = in -> conv(c, kernel=1) -> relu
  let b = in -> avg_pool(3, stride=1, pad=1) -> conv(c, kernel=3, pad=1)
  out concat(a, b, in)
}
block scaled { out 0.5 * in }
"""

# digits has ten classes.
WEIGHTS = ", ".join(str(0.5 + 0.25 * i) for i in range(10))

LOSSES = ["cross_entropy", "mse", "hinge", "sparsemax", "focal", "focal(gamma=1)", "focal(gamma=0.5)", "truncated(k=0.05)", "own",
          "cross_entropy(label_smoothing=0.1)", f"weighted_cross_entropy([{WEIGHTS}])",
          f"two_scale(delta=0.01, base=cross_entropy(label_smoothing=0.2, weights=[{WEIGHTS}]), size=weights)",
          "generalized_cross_entropy(q=0.5)", "tamed_cross_entropy(0.5)", "tamed_cross_entropy(1)", "mellowmax(omega=3)",
          "taylor_softmax", "spherical_softmax(eps=0.01)",
          "mixed_terms", "single_scale(size=weights)", "single_scale(base=own, r1=fixed(2), size=weights)",
          "two_scale(delta=0.01, size=weights)", "two_scale(delta=0.1, size=layer, scale_lr=0.5)",
          "two_scale(delta=0.1, size=spectral)", "two_scale(delta=0.01, base=mse, divisor=detached, size=weights)",
          "two_scale(delta=0.001, on=normalized, divisor=initial, size=weights)",
          "two_scale(delta=0.01, r1=fixed, r2=trainable(3 * r1), size=weights)", "two_scale(delta=0.05, lambda=trainable)",
          "two_scale(delta=0.05, lambda=fixed(4), base=hinge)",
          "two_scale(delta=0.001, on=normalized, lambda=trainable(3), size=weights)"]

LOSS_ITEMS = """loss own(gamma=2) { let p = softmax(logits)  out -(1 - p[label])^gamma * log(p[label]) }
loss mixed_terms {
  let z = logits - mean(logits)
  let bounded = max(min(margin, 2), -2)
  let pull = where(margin > 0.1, 0.5 * bounded, bounded)
  out log_softmax(logits)[label] * -1 + 0.01 * sum(z^2) - 0.1 * pull + 0.1 * sum(abs(softmax(logits) - one_hot(label)))
    + 0.01 * max(z) + sigmoid(z[3]) + 0.1 * sqrt(sum(exp(tanh(z))))
}
"""

OPTIMIZERS = ["sgd(lr=0.05)", "sgd(lr=0.05, momentum=0.9)", "sgd(lr=0.02, momentum=0.9, nesterov=true, weight_decay=5e-4)",
              "sgd(lr=0.05, weight_decay=1e-3, schedule=cosine)", "adam(lr=0.003)", "adam(lr=0.003, weight_decay=0.01)",
              "adamw(lr=0.003, beta1=0.8, beta2=0.99, eps=1e-6, weight_decay=0.05)", "sam(sgd(lr=0.05, momentum=0.9), rho=0.05)",
              "asam(sgd(lr=0.05), rho=0.5, eta=0.01)", "sgd(lr=0.05, schedule=step(milestones=[1], gamma=0.3))"]


def picture(rng):
    """Layers from [1, 8, 8] to a picture, with the channels they end in."""
    channels, size, lines = 1, 8, []
    for _ in range(rng.randint(1, 5)):
        kind = rng.choice(["conv", "conv", "grouped", "depthwise", "wide", "skip", "gate", "mixed", "pool", "repeat"])
        bias = rng.choice(["", ", bias=false"])
        made = rng.choice([2, 3, 4, 6, 8])
        if kind == "grouped" and channels % 2 == 0:
            made = 2 * rng.randint(1, 4)
            lines.append(f"conv({made}, kernel=3, pad=1, groups=2{bias})")
        elif kind == "depthwise":
            factor = rng.randint(1, 2)
            made = channels * factor
            lines.append(f"depthwise_conv(3, multiplier={factor}, pad=1{bias})")
        elif kind == "wide" and size >= 4:
            lines.append(f"conv({made}, kernel=[1, 3], pad=[0, 1], stride=[1, 1]{bias})")
        elif kind == "skip":
            lines.append(f"skip({rng.choice([1, 3])})")
            continue
        elif kind in ("gate", "mixed"):
            lines.append(f"{kind}({made})")
            made = made if kind == "gate" else 2 * made + channels
        elif kind == "repeat":
            lines.append(f"repeat 3 {{ c{len(lines)}: conv({made}, kernel=3, pad=1{bias}) -> {rng.choice(ACTIVATIONS)} }}")
            channels = made
            continue
        elif kind == "pool" and size >= 4:
            pool = rng.choice(["max_pool(2)", "avg_pool(2)", "max_pool(3, stride=2, pad=1)", "avg_pool(3, stride=2, pad=1)"])
            size = size // 2
            lines.append(pool)
            continue
        else:
            stride = rng.choice([1, 1, 2]) if size >= 4 else 1
            size = (size + 2 - 3) // stride + 1
            lines.append(f"conv({made}, kernel=3, pad=1, stride={stride}{bias})")
        channels = made
        affine = rng.choice(["", "affine=false"])
        norm = rng.choice(["none", "none", "batch", "layer", "group"])
        if norm == "batch":
            lines[-1] += f" -> batch_norm({affine or 'eps=1e-4, momentum=0.3'})"
        elif norm == "layer" and channels * size * size > 1:
            lines[-1] += f" -> layer_norm({affine})"
        elif norm == "group":
            groups = rng.choice([g for g in range(1, channels + 1) if channels % g == 0])
            if channels // groups * size * size > 1:
                lines[-1] += f" -> group_norm({groups}{', ' + affine if affine else ''})"
        lines[-1] += f" -> {rng.choice(ACTIVATIONS)}"
    return lines


def net(rng):
    """The body of a net."""
    lines = picture(rng) if rng.random() < 0.75 else []
    if rng.random() < 0.25:
        lines.append("global_avg_pool")
    else:
        lines.append("flatten")
    for _ in range(rng.randint(0, 2)):
        norm = rng.choice(["", " -> batch_norm", " -> layer_norm", " -> group_norm(2)"])
        lines.append(f"linear({rng.choice([4, 8, 16])}){norm} -> {rng.choice(ACTIVATIONS)}")
    if rng.random() < 0.2:
        lines.append("linear(16) -> reshape([4, 2, 2]) -> conv(3, kernel=2) -> flatten")
    if rng.random() < 0.2:
        lines.append("linear(12) -> softmax")
    if rng.random() < 0.2:
        lines.append("dropout(0.3)")
    lines.append("half: linear(classes)" if rng.random() < 0.1 else "linear(classes)")
    if rng.random() < 0.2:
        lines[-1] += " -> scaled"
    return lines


def spec(seed):
    """The text of a spec."""
    rng = random.Random(seed)
    body = "\n".join(f"  {line}" for line in net(rng))
    loss = rng.choice(LOSSES)
    normalize = rng.choice(["unit", "half", "standard"])
    return (f"data digits(subset=96, test_subset=64, shuffle=false, normalize={normalize})\n{BLOCKS}"
            f"net random_{seed}(allow=[nonhomogeneous]) {{\n{body}\n}}\n{LOSS_ITEMS}"
            f"loss {loss}\ntrain {rng.choice(OPTIMIZERS)} {{ batch = 12  epochs = 3 }}\n")
