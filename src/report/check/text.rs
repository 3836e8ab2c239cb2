//! `specc check`: layers, costs and the verdict on scaling, in words and within a number of columns.

use std::fmt::Write as _;

use crate::check::numeric::Confirmed;
use crate::check::{Checked, Exponents, Mode, NoNormalizer, Question, Scaling};
use crate::diag::SourceMap;
use crate::grid::{Columns, Side};
use crate::ir::{Graph, ParamRole};

/// Columns beyond which lines are not easy to read, however wide the terminal.
pub const WIDEST: usize = 80;

/// The whole report within `width` columns.
pub fn report(checked: &Checked, sources: &SourceMap, width: usize) -> String {
    let mut text = table(checked, width);
    text.push('\n');
    text.push_str(&verdict(checked, sources, width));
    text
}

/// One row per layer: name, kind, shape of the result, parameters, operations, degree of the logits in the layer.
fn table(checked: &Checked, columns: usize) -> String {
    let graph = checked.graph();
    let number = |value| if value == 0 { String::new() } else { grouped(value) };
    let mut rows =
        Columns::new([Side::Left, Side::Left, Side::Left, Side::Right, Side::Right, Side::Right]);
    rows.row(["layer", "kind", "shape", "params", "FLOP", "degree"].map(str::to_owned));
    rows.rule();
    for layer in checked.layers() {
        let written = graph.layer(layer.id);
        let own = match &layer.own {
            None => String::new(),
            Some(None) => "none".to_owned(),
            Some(Some(degree)) => degree.to_string(),
        };
        let (params, flops) = (number(layer.cost.params), number(layer.cost.flops));
        let (name, kind) = (written.name.clone(), written.kind.clone());
        rows.row([name, kind, layer.shape.to_string(), params, flops, own]);
    }
    let total = checked.total();
    rows.rule();
    rows.row([
        "total".to_owned(),
        String::new(),
        String::new(),
        grouped(total.params),
        grouped(total.flops),
        checked.exact().joint.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string),
    ]);
    // Long names and shapes give way so that a row fits.
    rows.fit(columns, &[0, 2, 1]);
    let mut text = rows.text();
    let memory = format!(
        "{} + {} per sample in {}, before gradients",
        bytes(total.memory.fixed),
        bytes(total.memory.per_sample),
        if checked.options().bytes == 8 { "f64" } else { "f32" },
    );
    flow(&mut text, "memory: ", &memory, columns);
    text
}

/// What the analysis found, one statement a line.
pub fn verdict(checked: &Checked, sources: &SourceMap, width: usize) -> String {
    let graph = checked.graph();
    let exact = checked.exact();
    let mut out = Lines::new(width);
    out.title(match exact.judgement.mode {
        Mode::Train => "scaling (batch statistics)",
        Mode::Eval => "scaling (running statistics)",
    });
    match checked.failures() {
        [] => out.say("degree one", "every layer, in its own parameters or in its input"),
        failures => {
            for failure in failures {
                let line = sources.position(failure.origin).line;
                out.say(
                    "degree one",
                    &format!("no: `{}`, line {line}: {}", failure.name, failure.reason),
                );
            }
        }
    }
    match &exact.joint {
        Some(degree) => {
            out.say("joint", &format!("degree {degree}: z(c θ) = c^{degree} z(θ) for c > 0"));
        }
        None => refusal(checked, sources, &mut out),
    }
    match &exact.input {
        Some(degree) => out.say("input", &format!("degree {degree}")),
        None => out.say("input", "no degree"),
    }
    match (&exact.weights_one, &exact.joint) {
        (Some(exponents), _) => out.say("quasi", &weights_one(graph, exponents)),
        (None, _) => match &exact.general {
            Some(exponents) => out.say("quasi", &general(graph, exponents)),
            None => out.say("quasi", "no exponents but 0"),
        },
    }
    let silent = exact.symmetries.iter().filter(|symmetry| symmetry.leaves_logits()).count();
    let symmetries = match (exact.symmetries.len(), silent) {
        (0, _) => "none".to_owned(),
        (all, 0) => format!("{all}, moving the logits"),
        (all, silent) => {
            let example = exact.symmetries.iter().find_map(|symmetry| symmetry.conserved(graph));
            let example = example.map_or_else(String::new, |text| format!(", such as {text}"));
            format!("{all}; {silent} leave the logits and conserve {silent} quantities{example}")
        }
    };
    out.say("symmetries", &symmetries);
    out.say("scale-free", &scale_free(graph, exact));
    out.say(
        "size R",
        &match &checked.training().normalizer {
            Ok(normalizer) => normalizer.formula(graph),
            Err(NoNormalizer::NoScale) => "none: no scaling moves the logits".to_owned(),
            Err(NoNormalizer::ScaleOfShift) => "none: the scale follows a bias alone".to_owned(),
        },
    );
    if let Some(used) = checked.normalizer()
        && checked.training().normalizer.as_ref() != Ok(used)
    {
        out.say("loss uses", &used.formula(graph));
    }
    if let Some(bound) = checked.eps_bound() {
        out.title("in the limit eps → 0");
        let limit = checked.limit();
        out.say(
            "joint",
            &limit.joint.as_ref().map_or("no degree".to_owned(), |d| format!("degree {d}")),
        );
        match (&limit.weights_one, &limit.general) {
            (Some(exponents), _) => out.say("quasi", &weights_one(graph, exponents)),
            (None, Some(exponents)) => out.say("quasi", &general(graph, exponents)),
            (None, None) => out.say("quasi", "no exponents but 0"),
        }
        out.say("scale-free", &scale_free(graph, limit));
        out.say(
            "bound",
            &format!(
                "a norm of a value of degree d and variance v has degree at most d·eps/(v + eps) \
                 in place of 0; eps = {}: {:.1e} per degree at v = 1",
                bound.eps,
                bound.degree(1.0, 1.0)
            ),
        );
    }
    out.text
}

