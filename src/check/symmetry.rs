//! The scaling symmetries of a net, what they conserve, and the normaliser R that follows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use super::exponents::{Exponents, params};
use super::system::{System, pivot_weight};
use super::{Degrees, Factor, FactorNorm, Linear, Normalizer, Number, Unknown};
use crate::ir::{Graph, NodeId, ParamRole};

/// A scaling θ_p → c^{e_p} θ_p under which the logits become c^degree times themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symmetry {
    /// The exponents that are not 0.
    pub exponents: Linear,
    /// The degree of the logits; 0 where the symmetry leaves them unchanged.
    pub degree: Number,
}

impl Symmetry {
    /// Whether the logits stay as they are, so that gradient flow conserves Σ e_p ‖θ_p‖².
    pub fn leaves_logits(&self) -> bool {
        self.degree.is_zero()
    }

    /// The conserved quantity in words; `None` where the logits change.
    pub fn conserved(&self, graph: &Graph) -> Option<String> {
        if !self.leaves_logits() {
            return None;
        }
        Some(quantity(graph, &self.exponents))
    }
}

/// Σ e_p ‖θ_p‖² in words.
pub(super) fn quantity(graph: &Graph, exponents: &Linear) -> String {
    let mut text = String::new();
    for (unknown, value) in exponents.terms() {
        let Unknown::Param(id) = unknown else { continue };
        let sign = match (text.is_empty(), value.is_negative()) {
            (true, false) => "",
            (true, true) => "-",
            (false, false) => " + ",
            (false, true) => " - ",
        };
        let size = if value.is_negative() { value.neg() } else { value.clone() };
        let factor = if size.is_one() { String::new() } else { format!("{size}·") };
        let _ = write!(text, "{sign}{factor}‖{}‖²", graph.param(*id).name);
    }
    text
}

/// The equations of a net with its input held fixed, in echelon form.
pub(super) fn fixed_input(graph: &Graph, degrees: &Degrees) -> System {
    let mut system = System::default();
    for equation in &degrees.equations {
        system.add(&without_input(&equation.form), &Number::ZERO, pivot_weight(graph));
    }
    system
}

/// The degree of the logits with the input held fixed.
pub(super) fn logits_degree(degrees: &Degrees, logits: NodeId) -> Linear {
    without_input(&degrees.form(logits))
}

fn without_input(form: &Linear) -> Linear {
    form.substitute(|unknown| matches!(unknown, Unknown::Given(_)).then_some(Number::ZERO)).0
}

/// A basis of all scaling symmetries: first those that leave the logits unchanged, then, if there is any, one that does not.
/// Exponents are integers without a common factor.
pub(super) fn basis(
    graph: &Graph,
    system: &System,
    degree: &Linear,
    preferred: Option<&Exponents>,
) -> Vec<Symmetry> {
    let unknowns: Vec<Unknown> = params(graph).map(Unknown::Param).collect();
    let (reduced, _) = system.reduce(degree, &Number::ZERO);
    let mut symmetries: Vec<Symmetry> = silent(graph, system, std::slice::from_ref(degree))
        .into_iter()
        .map(|exponents| Symmetry { exponents, degree: Number::ZERO })
        .collect();
    if !reduced.is_zero() {
        let wanted = preferred.filter(|exponents| !exponents.degree.is_zero()).map(|exponents| {
            let terms = params(graph).zip(&exponents.of);
            terms.map(|(id, value)| (Unknown::Param(id), value.clone())).collect()
        });
        let moving = wanted.or_else(|| {
            let all = system.nullspace(&unknowns).into_iter();
            all.map(|form| primitive(&form))
                .find(|form| !reduced.value(|u| form.coefficient(u)).is_zero())
        });
        if let Some(exponents) = moving {
            let degree = degree.value(|unknown| exponents.coefficient(unknown));
            symmetries.push(Symmetry { exponents, degree });
        }
    }
    symmetries
}

/// A basis of the scaling symmetries that give every one of `forms` the value 0, in integers without a common factor.
pub(super) fn silent(graph: &Graph, system: &System, forms: &[Linear]) -> Vec<Linear> {
    let unknowns: Vec<Unknown> = params(graph).map(Unknown::Param).collect();
    let mut silent = system.clone();
    for form in forms {
        silent.add(form, &Number::ZERO, pivot_weight(graph));
    }
    let spanning = silent.nullspace(&unknowns);
    (0..spanning.len())
        .map(|i| {
            let plain = &spanning[i];
            // Differences of neighbours span the same space and involve fewer tensors.
            let difference = spanning.get(i + 1).map(|next| plain.minus(next));
            let shorter = difference.filter(|d| d.terms().len() <= plain.terms().len());
            primitive(shorter.as_ref().unwrap_or(plain))
        })
        .collect()
}

/// The positive multiple with integer coefficients that have no common factor.
fn primitive(form: &Linear) -> Linear {
    let mut denominator = BigInt::one();
    let mut divisor = BigInt::zero();
    for (_, value) in form.terms() {
        let (_, d) = value.parts();
        denominator = &denominator * &d / gcd(&denominator, &d);
    }
    for (_, value) in form.terms() {
        let (n, d) = value.parts();
        divisor = gcd(&divisor, &(n * (&denominator / d)));
    }
    if divisor.is_zero() {
        return form.clone();
    }
    form.times(&Number::from_parts(denominator, divisor))
}

