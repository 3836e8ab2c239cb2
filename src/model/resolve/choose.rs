//! Overrides that change which items there are: a label of a sweep, a whole item, a `let`, one of several nets.
//!
//! In: the tree as written, and overrides. Out: a tree with at most one `net`, whose parameters are values of the file, and
//! the overrides that are left. What is chosen may come from the command line or from a cell of a sweep.

use super::overrides;
use crate::diag::{Diagnostics, Span, ToDiagnostic};
use crate::model::bind::{as_call, bare_name};
use crate::model::eval::unknown_name;
use crate::model::sweep::key_text;
use crate::model::table::{Group, alternatives};
use crate::model::{ModelError, walk};
use crate::syntax::ast::{
    Arg, AxisValues, Call, ChoiceValue, Expr, IgnoredSpan, Item, ItemKind, Key, Let, Loss, Net,
    Spec, Sweep, SweepLine, Train,
};

/// Applies them; what is left changes settings.
pub(super) fn choose(
    spec: &mut Spec,
    overrides: &[(Key, Expr)],
    errors: &mut Diagnostics,
) -> Vec<(Key, Expr)> {
    let mut left = vec![];
    let mut net = None;
    let all: Vec<_> =
        overrides.iter().flat_map(|(key, value)| labelled(spec, key, value)).collect();
    for (key, value) in all {
        match key.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().as_slice() {
            ["let", _] => replace_let(spec, &key, value, errors),
            ["net"] => net = Some(value),
            [item @ ("data" | "loss" | "train")] => replace_item(spec, item, &value, errors),
            _ => left.push((key, value)),
        }
    }
    choose_net(spec, net.as_ref(), errors);
    left
}

/// What an override sets: where it names a label of an axis, what the sweep says.
fn labelled(spec: &Spec, key: &Key, value: &Expr) -> Vec<(Key, Expr)> {
    let Some(label) = bare_name(value) else { return vec![(key.clone(), value.clone())] };
    let text = key_text(key);
    for item in &spec.items {
        let ItemKind::Sweep(sweep) = &item.kind else { continue };
        for line in &sweep.lines {
            let SweepLine::Axis(axis) = line else { continue };
            let AxisValues::Choices(choices) = &axis.values else { continue };
            if key_text(&axis.key) != text {
                continue;
            }
            let named = |choice: &&crate::syntax::ast::Choice| {
                choice.label.as_ref().is_some_and(|name| name.value == label)
            };
            match choices.iter().find(named).map(|choice| &choice.value) {
                Some(ChoiceValue::Value(value)) => return vec![(key.clone(), value.clone())],
                Some(ChoiceValue::Bundle(settings)) => {
                    return settings.iter().map(|s| (s.key.clone(), s.value.clone())).collect();
                }
                None => {}
            }
        }
    }
    vec![(key.clone(), value.clone())]
}

fn replace_let(spec: &mut Spec, key: &Key, value: Expr, errors: &mut Diagnostics) {
    let name = &key[1];
    let mut known = vec![];
    for item in &mut spec.items {
        if let ItemKind::Let(binding) = &mut item.kind {
            if binding.name.value == name.value {
                binding.value = value;
                return;
            }
            known.push(format!("let.{}", binding.name.value));
        }
    }
    errors.push(overrides::unknown(key, known));
}

/// Puts a call in the place of an item, or adds the item where the spec leaves it to the sweep.
fn replace_item(spec: &mut Spec, item: &str, value: &Expr, errors: &mut Diagnostics) {
    let Some(call) = as_call(value) else {
        errors.push(not_a_call(item, value).to_diagnostic());
        return;
    };
    for found in &mut spec.items {
        match (&mut found.kind, item) {
            (ItemKind::Data(head), "data") => return head.clone_from(call),
            (ItemKind::Loss(loss), "loss") if loss.body.is_none() => {
                return loss.head.clone_from(call);
            }
            (ItemKind::Train(train), "train") => return train.optimizer.clone_from(call),
            _ => {}
        }
    }
    let kind = match item {
        "data" => ItemKind::Data(call.clone()),
        "loss" => ItemKind::Loss(Loss { head: call.clone(), body: None }),
        _ => ItemKind::Train(Train { optimizer: call.clone(), entries: vec![] }),
    };
    spec.items.push(Item { docs: vec![], kind, span: IgnoredSpan(value.span) });
}

fn not_a_call(item: &str, value: &Expr) -> ModelError {
    let example = match item {
        "data" => "digits",
        "net" => "the name of a `net` of the file",
        "loss" => "two_scale(delta=0.1)",
        _ => "sgd(lr=0.1)",
    };
    ModelError::WrongType {
        what: format!("`{item}`"),
        expected: format!("what may stand behind the keyword, such as `{example}`"),
        found: crate::model::bind::looks_like(value),
        help: None,
        span: value.span,
    }
}

