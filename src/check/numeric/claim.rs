//! Claims z(T_c θ) = c^d z(θ), confirmed or refuted by numbers.

use super::super::exponents::{Exponents, params};
use super::super::{Number, Scaling, Unknown};
use super::{Interpreter, Point};
use crate::ir::{Graph, ParamId};

/// The factors c that every claim is tried with.
pub const FACTORS: [f64; 4] = [0.01, 0.5, 2.0, 3.7];

/// A relative difference of logits above this is no rounding.
const DIFFERENT: f64 = 1e-6;

/// A difference that is clear at a glance; a factor that shows it is preferred in a witness.
const CLEAR: f64 = 1e-2;

/// The largest |d ln c| tried: beyond it logits leave the range of f64.
const RANGE: f64 = 300.0;

/// One statement on how the logits scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// In words: `joint`, `layer conv1`, `tensor conv1.weight`, `input`.
    pub name: String,
    /// Exponent per parameter.
    pub exponents: Vec<f64>,
    /// Exponent of the input.
    pub input: f64,
    /// The degree claimed; `None` where the analysis refuses one.
    pub degree: Option<f64>,
}

/// A claim that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirmed {
    /// The claim.
    pub claim: Claim,
    /// For a degree: the largest |z(T_c θ) − c^d z(θ)| / max |c^d z(θ)| over the factors. `None` where no factor stays in range.
    pub worst: Option<f64>,
    /// For a refusal: a counter-example.
    pub witness: Option<Witness>,
}

/// Logits of one sample before and after scaling; no power of c leads from one to the other for all samples and factors.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// The factor.
    pub c: f64,
    /// The logits at θ.
    pub before: Vec<f64>,
    /// The logits at T_c θ.
    pub after: Vec<f64>,
}

/// Every claim of an analysis: joint, input, exponents, per layer, per tensor, symmetries.
pub fn claims(graph: &Graph, scaling: &Scaling) -> Vec<Claim> {
    let n = graph.params.len();
    let degree = |d: &Option<Number>| d.as_ref().map(Number::to_f64);
    let only = |chosen: &dyn Fn(ParamId) -> bool| {
        params(graph).map(|id| f64::from(u8::from(chosen(id)))).collect::<Vec<_>>()
    };
    let mut claims = vec![
        Claim {
            name: "joint".into(),
            exponents: vec![1.0; n],
            input: 0.0,
            degree: degree(&scaling.joint),
        },
        Claim {
            name: "input".into(),
            exponents: vec![0.0; n],
            input: 1.0,
            degree: degree(&scaling.input),
        },
    ];
    let general = [("weights one", &scaling.weights_one), ("general", &scaling.general)];
    for (name, exponents) in general {
        if let Some(Exponents { of, degree }) = exponents {
            claims.push(Claim {
                name: name.into(),
                exponents: of.iter().map(Number::to_f64).collect(),
                input: 0.0,
                degree: Some(degree.to_f64()),
            });
        }
    }
    for (layer, found) in &scaling.layers {
        claims.push(Claim {
            name: format!("layer {}", graph.layer(*layer).name),
            exponents: only(&|id| graph.param(id).layer == Some(*layer)),
            input: 0.0,
            degree: degree(found),
        });
    }
    for (id, found) in params(graph).zip(&scaling.tensors) {
        claims.push(Claim {
            name: format!("tensor {}", graph.param(id).name),
            exponents: only(&|other| other == id),
            input: 0.0,
            degree: degree(found),
        });
    }
    for (i, symmetry) in scaling.symmetries.iter().enumerate() {
        let exponent = |id| symmetry.exponents.coefficient(Unknown::Param(id)).to_f64();
        claims.push(Claim {
            name: format!("symmetry {}", i + 1),
            exponents: params(graph).map(exponent).collect(),
            input: 0.0,
            degree: Some(symmetry.degree.to_f64()),
        });
    }
    claims
}

/// Tries a claim at a point: its worst error where it states a degree, a witness where it refuses one.
pub fn confirm(interpreter: &Interpreter<'_>, point: &Point, claim: &Claim) -> Option<Confirmed> {
    let before = interpreter.evaluate(point)?;
    let Some(degree) = claim.degree else {
        let witness = refute(interpreter, point, claim);
        return Some(Confirmed { claim: claim.clone(), worst: None, witness });
    };
    let steepest =
        claim.exponents.iter().fold(degree.abs().max(claim.input), |a, e| a.max(e.abs()));
    let mut worst: Option<f64> = None;
    for factor in FACTORS {
        let c = tame(factor, steepest);
        let after = interpreter.evaluate(&scale(point, claim, c))?;
        let power = libm::pow(c, degree);
        let size = before.iter().fold(0.0_f64, |size, z| size.max((power * z).abs()));
        let error = before
            .iter()
            .zip(&after)
            .fold(0.0_f64, |error, (before, after)| error.max((after - power * before).abs()));
        if size.is_finite() && size > f64::MIN_POSITIVE && error.is_finite() {
            worst = Some(worst.unwrap_or(0.0).max(error / size));
        }
    }
    Some(Confirmed { claim: claim.clone(), worst, witness: None })
}

