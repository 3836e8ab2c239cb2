//! The `train` item.

use super::data::Data;
use crate::diag::{Diagnostics, Span, Spanned, ToDiagnostic};
use crate::model::bind::{
    Bound, Reader, as_call, bind_with, call_span, looks_like, named_row, wrong_type,
};
use crate::model::eval::{describe, eval, unknown_name};
use crate::model::table::{CallRow, Group, Type, alternatives};
use crate::model::{
    LastBatch, Length, ModelError, Optimizer, Places, Schedule, Scope, Sharpness, SharpnessKind,
    Train, Watched, WatchedSplit,
};
use crate::syntax::ast;

pub(super) fn resolve(
    train: &ast::Train,
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<Train> {
    let rule = optimizer(&train.optimizer, scope, errors);
    let entries = entries(train, scope, errors);
    let (rule, entries) = (rule?, entries?);
    Some(Train {
        optimizer: rule.optimizer,
        sharpness: rule.sharpness,
        lr: rule.lr,
        schedule: rule.schedule,
        warmup: rule.warmup,
        batch: entries.batch,
        last_batch: entries.last_batch,
        clip: entries.clip,
        ema: entries.ema,
        best: entries.best,
        patience: entries.patience,
        length: entries.length,
        seeds: entries.seeds,
        well_delta: entries.well_delta,
        places: Places { warmup: rule.warmup_span, schedule: rule.schedule_span, ..entries.places },
    })
}

/// Entries of braces as the arguments of a call, so that one table checks both.
pub(super) fn entries_as_call(
    name: &str,
    span: Span,
    entries: &[ast::Entry],
    row: &CallRow,
    errors: &mut Diagnostics,
) -> Option<ast::Call> {
    let mut args = vec![];
    let mut sound = true;
    for entry in entries {
        let flag = row.param(&entry.key.value).filter(|param| param.ty == Type::Flag);
        let value = match (&entry.value, flag) {
            (Some(value), None) => value.clone(),
            (None, Some(_)) => Spanned::new(ast::ExprKind::Bool(true), entry.key.span),
            (Some(value), Some(param)) => {
                wrong_type(param, looks_like(value), value.span, errors);
                sound = false;
                continue;
            }
            (None, None) => {
                let expected = row
                    .param(&entry.key.value)
                    .map_or_else(|| format!("`{} = value`", entry.key.value), |p| p.ty.words());
                let error = ModelError::WrongType {
                    what: format!("`{}`", entry.key.value),
                    expected,
                    found: "no value".into(),
                    help: Some(format!("write `{} = …`", entry.key.value)),
                    span: entry.key.span,
                };
                errors.push(error.to_diagnostic());
                sound = false;
                continue;
            }
        };
        args.push(ast::Arg { key: Some(entry.key.clone()), value });
    }
    let callee = Spanned::new(name.to_owned(), span);
    sound.then_some(ast::Call { callee, args, parens: true })
}

struct RuleSettings {
    optimizer: Optimizer,
    sharpness: Option<Sharpness>,
    lr: f64,
    schedule: Schedule,
    warmup: u64,
    warmup_span: Span,
    schedule_span: Span,
}

fn optimizer(
    call: &ast::Call,
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<RuleSettings> {
    let name = call.callee.value.as_str();
    let row = named_row(Group::Optimizer, call, errors)?;
    let hint = |key: &str| optimizer_hint(name, key);
    let bound = bind_with(row, call, call_span(call), &hint, errors);
    if matches!(name, "sam" | "asam") {
        return sharpness(&bound, scope, errors);
    }
    let lr;
    let schedule;
    let warmup;
    let rule;
    {
        let mut reader = Reader::new(&bound, scope, errors);
        lr = reader.float("lr");
        warmup = reader.int("warmup");
        rule = update_rule(name, &mut reader);
        schedule = bound
            .given("schedule")
            .map_or(Some(Schedule::Constant), |expr| self::schedule(expr, scope, reader.errors));
    }
    let complete = bound.complete;
    let (optimizer, lr, schedule, warmup) = (rule?, lr?, schedule?, warmup?);
    complete.then_some(RuleSettings {
        optimizer,
        sharpness: None,
        lr,
        schedule,
        warmup: u64::try_from(warmup).unwrap_or(0),
        warmup_span: bound.place("warmup"),
        schedule_span: bound.place("schedule"),
    })
}

fn update_rule(name: &str, reader: &mut Reader<'_, '_>) -> Option<Optimizer> {
    let nesterov = (name == "sgd").then(|| reader.bool("nesterov")).flatten();
    let rule = Optimizer::of(name, |key| reader.float(key), |_| nesterov)?;
    if let Optimizer::Sgd { momentum: 0.0, nesterov: true, .. } = rule {
        let error = ModelError::Conflict {
            title: "`nesterov` needs momentum".into(),
            places: vec![(reader.bound.place("nesterov"), "looks ahead along the momentum".into())],
            expected: "`momentum` above 0 with `nesterov=true`".into(),
            help: "add `momentum=0.9`, or remove `nesterov`".into(),
        };
        reader.errors.push(error.to_diagnostic());
        return None;
    }
    Some(rule)
}

fn sharpness(
    bound: &Bound<'_>,
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<RuleSettings> {
    let adaptive = bound.row.name == "asam";
    let (rho, eta) = {
        let mut reader = Reader::new(bound, scope, errors);
        let rho = reader.float("rho");
        (rho, if adaptive { reader.float("eta") } else { Some(0.0) })
    };
    let expr = bound.given("optimizer")?;
    let inner = as_call(expr).filter(|call| !matches!(call.callee.value.as_str(), "sam" | "asam"));
    let Some(inner) = inner else {
        let rules = Group::Optimizer.names().filter(|name| !matches!(*name, "sam" | "asam"));
        let error = ModelError::WrongType {
            what: "`optimizer`".into(),
            expected: alternatives(rules),
            found: looks_like(expr),
            help: None,
            span: expr.span,
        };
        errors.push(error.to_diagnostic());
        return None;
    };
    let rule = optimizer(inner, scope, errors);
    let kind = if adaptive { SharpnessKind::Asam { eta: eta? } } else { SharpnessKind::Sam };
    let sharpness = Some(Sharpness { kind, rho: rho? });
    bound.complete.then_some(RuleSettings { sharpness, ..rule? })
}

fn optimizer_hint(name: &str, key: &str) -> Option<String> {
    let inside = ["lr", "schedule", "warmup", "momentum", "weight_decay", "nesterov"];
    if matches!(name, "sam" | "asam") && inside.contains(&key) {
        return Some(format!("give it to the optimiser inside: `{name}(sgd({key}=…))`"));
    }
    Group::Train
        .row("train")
        .and_then(|row| row.param(key))
        .map(|_| format!("`{key}` belongs into the braces: `{{ {key} = … }}`"))
}

fn schedule(expr: &ast::Expr, scope: &dyn Scope, errors: &mut Diagnostics) -> Option<Schedule> {
    let Some(call) = as_call(expr) else {
        let row = Group::Optimizer.row("sgd").and_then(|row| row.param("schedule"))?;
        wrong_type(row, looks_like(expr), expr.span, errors);
        return None;
    };
    let row = named_row(Group::Schedule, call, errors)?;
    let bound = bind_with(row, call, expr.span, &|_| None, errors);
    let mut reader = Reader::new(&bound, scope, errors);
    match row.name {
        "step" => {
            let milestones = reader.sizes("milestones");
            let gamma = reader.float("gamma");
            let (milestones, gamma) = (milestones??, gamma?);
            if !milestones.is_sorted_by(|a, b| a < b) {
                let error = ModelError::OutOfRange {
                    what: "`milestones`".into(),
                    value: format!("{milestones:?}"),
                    range: "epochs in ascending order".into(),
                    span: bound.place("milestones"),
                };
                reader.errors.push(error.to_diagnostic());
                return None;
            }
            let milestones = milestones.into_iter().map(|epoch| epoch as u64).collect();
            bound.complete.then_some(Schedule::Step { milestones, gamma })
        }
        "cosine" => bound.complete.then_some(Schedule::Cosine),
        _ => bound.complete.then_some(Schedule::Constant),
    }
}

struct Entries {
    batch: usize,
    last_batch: LastBatch,
    clip: Option<f64>,
    ema: Option<f64>,
    best: Option<Watched>,
    patience: Option<u64>,
    length: Length,
    seeds: Vec<u64>,
    well_delta: Option<f64>,
    places: Places,
}

fn entries(train: &ast::Train, scope: &dyn Scope, errors: &mut Diagnostics) -> Option<Entries> {
    let row = Group::Train.row("train")?;
    let span = train.optimizer.callee.span;
    let call = entries_as_call("train", span, &train.entries, row, errors)?;
    let optimizer = train.optimizer.callee.value.as_str();
    let hint = |key: &str| {
        let inner = if matches!(optimizer, "sam" | "asam") { "sgd" } else { optimizer };
        let outer = Group::Optimizer.row(optimizer).and_then(|row| row.param(key));
        let inside = Group::Optimizer.row(inner).and_then(|row| row.param(key));
        let holder = outer.map_or(inner, |_| optimizer);
        outer.or(inside).map(|_| format!("it belongs to the optimiser: `{holder}({key}=…)`"))
    };
    let bound = bind_with(row, &call, span, &hint, errors);
    let seeds = seeds(&bound, scope, errors);
    let best = keep(&bound, errors);
    let mut reader = Reader::new(&bound, scope, errors);
    let batch = reader.size("batch");
    let last_batch = reader.word("last_batch").map(|word| match word.as_str() {
        "drop" => LastBatch::Drop,
        _ => LastBatch::Keep,
    });
    let clip = reader.optional_float("clip");
    let ema = reader.optional_float("ema");
    let patience = reader.optional_int("patience");
    let epochs = reader.int("epochs");
    let steps = reader.optional_int("steps");
    let well_delta = reader.optional_float("well_delta");
    if bound.given("epochs").is_some() && bound.given("steps").is_some() {
        let error = ModelError::Conflict {
            title: "both `epochs` and `steps` are given".into(),
            places: vec![
                (bound.place("steps"), "ends training".into()),
                (bound.place("epochs"), "ends training, too".into()),
            ],
            expected: "one of the two".into(),
            help: "remove one; `steps` replaces `epochs`".into(),
        };
        errors.push(error.to_diagnostic());
        return None;
    }
    if let (Some(None), Some(_)) = (best, bound.given("patience")) {
        let error = ModelError::Conflict {
            title: "`patience` needs a measure to wait for".into(),
            places: vec![(bound.place("patience"), "ends training when no epoch is better".into())],
            expected: "`patience` with `keep = best(…)`".into(),
            help: "add `keep = best(val.accuracy)`, or remove `patience`".into(),
        };
        errors.push(error.to_diagnostic());
        return None;
    }
    let whole = |value: i64| u64::try_from(value).unwrap_or(0);
    let length = match steps? {
        Some(steps) => Length::Steps(whole(steps)),
        None => Length::Epochs(whole(epochs?)),
    };
    let given = |key: &str| bound.given(key).map(|_| bound.place(key));
    let places = Places {
        batch: bound.place("batch"),
        keep: bound.place("keep"),
        patience: given("patience"),
        seeds: given("seeds"),
        well_delta: given("well_delta"),
        ..Places::at(span)
    };
    let (batch, last_batch, well_delta) = (batch?, last_batch?, well_delta?);
    let (clip, ema, best, patience) = (clip?, ema?, best?, patience?.map(whole));
    bound.complete.then_some(Entries {
        batch,
        last_batch,
        clip,
        ema,
        best,
        patience,
        length,
        seeds: seeds?,
        well_delta,
        places,
    })
}

/// A measure of held-out samples needs some.
pub(super) fn needs_val(train: &Train, data: &Data, errors: &mut Diagnostics) {
    let watches_val = train.best.is_some_and(|best| best.split == WatchedSplit::Val);
    if !watches_val || data.spec.val.is_some() {
        return;
    }
    let error = ModelError::Conflict {
        title: "`keep` looks at samples that are not held out".into(),
        places: vec![
            (train.places.keep, "asks for a measure of `val`".into()),
            (data.span, "holds nothing out".into()),
        ],
        expected: "`val=…` in `data`, or a measure of `test` or `train`".into(),
        help: "hold a part out: `data …(val=0.1)`".into(),
    };
    errors.push(error.to_diagnostic());
}

/// `last`, or `best(val.accuracy)`.
#[expect(clippy::option_option, reason = "the outer one is whether the setting is sound")]
fn keep(bound: &Bound<'_>, errors: &mut Diagnostics) -> Option<Option<Watched>> {
    let Some(expr) = bound.given("keep") else { return Some(None) };
    let call = as_call(expr).map(|call| (call.callee.value.as_str(), call.args.as_slice()));
    match call {
        Some(("last", [])) => return Some(None),
        Some(("best", [arg])) if arg.key.is_none() => {
            let measure = as_call(&arg.value).filter(|call| call.args.is_empty());
            let name = measure.map(|call| call.callee.value.as_str());
            let known = |watched: &Watched| Some(watched.name()) == name;
            if let Some(watched) = Watched::ALL.into_iter().find(known) {
                return Some(Some(watched));
            }
            if let Some(name) = name {
                let known: Vec<_> = Watched::ALL.map(|one| one.name().to_owned()).into();
                unknown_name("measure of an epoch", name, &known, arg.value.span, errors);
                return None;
            }
        }
        Some(_) | None => {}
    }
    wrong_type(bound.row.param("keep")?, looks_like(expr), expr.span, errors);
    None
}

fn seeds(bound: &Bound<'_>, scope: &dyn Scope, errors: &mut Diagnostics) -> Option<Vec<u64>> {
    let Some(expr) = bound.given("seeds") else { return Some(vec![0]) };
    let value = eval(expr, scope, errors)?;
    let items = value.items();
    let mut seeds = vec![];
    for item in &items {
        if let Some(seed) = item.int().and_then(|seed| u64::try_from(seed).ok()) {
            seeds.push(seed);
            continue;
        }
        let error = ModelError::WrongType {
            what: "`seeds`".into(),
            expected: format!("{}, none negative", Type::Seeds.words()),
            found: describe(item),
            help: None,
            span: expr.span,
        };
        errors.push(error.to_diagnostic());
        return None;
    }
    let mut sorted = seeds.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if seeds.is_empty() || sorted.len() != seeds.len() {
        let error = ModelError::OutOfRange {
            what: "`seeds`".into(),
            value: if seeds.is_empty() { "no seed".into() } else { "a seed twice".into() },
            range: "at least one seed, each once".into(),
            span: expr.span,
        };
        errors.push(error.to_diagnostic());
        return None;
    }
    Some(seeds)
}
