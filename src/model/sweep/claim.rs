//! A `claim` spelled out: measures with the cells that they are taken of, and how sure it must be.
//!
//! In: the tree of a file and its sweeps. Out: [`Claim`]s whose axes and labels exist. What they say of runs is found when the
//! runs are there.

use super::{Sweep, key_span, key_text};
use crate::diag::{Diagnostic, Diagnostics, Span, ToDiagnostic, nearest};
use crate::model::eval::{eval, unknown_name};
use crate::model::sweep::axis::Nothing;
use crate::model::{Measure, ModelError};
use crate::syntax::ast::{self, BinaryOp, ItemKind};
use crate::syntax::print_claim_line;

/// Level of the intervals where none is given.
const LEVEL: f64 = 0.95;

/// Fewest seeds that count where no number is given.
const SEEDS: u64 = 2;

/// The form of the arguments.
const SIGNATURE: &str = "claim \"…\" (level=0.95, seeds=2)";

/// What measures of runs are said to satisfy.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// In words.
    pub text: String,
    /// Level of the intervals.
    pub level: f64,
    /// Fewest seeds that count.
    pub seeds: u64,
    /// Comparisons that must all hold.
    pub lines: Vec<Line>,
}

/// A comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// As written.
    pub text: String,
    /// The left side.
    pub left: Quantity,
    /// `< <= > >=`, or `==`.
    pub op: BinaryOp,
    /// The right side.
    pub right: Quantity,
    /// How far apart equal sides may be.
    pub within: f64,
}

/// Arithmetic over measures.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantity {
    /// A number.
    Number(f64),
    /// A measure of the cells that have all these labels: (axis, label).
    Measured(Measure, Vec<(String, String)>),
    /// `+ - * /`.
    Binary(BinaryOp, Box<Quantity>, Box<Quantity>),
    /// The largest or the smallest.
    Extreme {
        /// Whether the largest counts.
        is_max: bool,
        /// At least one.
        operands: Vec<Quantity>,
    },
}

/// Every claim of a file, as far as it is sound, with the problems of the others.
pub fn claims(spec: &ast::Spec, sweeps: &[Sweep]) -> (Vec<Claim>, Diagnostics) {
    let (mut found, mut errors): (Vec<Claim>, Diagnostics) = (vec![], vec![]);
    let mut known: Vec<(&str, Span)> = vec![];
    for item in &spec.items {
        let ItemKind::Claim(tree) = &item.kind else { continue };
        let text = &tree.text;
        if let Some((_, first)) = known.iter().find(|(other, _)| *other == text.value) {
            let error = ModelError::NameTaken {
                name: text.value.clone(),
                what: "a claim".to_owned(),
                first: Some(*first),
                span: text.span,
            };
            errors.push(error.to_diagnostic());
        }
        known.push((&text.value, text.span));
        if sweeps.is_empty() {
            let error = ModelError::MissingItem {
                item: "`sweep`",
                example: "sweep study { seeds in 0..6 }",
                offers: None,
                span: text.span,
            };
            errors.push(error.to_diagnostic());
            continue;
        }
        let before = errors.len();
        let claim = claim(tree, sweeps, &mut errors);
        found.extend(claim.filter(|_| errors.len() == before));
    }
    (found, errors)
}

fn claim(tree: &ast::Claim, sweeps: &[Sweep], errors: &mut Diagnostics) -> Option<Claim> {
    let (mut level, mut seeds) = (LEVEL, SEEDS);
    for ast::Arg { key, value } in &tree.args {
        let name = key.as_ref().map(|key| key.value.as_str());
        let number = |errors: &mut Diagnostics| eval(value, &Nothing, errors)?.number();
        let range = match name {
            Some("level") => {
                level = number(errors)?;
                (level > 0.0 && level < 1.0).then_some(()).ok_or("a number between 0 and 1")
            }
            Some("seeds") => {
                let wanted = number(errors)?;
                seeds = wanted as u64;
                (wanted >= 2.0 && wanted.fract() == 0.0).then_some(()).ok_or("an integer from 2 on")
            }
            Some(_) | None => {
                let error = ModelError::UnknownArgument {
                    callee: "claim".to_owned(),
                    key: name.map(str::to_owned),
                    nearest: name
                        .and_then(|name| nearest(name, ["level", "seeds"]))
                        .map(str::to_owned),
                    signature: SIGNATURE.to_owned(),
                    hint: None,
                    span: key.as_ref().map_or(value.span, |key| key.span),
                };
                errors.push(error.to_diagnostic());
                Ok(())
            }
        };
        if let Err(range) = range {
            let error = ModelError::OutOfRange {
                what: format!("`{}` of a claim", name.unwrap_or_default()),
                value: crate::syntax::print_expr(value),
                range: range.to_owned(),
                span: value.span,
            };
            errors.push(error.to_diagnostic());
        }
    }
    if tree.lines.is_empty() {
        let error = ModelError::OutOfRange {
            what: "the claim".to_owned(),
            value: "no line".to_owned(),
            range: "one comparison or more".to_owned(),
            span: tree.text.span,
        };
        errors.push(error.to_diagnostic());
    }
    let lines: Vec<Option<Line>> =
        tree.lines.iter().map(|tree| line(tree, sweeps, errors)).collect();
    let lines = lines.into_iter().collect::<Option<_>>()?;
    Some(Claim { text: tree.text.value.clone(), level, seeds, lines })
}

