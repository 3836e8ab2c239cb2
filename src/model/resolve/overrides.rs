//! `train.epochs=2` on the command line: written into the decided tree before any setting is read.

use super::decide::taken;
use crate::diag::{Diagnostic, Diagnostics, ToDiagnostic, nearest};
use crate::model::bind::as_call;
use crate::model::sweep::{key_span, key_text};
use crate::model::table::{CallRow, Group};
use crate::model::{ModelError, Scope};
use crate::syntax::ast::{Arg, Call, Entry, Expr, ExprKind, ItemKind, Key, Name, Spec};

pub(super) fn apply(
    spec: &mut Spec,
    overrides: &[(Key, Expr)],
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) {
    for (path, value) in overrides {
        let Some(value) = taken(value, scope, errors) else { continue };
        if let Some(known) = write(spec, path, &value) {
            errors.push(unknown(path, known));
        }
    }
}

/// Writes one override; where its key is unknown, returns the known ones.
fn write(spec: &mut Spec, path: &Key, value: &Expr) -> Option<Vec<String>> {
    let sections = || Some(["data", "net", "loss", "train"].map(|s| format!("{s}.…")).to_vec());
    let [section, rest @ ..] = path.as_slice() else { return sections() };
    if rest.is_empty() {
        return sections();
    }
    let definitions: Vec<(String, Vec<String>)> = spec
        .items
        .iter()
        .filter_map(|item| {
            let ItemKind::Loss(loss) = &item.kind else { return None };
            let parameters = || (loss.head.callee.value.clone(), parameter_names(&loss.head));
            loss.body.is_some().then(parameters)
        })
        .collect();
    for item in &mut spec.items {
        match (&mut item.kind, section.value.as_str()) {
            (ItemKind::Data(call), "data") => {
                return plain(
                    call,
                    Group::Data.row(&call.callee.value.clone()),
                    rest,
                    value,
                    "data",
                );
            }
            (ItemKind::Net(net), "net") => {
                return plain(&mut net.head, Group::Net.row("net"), rest, value, "net");
            }
            (ItemKind::Train(train), "train") => {
                return in_train(&mut train.optimizer, &mut train.entries, rest, value);
            }
            (ItemKind::Loss(loss), "loss") if loss.body.is_none() => {
                return in_loss(&mut loss.head, rest, value, &definitions, "loss");
            }
            (
                ItemKind::Data(_)
                | ItemKind::Net(_)
                | ItemKind::Train(_)
                | ItemKind::Loss(_)
                | ItemKind::Block(_)
                | ItemKind::Analyze(_)
                | ItemKind::Let(_)
                | ItemKind::Import(_)
                | ItemKind::Assert(_)
                | ItemKind::Claim(_)
                | ItemKind::Sweep(_),
                _,
            ) => {}
        }
    }
    match section.value.as_str() {
        // The missing item is reported for itself.
        "data" | "net" | "loss" | "train" => None,
        _ => sections(),
    }
}

fn plain(
    call: &mut Call,
    row: Option<&'static CallRow>,
    rest: &[Name],
    value: &Expr,
    section: &str,
) -> Option<Vec<String>> {
    // An unknown source is reported for itself.
    let row = row?;
    match rest {
        [key] if row.param(&key.value).is_some() => {
            set(call, row, key, value);
            None
        }
        _ => Some(keys(section, row)),
    }
}

fn in_train(
    optimizer: &mut Call,
    entries: &mut Vec<Entry>,
    rest: &[Name],
    value: &Expr,
) -> Option<Vec<String>> {
    let row = Group::Train.row("train")?;
    let outer = Group::Optimizer.row(&optimizer.callee.value)?;
    let mut known = keys("train", row);
    known.extend(keys("train", outer));
    let [key] = rest else { return Some(known) };
    if row.param(&key.value).is_some() {
        // The length given last replaces the other one.
        let other = match key.value.as_str() {
            "epochs" => "steps",
            "steps" => "epochs",
            _ => "",
        };
        entries.retain(|entry| entry.key.value != other && entry.key.value != key.value);
        entries.push(Entry { key: key.clone(), value: Some(value.clone()) });
        return None;
    }
    if outer.param(&key.value).is_some() {
        set(optimizer, outer, key, value);
        return None;
    }
    let inner = optimizer
        .args
        .iter_mut()
        .find(|arg| arg.key.as_ref().is_none_or(|key| key.value == "optimizer"))
        .and_then(|arg| as_call_mut(&mut arg.value));
    if let Some(inner) = inner
        && outer.param("optimizer").is_some()
        && let Some(row) = Group::Optimizer.row(&inner.callee.value)
    {
        if row.param(&key.value).is_some() {
            set(inner, row, key, value);
            return None;
        }
        known.extend(keys("train", row));
    }
    Some(known)
}