fn refusal(checked: &Checked, sources: &SourceMap, out: &mut Lines) {
    let Some((conflict, edits)) = checked.blame(Question::Joint) else {
        return out.say("joint", "no degree");
    };
    let graph = checked.graph();
    for position in &conflict.equations {
        let equation = &checked.exact().degrees.equations[*position];
        let line = sources.position(graph[equation.node].origin).line;
        out.say("joint", &format!("no degree: line {line}: {}", conflict.clash(graph, equation)));
    }
    let shown = checked.shown(checked.exact(), Question::Joint, "all parameters");
    let without = || "no witness: the net is too large to evaluate here (see --numeric)".to_owned();
    out.say("", &shown.unwrap_or_else(without));
    for (_, text) in edits {
        out.say("", &format!("fix: {text}"));
    }
}

fn weights_one(graph: &Graph, exponents: &Exponents) -> String {
    let others: Vec<String> = graph
        .params
        .iter()
        .zip(&exponents.of)
        .filter(|(param, value)| {
            !value.is_one() && !matches!(param.role, ParamRole::Weight | ParamRole::Gain)
        })
        .map(|(param, value)| format!("{} {value}", param.name))
        .collect();
    let rest = if others.is_empty() {
        "all tensors at exponent 1".to_owned()
    } else {
        format!("weights and the rest at 1, {}", shortened(&others))
    };
    format!("degree {} with {rest}", exponents.degree)
}

fn general(graph: &Graph, exponents: &Exponents) -> String {
    let moving: Vec<String> = graph
        .params
        .iter()
        .zip(&exponents.of)
        .filter(|(_, value)| !value.is_zero())
        .map(|(param, value)| format!("{} {value}", param.name))
        .collect();
    format!("degree {} with {}, the rest at 0", exponents.degree, shortened(&moving))
}

fn scale_free(graph: &Graph, scaling: &Scaling) -> String {
    let names: Vec<String> =
        scaling.scale_free().iter().map(|id| graph.param(*id).name.clone()).collect();
    if names.is_empty() { "none".to_owned() } else { shortened(&names) }
}

fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        let _ = write!(text, " and {} more", names.len() - SHOWN);
    }
    text
}

/// The claims tried by numbers, of `all` there are: the worst error, and refusals that no number could illustrate.
pub fn numeric(tried: &[Confirmed], all: usize, width: usize) -> String {
    let mut out = Lines::new(width);
    out.title("numeric check (f64, c = 0.01, 0.5, 2, 3.7)");
    let held = tried.iter().filter(|confirmed| confirmed.claim.degree.is_some());
    let worst = held
        .clone()
        .filter_map(|confirmed| Some((confirmed.worst?, &confirmed.claim.name)))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let count = held.clone().count();
    match worst {
        Some((error, name)) => out
            .say("degrees", &format!("{count} claims, worst relative error {error:.1e} ({name})")),
        None => out.say("degrees", "no claim could be tried"),
    }
    let refused = tried.iter().filter(|confirmed| confirmed.claim.degree.is_none());
    let silent: Vec<String> = refused
        .clone()
        .filter(|confirmed| confirmed.witness.is_none())
        .map(|confirmed| confirmed.claim.name.clone())
        .collect();
    let refused = refused.count();
    out.say(
        "refusals",
        &match silent.as_slice() {
            [] => format!("{refused}, each with a witness"),
            names => format!("{refused}, without a witness: {}", shortened(names)),
        },
    );
    if tried.len() < all {
        let left = all - tried.len();
        out.say("not tried", &format!("{left} claims: the net is too large to evaluate them here"));
    }
    out.text
}

/// Labelled lines, wrapped at the width of the report.
struct Lines {
    text: String,
    width: usize,
}

impl Lines {
    fn new(width: usize) -> Self {
        Self { text: String::new(), width }
    }

    fn title(&mut self, title: &str) {
        let _ = writeln!(self.text, "{title}");
    }

    fn say(&mut self, label: &str, what: &str) {
        flow(&mut self.text, &format!("  {label:<11}"), what, self.width);
    }
}

/// Writes `what` after `lead`, on as many lines of `width` columns as it takes, all under the first word.
fn flow(text: &mut String, lead: &str, what: &str, width: usize) {
    let mut line = lead.to_owned();
    let mut empty = true;
    for word in what.split(' ') {
        let fits = line.chars().count() + 1 + word.chars().count() <= width;
        if !empty && !fits {
            let _ = writeln!(text, "{}", line.trim_end());
            line = " ".repeat(lead.len());
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    let _ = writeln!(text, "{}", line.trim_end());
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}
