//! The optimiser, its schedule and a step of training, as the spec has them.

use super::text::float;
use crate::loss::uses_size;
use crate::model::{Optimizer, Schedule, Sharpness, SharpnessKind, Spec, Train};

/// `make_optimizer`, `learning_rate`, `train_step`, as blocks of text; `has_slopes` says whether the net has a PReLU.
pub(super) fn blocks(spec: &Spec, has_slopes: bool) -> Vec<String> {
    let mut blocks = vec![optimizer(spec), learning_rate(&spec.train)];
    blocks.extend(spec.train.sharpness.as_ref().map(|sharpness| climb(sharpness, has_slopes)));
    blocks.push(train_step(spec));
    blocks
}

fn optimizer(spec: &Spec) -> String {
    let train = &spec.train;
    let number = |name: &str, value: f64| format!(", {name}={}", float(value));
    let (class, arguments, state): (_, String, &[(&str, &str)]) = match &train.optimizer {
        Optimizer::Sgd { momentum, nesterov, weight_decay } => {
            let mut arguments = String::new();
            let mut state: &[(&str, &str)] = &[];
            if *momentum != 0.0 {
                arguments += &number("momentum", *momentum);
                state = &[("momentum_buffer", "momentum")];
            }
            if *weight_decay != 0.0 {
                arguments += &number("weight_decay", *weight_decay);
            }
            // Without momentum there is nothing to look ahead to.
            if *nesterov && *momentum != 0.0 {
                arguments += ", nesterov=True";
            }
            ("SGD", arguments, state)
        }
        Optimizer::Adam { beta1, beta2, eps, weight_decay }
        | Optimizer::AdamW { beta1, beta2, eps, weight_decay } => {
            let betas = format!(", betas=({}, {})", float(*beta1), float(*beta2));
            let rest = number("eps", *eps) + &number("weight_decay", *weight_decay);
            let is_adam = matches!(train.optimizer, Optimizer::Adam { .. });
            let class = if is_adam { "Adam" } else { "AdamW" };
            (class, betas + &rest, &[("exp_avg", "m"), ("exp_avg_sq", "v")])
        }
    };
    let mut lines = vec![
        "def make_optimizer(net, loss, path=WEIGHTS):".to_owned(),
        "    \"\"\"The optimiser where training ended; scales of the loss are a group without decay.\"\"\""
            .to_owned(),
        "    scales = [scale for scale in loss.parameters() if scale.requires_grad]".to_owned(),
        "    groups = [{\"params\": list(net.parameters()), \"factor\": 1.0}]".to_owned(),
        "    if scales:".to_owned(),
        format!(
            "        groups.append({{\"params\": scales, \"factor\": {}, \"weight_decay\": 0.0}})",
            float(spec.loss.scale_lr)
        ),
    ];
    let made = format!("torch.optim.{class}(groups, lr={}{arguments})", float(train.lr));
    if state.is_empty() {
        lines.push(format!("    return {made}"));
        return lines.join("\n") + "\n";
    }
    lines.push(format!("    optimizer = {made}"));
    lines.push("    stored = tensors(path)".to_owned());
    lines.push("    for name, parameter in named_parameters(net, loss):".to_owned());
    lines.push(format!("        if f\"{{name}}/{}\" in stored:", state[0].1));
    lines.push("            optimizer.state[parameter] = {".to_owned());
    if class != "SGD" {
        lines.push("                \"step\": torch.tensor(float(STEP)),".to_owned());
    }
    for (theirs, ours) in state {
        lines
            .push(format!("                \"{theirs}\": stored[f\"{{name}}/{ours}\"].to(DTYPE),"));
    }
    lines.push("            }".to_owned());
    lines.push("    return optimizer".to_owned());
    lines.join("\n") + "\n"
}

fn learning_rate(train: &Train) -> String {
    let mut lines = vec![
        "def learning_rate(step):".to_owned(),
        "    \"\"\"The rate of a step, counted from 0.\"\"\"".to_owned(),
    ];
    let mut rate = float(train.lr);
    match &train.schedule {
        Schedule::Constant => {}
        Schedule::Step { milestones, gamma } => {
            let listed: Vec<String> = milestones.iter().map(u64::to_string).collect();
            lines.push("    epoch = step // STEPS_PER_EPOCH".to_owned());
            let listed = listed.join(", ");
            lines.push(format!("    passed = sum(milestone <= epoch for milestone in [{listed}])"));
            rate = format!("{rate} * {} ** passed", float(*gamma));
        }
        Schedule::Cosine => {
            rate = format!("{rate} * 0.5 * (1 + math.cos(math.pi * step / STEPS))");
        }
    }
    if train.warmup > 0 {
        lines.push(format!("    warm = min(1.0, (step + 1) / {})", train.warmup));
        rate = format!("warm * {rate}");
    }
    lines.push(format!("    return {rate}"));
    lines.join("\n") + "\n"
}