fn in_loss(
    call: &mut Call,
    rest: &[Name],
    value: &Expr,
    definitions: &[(String, Vec<String>)],
    section: &str,
) -> Option<Vec<String>> {
    let name = call.callee.value.clone();
    let own = definitions.iter().find(|(defined, _)| *defined == name).map(|(_, params)| params);
    let row = Group::Loss.row(&name);
    if own.is_none() && row.is_none() {
        return None;
    }
    let names: Vec<String> = match (own, row) {
        (Some(params), _) => params.clone(),
        (None, row) => {
            row.into_iter().flat_map(|row| row.params).map(|p| p.name.to_owned()).collect()
        }
    };
    let mut known: Vec<String> = names.iter().map(|name| format!("{section}.{name}")).collect();
    match rest {
        [key] if names.contains(&key.value) => {
            let position = names.iter().position(|name| *name == key.value);
            let positional = own.is_some()
                || row.and_then(|row| row.param(&key.value)).is_some_and(|p| p.positional);
            set_at(call, position.filter(|_| positional), key, value);
            None
        }
        [base, inner @ ..] if base.value == "base" && !inner.is_empty() && row.is_some() => {
            let path = format!("{section}.base");
            let arg = call
                .args
                .iter_mut()
                .find(|arg| arg.key.as_ref().is_some_and(|key| key.value == "base"));
            match arg.and_then(|arg| as_call_mut(&mut arg.value)) {
                Some(base) => in_loss(base, inner, value, definitions, &path),
                None => Some(known),
            }
        }
        _ => {
            let base = call
                .args
                .iter()
                .find(|arg| arg.key.as_ref().is_some_and(|key| key.value == "base"))
                .and_then(|arg| as_call(&arg.value));
            if let Some(base) = base {
                let params = Group::Loss.row(&base.callee.value);
                let params = params.into_iter().flat_map(|row| row.params);
                known.extend(params.map(|param| format!("{section}.base.{}", param.name)));
            }
            Some(known)
        }
    }
}

fn parameter_names(head: &Call) -> Vec<String> {
    head.args
        .iter()
        .filter_map(|arg| match (&arg.key, &arg.value.value) {
            (Some(key), _) => Some(key.value.clone()),
            (None, ExprKind::Call(call)) => Some(call.callee.value.clone()),
            (None, _) => None,
        })
        .collect()
}

fn as_call_mut(expr: &mut Expr) -> Option<&mut Call> {
    if let ExprKind::Call(call) = &mut expr.value { Some(call) } else { None }
}

fn set(call: &mut Call, row: &CallRow, key: &Name, value: &Expr) {
    let position = row.positional().position(|param| param.name == key.value);
    set_at(call, position, key, value);
}

fn set_at(call: &mut Call, position: Option<usize>, key: &Name, value: &Expr) {
    call.parens = true;
    let keyed = call
        .args
        .iter()
        .position(|arg| arg.key.as_ref().is_some_and(|other| other.value == key.value));
    let place = keyed.or_else(|| {
        let mut plain = call.args.iter().enumerate().filter(|(_, arg)| arg.key.is_none());
        position.and_then(|position| plain.nth(position)).map(|(place, _)| place)
    });
    match place {
        Some(place) => call.args[place].value = value.clone(),
        None => call.args.push(Arg { key: Some(key.clone()), value: value.clone() }),
    }
}

fn keys(section: &str, row: &CallRow) -> Vec<String> {
    row.params.iter().map(|param| format!("{section}.{}", param.name)).collect()
}

pub(super) fn unknown(path: &Key, known: Vec<String>) -> Diagnostic {
    let (key, span) = (key_text(path), key_span(path));
    let near = nearest(&key, known.iter().map(String::as_str)).map(str::to_owned);
    ModelError::UnknownKey { key, nearest: near, known, span }.to_diagnostic()
}
