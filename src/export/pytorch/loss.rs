//! The loss of the spec as a module: its scales, its form, its base loss.

use std::collections::BTreeSet;

use super::formula::formula;
use super::helpers::{AT, HELPERS, LOG_NOT_LABEL, MARGIN, THRESHOLD};
use super::text::float;
use crate::loss::uses_size;
use crate::model::{Base, Divisor, Form, Loss, On, Per, Scale, Setting, WeightedCrossEntropy};

/// The size of a net's parameters.
pub(super) const LOG_NORM: &str = "\
def log_norm(*tensors):
    \"\"\"log ‖·‖ over all elements.\"\"\"
    return 0.5 * sum(tensor.square().sum() for tensor in tensors).log()
";

/// The helpers and the class, as blocks of text.
pub(super) fn blocks(loss: &Loss, classes: usize) -> Vec<String> {
    let mut helpers = BTreeSet::new();
    let base = base(&loss.base, loss, classes, &mut helpers);
    let form = form(loss, &mut helpers);
    let known = HELPERS.iter().filter(|helper| helpers.contains(helper.name));
    let mut blocks: Vec<String> = known.map(|helper| helper.text.to_owned()).collect();
    if let Some(weights) = loss.base.class_weights() {
        blocks.push(format!("CLASS_WEIGHTS = {}\n", python_list(weights)));
    }
    let mut lines = vec!["class Loss(nn.Module):".to_owned()];
    lines.push(format!("    \"\"\"{}.\"\"\"", sentence(loss)));
    lines.push(String::new());
    lines.extend(scales(loss));
    lines.extend(form);
    lines.push(String::new());
    lines.push("    def base(self, logits, labels):".to_owned());
    lines.push(format!("        \"\"\"The base loss of each sample: {}.\"\"\"", name(&loss.base)));
    lines.extend(base.into_iter().map(|line| format!("        {line}")));
    blocks.push(lines.join("\n") + "\n");
    blocks
}

/// The loss in words.
fn sentence(loss: &Loss) -> String {
    let base = name(&loss.base);
    match &loss.form {
        Form::Plain => format!("The mean of {base}"),
        Form::SingleScale { .. } => format!("Single scale: {base} of r1 · logits / R"),
        Form::TwoScale { delta, on, .. } => format!(
            "Two scales: {base} of r · logits / R, r = r2 where {} ≥ {delta}, else r1",
            compared(*on)
        ),
        Form::Separation { delta, on, .. } => format!(
            "Separation: {base} of λ · logits where {} ≥ {delta}, else of the logits",
            compared(*on)
        ),
    }
}

fn compared(on: On) -> &'static str {
    match on {
        On::Raw => "the margin",
        On::Normalized => "the margin / R",
    }
}

/// What the base loss is called, with its arguments.
fn name(base: &Base) -> String {
    let (name, arguments) = base.call();
    let value = |value: &Setting| match value {
        Setting::Number(value) => value.to_string(),
        Setting::Numbers(values) => python_list(values),
        Setting::Flag(value) => value.to_string(),
    };
    let arguments: Vec<String> =
        arguments.iter().map(|(key, given)| format!("{key}={}", value(given))).collect();
    match (arguments.as_slice(), base) {
        ([], Base::Custom(custom)) => {
            format!("`{}`", custom.name)
        }
        ([], _) => name.replace('_', " "),
        (arguments, _) => format!("{name}({})", arguments.join(", ")),
    }
}

fn python_list(values: &[f64]) -> String {
    let values: Vec<String> = values.iter().map(|value| float(*value)).collect();
    format!("[{}]", values.join(", "))
}

/// `__init__`, where there are scales.
fn scales(loss: &Loss) -> Vec<String> {
    let one = |name: &str, scale: &Scale| {
        let fixed = if scale.trainable { "" } else { ", requires_grad=False" };
        let value = format!("nn.Parameter(torch.ones(1){fixed})");
        if name == "lambda" {
            // The word is Python's own.
            format!("        self.register_parameter(\"lambda\", {value})")
        } else {
            format!("        self.{name} = {value}")
        }
    };
    let mut lines = match &loss.form {
        Form::Plain => vec![],
        Form::SingleScale { r1 } => vec![one("r1", r1)],
        Form::TwoScale { r1, r2, .. } => vec![one("r1", r1), one("r2", r2)],
        Form::Separation { lambda, .. } => vec![one("lambda", lambda)],
    };
    if loss.divisor == Divisor::Initial && uses_size(&loss.form) {
        lines.push(
            "        self.register_buffer(\"R0\", torch.ones(1))  # R at the start".to_owned(),
        );
    }
    if lines.is_empty() {
        return lines;
    }
    let head = ["    def __init__(self):", "        super().__init__()"].map(str::to_owned);
    let mut all: Vec<String> = head.into();
    all.extend(lines);
    all.push(String::new());
    all
}