/// Keeps the net that is chosen, or the only one, and makes its parameters values of the file.
fn choose_net(spec: &mut Spec, chosen: Option<&Expr>, errors: &mut Diagnostics) {
    let call = match chosen.map(|value| (as_call(value), value)) {
        Some((None, value)) => {
            errors.push(not_a_call("net", value).to_diagnostic());
            return;
        }
        Some((call, _)) => call,
        None => None,
    };
    if let Some(call) = call {
        let nets = || spec.items.iter().filter_map(|item| as_net(&item.kind));
        if !nets().any(|net| net.head.callee.value == call.callee.value) {
            let known: Vec<String> = nets().map(|net| net.head.callee.value.clone()).collect();
            unknown_name("net", &call.callee.value, &known, call.callee.span, errors);
            return;
        }
        spec.items.retain(|item| {
            as_net(&item.kind).is_none_or(|net| net.head.callee.value == call.callee.value)
        });
    }
    let mut lets = vec![];
    for item in &mut spec.items {
        if let ItemKind::Net(net) = &mut item.kind {
            lets.extend(parameters(net, call, errors));
        }
    }
    spec.items.extend(lets);
}

fn as_net(kind: &ItemKind) -> Option<&Net> {
    if let ItemKind::Net(net) = kind { Some(net) } else { None }
}

fn as_sweep(kind: &ItemKind) -> Option<&Sweep> {
    if let ItemKind::Sweep(sweep) = kind { Some(sweep) } else { None }
}

/// Takes the parameters out of the head of a net: what is no option of nets and is used in its body.
fn parameters(net: &mut Net, call: Option<&Call>, errors: &mut Diagnostics) -> Vec<Item> {
    let options: Vec<&str> = Group::Net
        .row("net")
        .map_or(vec![], |row| row.params.iter().map(|param| param.name).collect());
    let mut used = std::collections::BTreeSet::new();
    walk::names_of_body(&net.body, &mut used);
    let mut params: Vec<(String, Span, Option<Expr>)> = vec![];
    net.head.args.retain(|arg| {
        let (name, span, default) = match &arg.key {
            Some(key) => (key.value.as_str(), key.span, Some(arg.value.clone())),
            None => match bare_name(&arg.value) {
                Some(name) => (name, arg.value.span, None),
                None => return true,
            },
        };
        let is_parameter = !options.contains(&name) && used.contains(name);
        if is_parameter {
            params.push((name.to_owned(), span, default));
        }
        !is_parameter
    });
    let mut positions = 0;
    for Arg { key, value } in call.map_or(&[][..], |call| &call.args) {
        let place = if let Some(key) = key {
            params.iter().position(|(name, ..)| *name == key.value)
        } else {
            positions += 1;
            (positions <= params.len()).then(|| positions - 1)
        };
        if let Some(place) = place {
            params[place].2 = Some(value.clone());
        } else {
            // An option, or an argument that the head is told not to have.
            net.head.parens = true;
            net.head.args.retain(|arg| arg.key.is_none() || arg.key != *key);
            net.head.args.push(Arg { key: key.clone(), value: value.clone() });
        }
    }
    let mut lets = vec![];
    for (name, span, value) in params {
        let Some(value) = value else {
            let error = ModelError::MissingArgument {
                callee: net.head.callee.value.clone(),
                key: name.clone(),
                doc: "a parameter of the net without a default".to_owned(),
                signature: format!("{}({name}=…)", net.head.callee.value),
                span,
            };
            errors.push(error.to_diagnostic());
            continue;
        };
        let name = crate::diag::Spanned::new(name, span);
        let kind = ItemKind::Let(Let { name, value });
        lets.push(Item { docs: vec![], kind, span: IgnoredSpan(span) });
    }
    lets
}

/// What a sweep offers for an item: `loss=single` or `loss=two`.
pub(super) fn offers(spec: &Spec, item: &str) -> Option<String> {
    let sweeps = spec.items.iter().filter_map(|item| as_sweep(&item.kind));
    let axes = sweeps.flat_map(|sweep| &sweep.lines).filter_map(|line| match line {
        SweepLine::Axis(axis) => Some(axis),
        SweepLine::Where { .. } => None,
    });
    let axis = axes.into_iter().find(|axis| key_text(&axis.key) == item)?;
    let AxisValues::Choices(choices) = &axis.values else { return None };
    let labels = choices.iter().map(|choice| match (&choice.label, &choice.value) {
        (Some(label), _) => format!("{item}={}", label.value),
        (None, ChoiceValue::Value(value)) => format!("{item}={}", crate::syntax::print_expr(value)),
        (None, ChoiceValue::Bundle(_)) => format!("{item}=…"),
    });
    let labels: Vec<String> = labels.collect();
    Some(alternatives(labels.iter().map(String::as_str)))
}
