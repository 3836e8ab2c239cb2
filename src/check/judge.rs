//! The driver of the stage: a graph becomes [`Checked`], and its spec is told what does not hold.

use std::collections::{BTreeMap, BTreeSet};

use super::blame::{Conflict, Question, violated};
use super::edit::{Edit, apply, is_smooth};
use super::layerwise::{Failure, failures};
use super::rules::Judgement;
use super::single::single_values;
use super::size::{normalizer, not_invariant};
use super::witness::{tell_inside, tell_witness};
use super::{Checked, Options, assertion, facts};
use crate::diag::{Code, Diagnostic, Diagnostics, Severity};
use crate::ir::{ClassOp, Graph, NodeId, Op};
use crate::model::{Form, Permission, Spec};

/// What a witness of the joint degree scales.
const ALL: &str = "all parameters";

/// Most layers or places named in one message, so that it stays readable.
const NAMES: usize = 8;

/// A checked graph with what there is to say about it.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The facts, also where an error was found.
    pub checked: Checked,
    /// Whether there is no error.
    pub sound: bool,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// The facts of a graph and what its spec makes of them; `None` where the graph has no output `logits`.
pub fn judge(graph: Graph, spec: &Spec, options: impl Into<Options>) -> Option<Verdict> {
    let logits = graph.output("logits")?;
    let mut diagnostics = vec![];
    let mut checked = facts(graph, logits, options.into());
    let scaled = spec.loss.form != Form::Plain;
    let allowed = spec.net.allow.contains(&Permission::Nonhomogeneous);
    diagnostics.extend(degree_one(&checked, scaled, allowed));
    match normalizer(checked.graph(), &spec.loss) {
        Ok(found) => {
            if let (Some(size), Some(found)) = (spec.loss.size, &found) {
                let training = checked.training();
                let graph = checked.graph();
                let warning = not_invariant(graph, training, &spec.loss, size, found);
                diagnostics.extend(warning);
            }
            checked.normalizer = found;
        }
        Err(errors) => diagnostics.extend(errors.into_iter().map(|e| without_size(&checked, e))),
    }
    if scaled && !allowed && diagnostics.is_empty() {
        diagnostics.extend(no_degree(&checked, spec));
    }
    diagnostics.extend(assertion::check(&checked, &spec.asserts));
    diagnostics.extend(single_values(checked.graph(), spec));
    let sound = diagnostics.iter().all(|d| d.severity() != Severity::Error);
    Some(Verdict { checked, sound, diagnostics })
}

/// Adds to the refusal of R what scaling all parameters does to the logits.
fn without_size(checked: &Checked, error: Diagnostic) -> Diagnostic {
    let training = checked.training();
    let shown = match training.joint {
        Some(_) => checked.shown_unmoved(),
        None => checked.shown(training, Question::Joint, ALL),
    };
    match shown {
        Some(text) => error.note(text),
        None => error,
    }
}

fn degree_one(checked: &Checked, scaled: bool, allowed: bool) -> Diagnostics {
    if allowed || checked.failures().is_empty() {
        return vec![];
    }
    let mut found: Diagnostics = vec![];
    if !scaled {
        let count = checked.failures().len();
        let title = match count {
            1 => format!("`{}` breaks degree one", checked.failures()[0].name),
            _ => format!("{count} layers break degree one"),
        };
        let mut warning = Diagnostic::new(Code::W0401, title);
        for alike in by_place(checked.failures()).iter().take(NAMES) {
            warning = warning.label(alike[0].origin, alike[0].reason.clone());
        }
        return vec![
            warning.note("the logits are not positively homogeneous in the parameters (8)"),
        ];
    }
    let (graph, exact) = (checked.graph(), checked.exact());
    let fixed = fixed_by_relu(checked);
    let clashes = clashes(checked);
    let mut budget = checked.options().budget;
    for alike in by_place(checked.failures()) {
        let failure = alike[0];
        let title = match alike.len() - 1 {
            0 => format!("`{}` breaks degree one", failure.name),
            others => format!("`{}` and {others} more layers break degree one", failure.name),
        };
        let mut error = Diagnostic::new(Code::E0401, title)
            .label(failure.origin, failure.reason.clone())
            .expected("each layer of degree one in its parameters or its input (8)");
        if let [_, others @ ..] = &alike[..]
            && !others.is_empty()
        {
            let named = others.iter().take(NAMES).map(|other| format!("`{}`", other.name));
            let dots = (others.len() > NAMES).then(|| "…".to_owned());
            let names: Vec<_> = named.chain(dots).collect();
            error = error.note(format!("the same holds for {}", names.join(", ")));
        }
        if let Some(conflict) = failure.nodes.iter().find_map(|node| clashes.get(node)) {
            let (clash, others) = conflict.lines(graph, exact);
            error =
                error.note(clash.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("; "));
            for (span, text) in others.into_iter().filter(|(span, _)| *span != failure.origin) {
                error = error.label(span, text);
            }
        }
        let at_logits = checked.joint_witness().filter(|_| found.is_empty());
        if let Some(witness) = at_logits {
            error = error.note(tell_witness(witness, ALL));
        } else if let Some((node, witness)) =
            checked.witness_inside(exact, Question::Joint, Some(&failure.nodes), &mut budget)
        {
            error = error.note(tell_inside(graph, node, &witness, ALL));
        }
        for (text, instead) in remedies(checked, failure, &fixed) {
            error = match instead {
                Some(layer) => error.fix(text, failure.origin, layer),
                None => error.help(text),
            };
        }
        found.push(error.help("or accept it: `allow=[nonhomogeneous]` in the head of the net"));
    }
    found
}