fn line(tree: &ast::ClaimLine, sweeps: &[Sweep], errors: &mut Diagnostics) -> Option<Line> {
    let span = tree.span.0;
    if tree.op == BinaryOp::Ne {
        errors.push(wrong(
            "the comparison of a claim",
            "`<`, `<=`, `>`, `>=` or `==`",
            "`!=`",
            span,
        ));
    }
    if tree.within.is_some() && tree.op != BinaryOp::Eq {
        let found = format!("`{}`", tree.op.symbol());
        errors.push(wrong("the comparison before `+-`", "`==`", &found, span));
    }
    if let Some(within) = tree.within.filter(|within| *within < 0.0) {
        errors.push(wrong(
            "the width behind `+-`",
            "a number from 0 on",
            &within.to_string(),
            span,
        ));
    }
    let left = quantity(&tree.left, sweeps, errors);
    let right = quantity(&tree.right, sweeps, errors);
    let (left, right) = (left?, right?);
    if !left.measures() && !right.measures() {
        errors.push(wrong("the line", "a measure such as `test.accuracy`", "numbers alone", span));
    }
    let text = print_claim_line(tree);
    Some(Line { text, left, op: tree.op, right, within: tree.within.unwrap_or(0.0) })
}

fn wrong(what: &str, expected: &str, found: &str, span: Span) -> Diagnostic {
    let error = ModelError::WrongType {
        what: what.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
        help: None,
        span,
    };
    error.to_diagnostic()
}

fn quantity(tree: &ast::Quantity, sweeps: &[Sweep], errors: &mut Diagnostics) -> Option<Quantity> {
    Some(match tree {
        ast::Quantity::Number(number) => Quantity::Number(*number),
        ast::Quantity::Binary(op, left, right) => {
            let left = quantity(left, sweeps, errors);
            let right = quantity(right, sweeps, errors);
            Quantity::Binary(*op, Box::new(left?), Box::new(right?))
        }
        ast::Quantity::Extreme { is_max, operands } => {
            let operands: Vec<_> =
                operands.iter().map(|operand| quantity(operand, sweeps, errors)).collect();
            let operands = operands.into_iter().collect::<Option<_>>()?;
            Quantity::Extreme { is_max: *is_max, operands }
        }
        ast::Quantity::Measured { path, of } => {
            let measure: Result<Measure, _> = path.value.parse();
            if measure.is_err() {
                let expected = "a path such as `test.accuracy`, `test.close_enough(0.05)` or `R`";
                let found = format!("`{}`", path.value);
                errors.push(wrong("a measure", expected, &found, path.span));
            }
            let labels: Vec<_> = of.iter().map(|of| chosen(of, sweeps, errors)).collect();
            Quantity::Measured(measure.ok()?, labels.into_iter().collect::<Option<_>>()?)
        }
    })
}

/// The axis and the label of a choice.
fn chosen(
    of: &ast::Chosen,
    sweeps: &[Sweep],
    errors: &mut Diagnostics,
) -> Option<(String, String)> {
    let (label, span) = (&of.label.value, of.label.span);
    let axes = || sweeps.iter().flat_map(|sweep| &sweep.axes);
    if let Some(key) = &of.axis {
        let name = key_text(key);
        let mut own = axes().filter(|axis| axis.key == name).peekable();
        if own.peek().is_none() {
            let known: Vec<String> = axes().map(|axis| axis.key.clone()).collect();
            unknown_name("axis", &name, &known, key_span(key), errors);
            return None;
        }
        let known: Vec<String> =
            own.flat_map(|axis| axis.values.iter().map(|value| value.label.clone())).collect();
        if !known.contains(label) {
            unknown_name("label", label, &known, span, errors);
            return None;
        }
        return Some((name, label.clone()));
    }
    let has = |axis: &&super::Axis| axis.values.iter().any(|value| value.label == *label);
    let mut owners: Vec<&str> = axes().filter(has).map(|axis| axis.key.as_str()).collect();
    owners.sort_unstable();
    owners.dedup();
    match owners.as_slice() {
        [axis] => Some(((*axis).to_owned(), label.clone())),
        [] => {
            let mut known: Vec<String> =
                axes().flat_map(|axis| axis.values.iter().map(|v| v.label.clone())).collect();
            known.sort();
            known.dedup();
            unknown_name("label", label, &known, span, errors);
            None
        }
        several => {
            let found = format!("a label of the axes {}", several.join(", "));
            errors.push(wrong("the label", "one with its axis, as in `(loss=two)`", &found, span));
            None
        }
    }
}

impl Quantity {
    /// Whether it depends on runs.
    fn measures(&self) -> bool {
        match self {
            Self::Number(_) => false,
            Self::Measured(..) => true,
            Self::Binary(_, left, right) => left.measures() || right.measures(),
            Self::Extreme { operands, .. } => operands.iter().any(Self::measures),
        }
    }
}