fn gcd(a: &BigInt, b: &BigInt) -> BigInt {
    let (mut a, mut b) = (a.abs(), b.abs());
    while !b.is_zero() {
        let rest = &a % &b;
        a = b;
        b = rest;
    }
    a
}

/// Why a net has no derived normaliser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoNormalizer {
    /// Every scaling symmetry leaves the logits unchanged.
    NoScale,
    /// The scale of the logits follows a bias or a slope that no weight goes with.
    ScaleOfShift,
}

/// R = Π ‖p‖^{r_p} over weights and gains with Σ r_p e_p = the degree of the logits for **every** scaling symmetry e, so that
/// z / R does not change under any of them. Where several r do it, the one with the smallest Σ r² (it is unique).
pub(super) fn derive(
    graph: &Graph,
    system: &System,
    degree: &Linear,
) -> Result<Normalizer, NoNormalizer> {
    let multiplicative = |unknown: Unknown| match unknown {
        Unknown::Given(_) => false,
        Unknown::Param(id) => {
            matches!(graph.param(id).role, ParamRole::Weight | ParamRole::Gain)
        }
    };
    let (start, _) = system.reduce(degree, &Number::ZERO);
    if start.is_zero() {
        return Err(NoNormalizer::NoScale);
    }
    if !start.terms().iter().all(|(unknown, _)| multiplicative(*unknown)) {
        return Err(NoNormalizer::ScaleOfShift);
    }
    // Biases and slopes are solved for first, so the equations among weights and gains are the rows without them.
    let rows: Vec<Linear> = system
        .equations()
        .filter(|row| row.terms().iter().all(|(unknown, _)| multiplicative(*unknown)))
        .collect();
    let exponents = shortest(start, &rows);
    let factors = exponents
        .terms()
        .iter()
        .filter_map(|(unknown, value)| match unknown {
            Unknown::Given(_) => None,
            Unknown::Param(id) => Some(Factor {
                tensors: vec![*id],
                norm: FactorNorm::Frobenius,
                exponent: value.to_ratio()?,
            }),
        })
        .collect();
    Ok(Normalizer { factors })
}

/// `start` less its projection onto the span of the rows.
fn shortest(start: Linear, rows: &[Linear]) -> Linear {
    let mut touched: BTreeSet<Unknown> = start.terms().iter().map(|(u, _)| *u).collect();
    let mut used = vec![false; rows.len()];
    loop {
        let mut grew = false;
        for (row, used) in rows.iter().zip(&mut used) {
            if !*used && row.terms().iter().any(|(unknown, _)| touched.contains(unknown)) {
                *used = true;
                grew = true;
                touched.extend(row.terms().iter().map(|(unknown, _)| *unknown));
            }
        }
        if !grew {
            break;
        }
    }
    let rows: Vec<&Linear> =
        rows.iter().zip(used).filter_map(|(row, used)| used.then_some(row)).collect();
    if rows.is_empty() {
        return start;
    }
    let mut columns: BTreeMap<Unknown, Vec<usize>> = BTreeMap::new();
    for (i, row) in rows.iter().enumerate() {
        for (unknown, _) in row.terms() {
            columns.entry(*unknown).or_default().push(i);
        }
    }
    let share = |i: usize| Unknown::Given(i as u32);
    let mut normal = System::default();
    for row in &rows {
        let neighbours: BTreeSet<usize> =
            row.terms().iter().flat_map(|(unknown, _)| &columns[unknown]).copied().collect();
        let form = neighbours.into_iter().map(|j| (share(j), dot(row, rows[j]))).collect();
        normal.add(&form, &dot(row, &start).neg(), |unknown| (0, unknown));
    }
    rows.iter().enumerate().fold(start, |rest, (i, row)| {
        let (_, value) = normal.reduce(&Linear::unknown(share(i)), &Number::ZERO);
        rest.plus(&value.neg(), row)
    })
}

fn dot(a: &Linear, b: &Linear) -> Number {
    a.value(|unknown| b.coefficient(unknown))
}

/// Whether z / R is the same after every scaling symmetry. Where it is not, the reason names the first factor at fault.
pub(super) fn invariant(
    graph: &Graph,
    system: &System,
    degree: &Linear,
    normalizer: &Normalizer,
) -> Result<(), String> {
    let zero = |form: &Linear| system.reduce(form, &Number::ZERO).0.is_zero();
    let mut rest = degree.clone();
    for factor in &normalizer.factors {
        let Some((first, others)) = factor.tensors.split_first() else { continue };
        let own = Linear::unknown(Unknown::Param(*first));
        for other in others {
            if !zero(&own.minus(&Linear::unknown(Unknown::Param(*other)))) {
                return Err(format!(
                    "`{}` and `{}` scale with different exponents, so their common norm has no degree",
                    graph.param(*first).name,
                    graph.param(*other).name,
                ));
            }
        }
        let exponent = Number::new(*factor.exponent.numer(), *factor.exponent.denom());
        rest = rest.plus(&exponent.neg(), &own);
    }
    let (left, _) = system.reduce(&rest, &Number::ZERO);
    match left.terms().first() {
        None => Ok(()),
        Some((Unknown::Param(id), _)) => {
            Err(format!("R and the logits scale differently with `{}`", graph.param(*id).name))
        }
        Some((Unknown::Given(_), _)) => Err("the logits scale with their input".to_owned()),
    }
}
