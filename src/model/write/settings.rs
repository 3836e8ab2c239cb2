//! A spec as keys with their values, to see in what two of them differ.

use std::collections::BTreeMap;

use crate::syntax::ast::{Arg, Call, ExprKind, Item, ItemKind, Spec};
use crate::syntax::{self, print_expr};

/// Every setting of what is trained, by key: `data.normalize`, `train.lr`, `net.body`, or `block wide`.
pub fn settings(spec: &Spec) -> BTreeMap<String, String> {
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
                for entry in &train.entries {
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
    found
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