/// The first phase of SAM and ASAM.
fn climb(sharpness: &Sharpness, has_slopes: bool) -> String {
    let rho = float(sharpness.rho);
    let mut lines = vec!["@torch.no_grad()".to_owned(), "def climb(net):".to_owned()];
    match sharpness.kind {
        SharpnessKind::Sam => lines.extend([
            "    \"\"\"Moves every parameter up its gradient (SAM); the values before.\"\"\""
                .to_owned(),
            "    moved = [p for p in net.parameters() if p.grad is not None]".to_owned(),
            "    before = [(p, p.clone()) for p in moved]".to_owned(),
            "    norm = sum(p.grad.square().sum() for p in moved).sqrt()".to_owned(),
            "    for p in moved:".to_owned(),
            format!("        p.add_({rho} / (norm + 1e-16) * p.grad)"),
        ]),
        SharpnessKind::Asam { eta } => {
            lines.push(
                "    \"\"\"Moves every parameter up its gradient, scaled by its size (ASAM); the values before.\"\"\""
                    .to_owned(),
            );
            if has_slopes {
                lines.push(
                    "    slopes = {m.weight for m in net.modules() if isinstance(m, nn.PReLU)}"
                        .to_owned(),
                );
            }
            let slopes = if has_slopes { " and p not in slopes" } else { "" };
            lines.extend([
                "    moved = [(name, p) for name, p in net.named_parameters() if p.grad is not None]".to_owned(),
                "    before = [(p, p.clone()) for _, p in moved]".to_owned(),
                "    sizes = [".to_owned(),
                format!("        p.abs() + {} if name.endswith(\".weight\"){slopes} else torch.ones_like(p)", float(eta)),
                "        for name, p in moved".to_owned(),
                "    ]".to_owned(),
                "    squares = ((t * p.grad).square().sum() for t, (_, p) in zip(sizes, moved))".to_owned(),
                "    norm = sum(squares).sqrt()".to_owned(),
                "    for t, (_, p) in zip(sizes, moved):".to_owned(),
                format!("        p.add_({rho} / (norm + 1e-16) * t * t * p.grad)"),
            ]);
        }
    }
    lines.push("    return before".to_owned());
    lines.join("\n") + "\n"
}

fn train_step(spec: &Spec) -> String {
    let size = if uses_size(&spec.loss.form) { ", net.size()" } else { "" };
    let value = format!("loss(net(inputs), labels{size})");
    let mut lines = vec![
        "def train_step(net, loss, optimizer, inputs, labels, step):".to_owned(),
        "    \"\"\"One step on a batch of inputs; the loss before it. Steps count from 0.\"\"\""
            .to_owned(),
        "    for group in optimizer.param_groups:".to_owned(),
        "        group[\"lr\"] = learning_rate(step) * group[\"factor\"]".to_owned(),
        "    optimizer.zero_grad()".to_owned(),
        format!("    value = {value}"),
        "    value.backward()".to_owned(),
    ];
    if spec.train.sharpness.is_some() {
        lines.extend([
            "    before = climb(net)".to_owned(),
            "    optimizer.zero_grad()".to_owned(),
            format!("    {value}.backward()"),
            "    with torch.no_grad():".to_owned(),
            "        for parameter, old in before:".to_owned(),
            "            parameter.copy_(old)".to_owned(),
        ]);
    }
    if let Some(max_norm) = spec.train.clip {
        lines.extend([
            "    trained = [p for group in optimizer.param_groups for p in group[\"params\"]]"
                .to_owned(),
            format!("    nn.utils.clip_grad_norm_(trained, {})", float(max_norm)),
        ]);
    }
    lines.push("    optimizer.step()".to_owned());
    lines.push("    return value.item()".to_owned());
    lines.join("\n") + "\n"
}