/// `forward`.
fn form(loss: &Loss, helpers: &mut BTreeSet<&'static str>) -> Vec<String> {
    let uses_size = uses_size(&loss.form);
    let mut lines = vec![];
    if uses_size {
        lines.push("def forward(self, logits, labels, size):".to_owned());
        lines
            .push("    \"\"\"The mean over the batch; `size` is that of the net.\"\"\"".to_owned());
        match loss.divisor {
            Divisor::Current => {}
            Divisor::Detached => lines.push("    size = size.detach()".to_owned()),
            Divisor::Initial => lines.push("    size = self.R0".to_owned()),
        }
    } else {
        lines.push("def forward(self, logits, labels):".to_owned());
        lines.push("    \"\"\"The mean over the batch.\"\"\"".to_owned());
    }
    let mut well = |delta: f64, on: On| {
        helpers.insert(MARGIN);
        let divided = if on == On::Normalized { " / size" } else { "" };
        format!("    well = margin(logits, labels){divided} >= {}", float(delta))
    };
    let scaled = match &loss.form {
        Form::Plain => "logits",
        Form::SingleScale { .. } => "self.r1 / size * logits",
        Form::TwoScale { delta, on, .. } => {
            lines.push(well(*delta, *on));
            lines.push("    factor = torch.where(well, self.r2 / size, self.r1 / size)".to_owned());
            "factor[:, None] * logits"
        }
        Form::Separation { delta, on, .. } => {
            lines.push(well(*delta, *on));
            lines.push("    scale = self.get_parameter(\"lambda\")".to_owned());
            lines.push("    factor = torch.where(well, scale, torch.ones_like(scale))".to_owned());
            "factor[:, None] * logits"
        }
    };
    let last = match (&loss.base, loss.base.class_weights()) {
        (Base::WeightedCrossEntropy(WeightedCrossEntropy { per: Per::Weight, .. }), Some(_)) => {
            lines.push("    weights = logits.new_tensor(CLASS_WEIGHTS)[labels]".to_owned());
            format!("    return self.base({scaled}, labels).sum() / weights.sum()")
        }
        _ => format!("    return self.base({scaled}, labels).mean()"),
    };
    lines.push(last);
    lines.into_iter().map(|line| format!("    {line}")).collect()
}

/// The lines of the base loss.
fn base(
    base: &Base,
    loss: &Loss,
    classes: usize,
    helpers: &mut BTreeSet<&'static str>,
) -> Vec<String> {
    const CROSS_ENTROPY: &str = "F.cross_entropy(logits, labels, reduction=\"none\")";
    let own = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    match base {
        Base::CrossEntropy => vec![format!("return {CROSS_ENTROPY}")],
        Base::Truncated { k } => {
            vec![format!("return {CROSS_ENTROPY}.clamp(max=-math.log({}))", float(*k))]
        }
        Base::Mse => own(&[
            "target = F.one_hot(labels, CLASSES)",
            "return (F.softmax(logits, 1) - target).square().sum(1)",
        ]),
        Base::Hinge => {
            helpers.insert(MARGIN);
            own(&["return F.relu(1 - margin(logits, labels))"])
        }
        Base::Sparsemax => {
            helpers.extend([AT, THRESHOLD]);
            own(&[
                "x = logits - logits.max(1, keepdim=True).values.detach()",
                &format!("t = {THRESHOLD}(x)[:, None]"),
                "total = (F.relu(x - t) * (x + t)).sum(1)",
                "return 0.5 * total - at(x, labels) + 0.5",
            ])
        }
        Base::Focal { gamma } => {
            helpers.insert(LOG_NOT_LABEL);
            vec![
                format!(
                    "weight = ({} * log_not_label(logits, labels)).exp()  # (1 - p) ** gamma",
                    float(*gamma)
                ),
                format!("return weight * {CROSS_ENTROPY}"),
            ]
        }
        Base::WeightedCrossEntropy(WeightedCrossEntropy { smoothing, weights, .. }) => {
            let mut arguments = vec!["reduction=\"none\"".to_owned()];
            if weights.is_some() {
                arguments.push("weight=logits.new_tensor(CLASS_WEIGHTS)".to_owned());
            }
            if *smoothing != 0.0 {
                arguments.push(format!("label_smoothing={}", float(*smoothing)));
            }
            let arguments = arguments.join(", ");
            vec![format!("return F.cross_entropy(logits, labels, {arguments})")]
        }
        Base::GeneralizedCrossEntropy { q } => {
            let q = float(*q);
            vec![format!("return (1 - (-{q} * {CROSS_ENTROPY}).exp()) / {q}")]
        }
        Base::TamedCrossEntropy { alpha } if *alpha == 1.0 => {
            vec![format!("return {CROSS_ENTROPY}.log1p()")]
        }
        Base::TamedCrossEntropy { alpha } => {
            let rest = float(1.0 - alpha);
            vec![format!("return ((1 + {CROSS_ENTROPY}) ** {rest} - 1) / {rest}")]
        }
        Base::Mellowmax { omega } => {
            let omega = float(*omega);
            vec![
                format!("loss = F.cross_entropy({omega} * logits, labels, reduction=\"none\")"),
                format!("return (loss - math.log(CLASSES)) / {omega}"),
            ]
        }
        Base::TaylorSoftmax => {
            helpers.insert(AT);
            own(&[
                "t = 0.5 * ((logits + 1).square() + 1)  # 1 + a + a ** 2 / 2",
                "return t.sum(1).log() - at(t, labels).log()",
            ])
        }
        Base::SphericalSoftmax { eps } => {
            helpers.insert(AT);
            vec![
                format!("t = logits.square() + {}", float(*eps)),
                "return t.sum(1).log() - at(t, labels).log()".to_owned(),
            ]
        }
        Base::Custom(_) => {
            let formula = formula(loss, classes);
            helpers.extend(formula.helpers);
            formula.lines
        }
    }
}
