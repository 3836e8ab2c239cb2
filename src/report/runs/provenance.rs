//! Where a run comes from: what makes it this run, and where it was made.

use serde_json::Value;

use super::material::Member;
use crate::experiment::duration;
use crate::report::page::{Block, Section};
use crate::store::{StoreError, read_json};

/// The largest `env.json` that is read, 1 MiB.
const MAX_BYTES: u64 = 1 << 20;

/// The section.
///
/// # Errors
/// [`StoreError`] where `run.json` or `env.json` is damaged.
pub(super) fn section(member: &Member) -> Result<Section, StoreError> {
    let section = Section::new("provenance", "Provenance", "");
    let Some(row) = &member.row else {
        let place = vec![("file".to_owned(), member.name.clone())];
        return Ok(section.with(Block::List(place)));
    };
    let mut pairs = vec![
        ("place".to_owned(), member.name.clone()),
        ("state".to_owned(), row.state.name().to_owned()),
    ];
    if row.seconds > 0.0 {
        pairs.push(("time of training".to_owned(), duration(row.seconds)));
    }
    for file in ["run.json", "env.json"] {
        let document: Option<Value> = read_json(&row.run.path().join(file), MAX_BYTES)?;
        if let Some(document) = document {
            flatten("", &document, &mut pairs);
        }
    }
    Ok(section.with(Block::List(pairs)))
}

/// Names with values, those inside others after their names.
fn flatten(name: &str, value: &Value, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| *key != "schema") {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&name, value, out);
            }
        }
        Value::Null => {}
        Value::String(text) => out.push((name.to_owned(), text.clone())),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            out.push((name.to_owned(), value.to_string()));
        }
    }
}