/// A counter-example to every degree: logits that change direction, or lengths that follow no single power of c.
pub fn refute(interpreter: &Interpreter<'_>, point: &Point, claim: &Claim) -> Option<Witness> {
    let before = interpreter.evaluate(point)?;
    let classes = before.len() / point.n.max(1);
    let length = norm(&before);
    if !length.is_finite() {
        return None;
    }
    let mut turned: Option<(f64, f64, Vec<f64>)> = None;
    let mut powers: Vec<(f64, f64, Vec<f64>)> = vec![];
    for c in FACTORS {
        let after = interpreter.evaluate(&scale(point, claim, c))?;
        let after_length = norm(&after);
        if !after_length.is_finite() {
            continue;
        }
        if length == 0.0 && after_length == 0.0 {
            continue;
        }
        let turn = turn(&before, &after);
        if turn > DIFFERENT && turned.as_ref().is_none_or(|(best, _, _)| turn > *best) {
            let clear = turn > CLEAR;
            turned = Some((turn, c, after));
            if clear {
                break;
            }
        } else {
            powers.push((libm::log(after_length / length) / libm::log(c), c, after));
        }
    }
    let (c, after) = if let Some((_, c, after)) = turned {
        (c, after)
    } else {
        let first = powers.first()?.0;
        if powers.iter().all(|(d, _, _)| (d - first).abs() <= DIFFERENT * first.abs().max(1.0)) {
            return None;
        }
        // Of different powers at most one is 0, which would show logits that stay as they are.
        let (_, c, after) = powers.into_iter().max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()))?;
        (c, after)
    };
    // The sample whose logits turn most shows it best; where none turns, the one that strays most from the common factor.
    let common = norm(&after) / length;
    let clear = |(before, after): &(&[f64], &[f64])| {
        let turn = turn(before, after);
        let strays = (norm(after) - common * norm(before)).abs();
        let or_none = |value: f64, least: f64| if value > least { value } else { 0.0 };
        [or_none(turn, DIFFERENT), or_none(strays, DIFFERENT * norm(after)), norm(before)]
    };
    let rows = before.chunks_exact(classes.max(1)).zip(after.chunks_exact(classes.max(1)));
    let (before, after) = rows.max_by(|a, b| {
        let keys = clear(a).into_iter().zip(clear(b));
        keys.map(|(a, b)| a.total_cmp(&b))
            .find(|order| order.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    })?;
    Some(Witness { c, before: before.to_vec(), after: after.to_vec() })
}

/// The logits of the first sample before and after one scaling.
pub fn sample_at(
    interpreter: &Interpreter<'_>,
    point: &Point,
    claim: &Claim,
    c: f64,
) -> Option<Witness> {
    let mut before = interpreter.evaluate(point)?;
    let mut after = interpreter.evaluate(&scale(point, claim, c))?;
    let classes = before.len() / point.n.max(1);
    before.truncate(classes);
    after.truncate(classes);
    Some(Witness { c, before, after })
}

/// Distance of the directions of two vectors; 1 when only one of them is 0.
fn turn(before: &[f64], after: &[f64]) -> f64 {
    let (a, b) = (norm(before), norm(after));
    if a == 0.0 || b == 0.0 {
        return f64::from(u8::from((a == 0.0) != (b == 0.0)));
    }
    let gap: Vec<f64> = before.iter().zip(after).map(|(x, y)| x / a - y / b).collect();
    norm(&gap)
}

fn norm(z: &[f64]) -> f64 {
    let largest = z.iter().fold(0.0_f64, |a, x| a.max(x.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * z.iter().map(|x| (x / largest) * (x / largest)).sum::<f64>().sqrt()
}

/// The factor drawn towards 1 until its power stays in range.
fn tame(factor: f64, degree: f64) -> f64 {
    let log = libm::log(factor);
    if (degree * log).abs() <= RANGE {
        factor
    } else {
        libm::exp(log.signum() * RANGE / degree.abs())
    }
}

fn scale(point: &Point, claim: &Claim, c: f64) -> Point {
    let mut scaled = point.clone();
    for (values, exponent) in scaled.params.iter_mut().zip(&claim.exponents) {
        if *exponent != 0.0 {
            let factor = libm::pow(c, *exponent);
            for value in values {
                *value *= factor;
            }
        }
    }
    if claim.input != 0.0 {
        let factor = libm::pow(c, claim.input);
        for value in &mut scaled.input {
            *value *= factor;
        }
    }
    scaled
}
