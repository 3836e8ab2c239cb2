//! A measure by its path: `test.accuracy`, `test.close_enough(0.05)`, `R`, `scales.r2`, `train.accuracy(epoch=10)`.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// A path into `summary.json`, or into the epochs of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    parts: Vec<Part>,
    epoch: Option<u64>,
}

/// A field, and where it has points the one that is meant.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    name: String,
    at: Option<f64>,
}

/// Which samples a share counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Counted {
    /// Those with a positive margin.
    Correct,
    /// Those whose label is at most so much less probable than the best class.
    CloseEnough(f64),
}

/// The text is no path of a measure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no measure; expected a path such as test.accuracy, test.close_enough(0.05), R or train.loss(epoch=10)"
)]
pub struct NoMeasure(String);

impl FromStr for Measure {
    type Err = NoMeasure;

    fn from_str(text: &str) -> Result<Self, NoMeasure> {
        parse(text.trim()).ok_or_else(|| NoMeasure(text.trim().to_owned()))
    }
}

fn parse(text: &str) -> Option<Measure> {
    let mut measure = Measure { parts: vec![], epoch: None };
    let mut rest = text;
    loop {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        if name.is_empty() || measure.epoch.is_some() {
            return None;
        }
        rest = behind;
        let mut at = None;
        while let Some(inside) = rest.strip_prefix('(') {
            let (argument, behind) = inside.split_once(')')?;
            rest = behind;
            match argument.split_once('=') {
                Some((key, epoch)) if key.trim() == "epoch" && measure.epoch.is_none() => {
                    measure.epoch = Some(epoch.trim().parse().ok().filter(|epoch| *epoch > 0)?);
                }
                None if at.is_none() => at = Some(argument.trim().parse::<f64>().ok()?),
                Some(_) | None => return None,
            }
        }
        measure.parts.push(Part { name: name.to_owned(), at });
        if rest.is_empty() {
            return Some(measure);
        }
        rest = rest.strip_prefix('.')?;
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Part { name, at }) in self.parts.iter().enumerate() {
            let dot = if i == 0 { "" } else { "." };
            write!(f, "{dot}{name}")?;
            if let Some(at) = at {
                write!(f, "({at})")?;
            }
        }
        self.epoch.map_or(Ok(()), |epoch| write!(f, "(epoch={epoch})"))
    }
}

impl Measure {
    /// The epoch, where it is a path into the epochs of `metrics.jsonl`.
    pub fn epoch(&self) -> Option<u64> {
        self.epoch
    }

    /// What it counts sample by sample, where it is a share of the samples of a split.
    pub fn counted(&self) -> Option<(&str, Counted)> {
        let [split, what] = self.parts.as_slice() else { return None };
        let counted = match (what.name.as_str(), what.at) {
            ("accuracy", None) => Counted::Correct,
            ("close_enough", Some(a)) => Counted::CloseEnough(a),
            _ => return None,
        };
        (self.epoch.is_none() && split.at.is_none()).then_some((&split.name, counted))
    }

    /// Its value in a document.
    pub fn find(&self, document: &Value) -> Option<f64> {
        let mut here = document;
        for Part { name, at } in &self.parts {
            here = here.get(name)?;
            let Some(at) = at else { continue };
            here = match here {
                Value::Object(points) => {
                    let is_it = |key: &str| key.parse::<f64>().is_ok_and(|key| key == *at);
                    points.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value)?
                }
                Value::Array(points) => {
                    points.iter().find(|point| point["mu"].as_f64() == Some(*at))?
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
            };
        }
        here.as_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_printed_and_followed() {
        let document = serde_json::json!({
            "R": 3.5,
            "test": {
                "close_enough": { "0": 1.0, "0.05": 0.25 },
                "margin": { "mean": 2.0, "quantiles": { "0.5": 1.5 } },
                "masses": [{ "mu": 0.1, "well": 0.75 }],
            },
        });
        for (path, value) in [
            ("R", Some(3.5)),
            ("test.close_enough(0.05)", Some(0.25)),
            ("test.close_enough(0.07)", None),
            ("test.margin.mean", Some(2.0)),
            ("test.margin.quantiles(0.5)", Some(1.5)),
            ("test.masses(0.1).well", Some(0.75)),
            ("test.close_enough", None),
            ("train.accuracy", None),
        ] {
            let measure: Measure = path.parse().unwrap();
            assert_eq!(measure.to_string(), path);
            assert_eq!(measure.find(&document), value, "{path}");
        }
        let measure: Measure = " train.loss( epoch = 10 ) ".parse().unwrap();
        assert_eq!(measure.to_string(), "train.loss(epoch=10)");
        for wrong in ["", ".", "a.", "a b", "a(", "a(x)", "a(1)(2)", "a(epoch=0)", "a(n=1)", "a-b"]
        {
            assert!(wrong.parse::<Measure>().is_err(), "{wrong}");
        }
    }
}
