//! In what the specs of two groups differ, by keys of the language.

use std::collections::BTreeMap;

use serde::Serialize;

use super::RunGroup;
use crate::diag::FileId;
use crate::store::{StoreError, read_text};
use crate::syntax::ast::{Arg, Call, ExprKind, Item, ItemKind, Spec};
use crate::syntax::{self, print_expr};

/// The largest `resolved.net` that is read: what the parser takes.
const MAX_BYTES: u64 = 1 << 20;

/// A key with the value that each group has there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Differing {
    /// `data.normalize`, `train.lr`, `net`, or `block wide`.
    pub key: String,
    /// By group; nothing where a group does not have it, or where its runs differ among themselves.
    pub values: Vec<Option<String>>,
}

/// The keys in which resolved specs of groups differ. Groups without specs differ in nothing.
pub(super) fn differing(groups: &[RunGroup]) -> Result<Vec<Differing>, StoreError> {
    let mut settings: Vec<Option<BTreeMap<String, String>>> = vec![];
    for group in groups {
        let mut own: Option<BTreeMap<String, String>> = None;
        for row in group.rows() {
            let found = of_spec(&row.run.path().join("resolved.net"))?;
            match &mut own {
                None => own = Some(found),
                // What differs within a group is none of its values.
                Some(own) => own.retain(|key, value| found.get(key) == Some(value)),
            }
        }
        settings.push(own);
    }
    let mut keys: Vec<&String> = settings.iter().flatten().flat_map(BTreeMap::keys).collect();
    keys.sort();
    keys.dedup();
    let value = |own: &Option<BTreeMap<String, String>>, key: &str| own.as_ref()?.get(key).cloned();
    let entry = |key: &String| Differing {
        key: key.clone(),
        values: settings.iter().map(|own| value(own, key)).collect(),
    };
    let differs = |entry: &Differing| {
        let mut known = entry.values.iter().zip(&settings).filter(|(_, own)| own.is_some());
        let first = known.next().map(|(value, _)| value);
        known.any(|(value, _)| Some(value) != first)
    };
    Ok(keys.into_iter().map(entry).filter(differs).collect())
}

/// Every setting of a resolved spec but its seeds, by key.
fn of_spec(path: &std::path::Path) -> Result<BTreeMap<String, String>, StoreError> {
    let (spec, problems) = syntax::parse(FileId(0), &read_text(path, MAX_BYTES)?);
    if let Some(problem) = problems.first() {
        return Err(StoreError::damaged(path, problem.title.clone()));
    }
    let mut found = BTreeMap::new();
    for item in &spec.items {
        match &item.kind {
            ItemKind::Data(call) => of_call("data", call, &mut found),
            ItemKind::Loss(loss) if loss.body.is_none() => of_call("loss", &loss.head, &mut found),
            ItemKind::Net(net) => {
                of_call("net", &net.head, &mut found);
                found.insert("net.body".to_owned(), body(item));
            }
            ItemKind::Train(train) => {
                of_call("train", &train.optimizer, &mut found);
                for entry in train.entries.iter().filter(|entry| entry.key.value != "seeds") {
                    let value = entry.value.as_ref().map_or_else(String::new, print_expr);
                    found.insert(format!("train.{}", entry.key.value), value);
                }
            }
            ItemKind::Let(binding) => {
                found.insert(format!("let.{}", binding.name.value), print_expr(&binding.value));
            }
            ItemKind::Block(block) => {
                found.insert(format!("block {}", block.name.value), body(item));
            }
            ItemKind::Loss(loss) => {
                found.insert(format!("loss {}", loss.head.callee.value), body(item));
            }
            // They change nothing of what is trained.
            ItemKind::Analyze(_)
            | ItemKind::Import(_)
            | ItemKind::Assert(_)
            | ItemKind::Sweep(_)
            | ItemKind::Claim(_) => {}
        }
    }
    Ok(found)
}

fn of_call(item: &str, call: &Call, found: &mut BTreeMap<String, String>) {
    found.insert(item.to_owned(), call.callee.value.clone());
    for (place, Arg { key, value }) in call.args.iter().enumerate() {
        let key = key.as_ref().map_or_else(|| place.to_string(), |key| key.value.clone());
        // The inner optimiser of SAM is part of `train`.
        if let ExprKind::Call(inner) = &value.value
            && item == "train"
            && key == "0"
        {
            of_call("train.optimizer", inner, found);
        } else {
            found.insert(format!("{item}.{key}"), print_expr(value));
        }
    }
}

/// An item as it is printed, on one line.
fn body(item: &Item) -> String {
    let text = syntax::print(&Spec { items: vec![item.clone()] });
    let text = text.split_once('{').map_or(text.as_str(), |(_, body)| body);
    text.trim_end().trim_end_matches('}').split_whitespace().collect::<Vec<_>>().join(" ")
}