/// Failures with those of the same call in the spec, which a block or a `repeat` makes many layers of, in order.
fn by_place(failures: &[Failure]) -> Vec<Vec<&Failure>> {
    let mut places: Vec<Vec<&Failure>> = vec![];
    for failure in failures {
        let same = |known: &&mut Vec<&Failure>| {
            known[0].origin == failure.origin && known[0].reason == failure.reason
        };
        match places.iter_mut().find(same) {
            Some(place) => place.push(failure),
            None => places.push(vec![failure]),
        }
    }
    places
}

/// The equations that break the joint degree, each a conflict of its own, by the operation that asks for it.
fn clashes(checked: &Checked) -> BTreeMap<NodeId, Conflict> {
    violated(checked.graph(), checked.exact(), Question::Joint)
        .map(|(i, node)| (node, Conflict { question: Question::Joint, equations: vec![i] }))
        .collect()
}

/// Layers that no longer break degree one once all smooth activations are `relu`. The check looks at each layer alone, so each
/// of these edits helps its own layer whether the others are made or not.
fn fixed_by_relu(checked: &Checked) -> BTreeSet<String> {
    let graph = checked.graph();
    let nodes = checked.failures().iter().flat_map(|failure| &failure.nodes);
    let smooth = nodes.copied().filter(|id| is_smooth(&graph[*id].op)).collect();
    let broken = failing(graph, &Edit::ToRelu(smooth), checked.exact().judgement);
    let names = checked.failures().iter().map(|failure| &failure.name);
    match broken {
        Some(broken) => names.filter(|name| !broken.contains(*name)).cloned().collect(),
        None => BTreeSet::new(),
    }
}

/// The layers that break degree one after an edit.
fn failing(graph: &Graph, edit: &Edit, judgement: Judgement) -> Option<BTreeSet<String>> {
    let edited = apply(graph, edit)?;
    let logits = edited.output("logits")?;
    Some(failures(&edited, logits, judgement).into_iter().map(|failure| failure.name).collect())
}

/// Edits after which a layer no longer breaks degree one, with the layer that takes its place.
fn remedies(
    checked: &Checked,
    failure: &Failure,
    fixed: &BTreeSet<String>,
) -> Vec<(String, Option<&'static str>)> {
    let graph = checked.graph();
    let mut texts = vec![];
    for id in &failure.nodes {
        let op = &graph[*id].op;
        if is_smooth(op) && fixed.contains(&failure.name) {
            texts.push((format!("replace {} by `relu`", op.word()), Some("relu")));
        } else if *op == Op::Class(ClassOp::Softmax) {
            let broken = failing(graph, &Edit::Remove(*id), checked.exact().judgement);
            if broken.is_some_and(|broken| !broken.contains(&failure.name)) {
                texts.push(("leave out this `softmax`".to_owned(), None));
            }
        }
    }
    texts
}

/// A warning where neither the net as it is nor its limit has quasi-homogeneous exponents.
fn no_degree(checked: &Checked, spec: &Spec) -> Option<Diagnostic> {
    let exponents =
        [checked.exact(), checked.limit(), checked.training()].map(|s| s.weights_one.is_some());
    if exponents.contains(&true) || checked.exact().joint.is_some() {
        return None;
    }
    let (conflict, edits) = checked.blame(Question::WeightsOne)?;
    let title = "the logits have no degree in the weights";
    let mut warning =
        conflict.tell(checked.graph(), checked.exact(), Diagnostic::new(Code::W0403, title));
    warning = warning.label(spec.loss.span, "this loss divides by a size of the weights");
    if let Some(text) = checked.shown(checked.exact(), Question::Joint, ALL) {
        warning = warning.note(text);
    }
    for (_, text) in edits {
        warning = warning.help(text);
    }
    Some(warning)
}
