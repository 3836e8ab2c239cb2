//! Particular scalings: quasi-homogeneous exponents with all weights 1, and in general.

use std::collections::BTreeMap;

use super::simplex::smallest_positive;
use super::system::{System, pivot_weight};
use super::{Degrees, Linear, Number, Unknown};
use crate::ir::{Graph, NodeId, ParamId, ParamRole};

/// Exponents of all parameter tensors, and the degree of the logits under them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exponents {
    /// By [`ParamId`].
    pub of: Vec<Number>,
    /// The degree of the logits.
    pub degree: Number,
}

/// Exponents under which every weight and gain has exponent 1, or `None`.
///
/// A bias gets its depth; one that a norm removes gets what it would need without that norm.
pub(super) fn weights_one(graph: &Graph, degrees: &Degrees, logits: NodeId) -> Option<Exponents> {
    let known = |unknown: Unknown| match unknown {
        Unknown::Given(_) => Some(Number::ZERO),
        Unknown::Param(id) => match graph.param(id).role {
            ParamRole::Weight | ParamRole::Gain => Some(Number::ONE),
            ParamRole::Bias | ParamRole::Shift | ParamRole::Slope | ParamRole::Scale => None,
        },
    };
    let mut system = System::default();
    for equation in &degrees.equations {
        let (form, constant) = equation.form.substitute(known);
        if !system.add(&form, &constant, pivot_weight(graph)) {
            return None;
        }
    }
    for form in &degrees.natural {
        let (form, constant) = form.substitute(known);
        system.add(&form, &constant, pivot_weight(graph));
    }
    let of = params(graph)
        .map(|id| {
            known(Unknown::Param(id)).unwrap_or_else(|| {
                let (form, constant) =
                    system.reduce(&Linear::unknown(Unknown::Param(id)), &Number::ZERO);
                let free = match graph.param(id).role {
                    ParamRole::Slope | ParamRole::Scale => Number::ZERO,
                    ParamRole::Weight | ParamRole::Bias | ParamRole::Gain | ParamRole::Shift => {
                        Number::ONE
                    }
                };
                form.value(|_| free.clone()).add(&constant)
            })
        })
        .collect();
    Some(with_degree(of, degrees, logits))
}

/// Exponents ≥ 0, not all 0, with the smallest sum among those in which every tensor that can have a positive exponent has
/// at least 1 (a tensor that a bias-like equation determines may have less); `None` when all must be 0.
pub(super) fn general(graph: &Graph, degrees: &Degrees, logits: NodeId) -> Option<Exponents> {
    let forms = degrees.equations.iter().map(|equation| {
        equation.form.substitute(|u| matches!(u, Unknown::Given(_)).then_some(Number::ZERO)).0
    });
    let mut rows: Vec<Linear> = forms.filter(|form| !form.is_zero()).collect();
    let mut values: BTreeMap<Unknown, Number> = BTreeMap::new();
    force_zeros(&mut rows, &mut values);
    let determined = take_determined(&mut rows);
    for component in components(&rows) {
        solve_component(&component, &mut values);
    }
    let unknowns: Vec<Unknown> = params(graph).map(Unknown::Param).collect();
    for unknown in &unknowns {
        if !determined.iter().any(|(pivot, _)| pivot == unknown) {
            values.entry(*unknown).or_insert(Number::ONE);
        }
    }
    for (pivot, form) in determined.iter().rev() {
        let value = form.value(|u| values.get(&u).cloned().unwrap_or(Number::ZERO));
        values.insert(*pivot, value);
    }
    let of: Vec<Number> =
        unknowns.iter().map(|u| values.get(u).cloned().unwrap_or(Number::ZERO)).collect();
    if of.iter().all(Number::is_zero) { None } else { Some(with_degree(of, degrees, logits)) }
}

/// All parameters of a graph.
pub(super) fn params(graph: &Graph) -> impl Iterator<Item = ParamId> {
    (0..graph.params.len() as u32).map(ParamId)
}

fn with_degree(of: Vec<Number>, degrees: &Degrees, logits: NodeId) -> Exponents {
    let degree = degrees.form(logits).value(|unknown| match unknown {
        Unknown::Given(_) => Number::ZERO,
        Unknown::Param(id) => of[id.0 as usize].clone(),
    });
    Exponents { of, degree }
}

/// A sum of terms of one sign that must be 0 makes every term 0, again and again.
fn force_zeros(rows: &mut Vec<Linear>, values: &mut BTreeMap<Unknown, Number>) {
    loop {
        let before = values.len();
        for row in rows.iter() {
            let positive = row.terms().iter().filter(|(_, value)| value.is_positive()).count();
            if positive == 0 || positive == row.terms().len() {
                values.extend(row.terms().iter().map(|(u, _)| (*u, Number::ZERO)));
            }
        }
        if values.len() == before {
            return;
        }
        for row in rows.iter_mut() {
            *row = row.substitute(|unknown| values.get(&unknown).cloned()).0;
        }
        rows.retain(|row| !row.is_zero());
    }
}

/// Takes out rows that define one unknown, found in no other row, as a sum with positive factors: it is never negative by itself.
/// Later definitions may use earlier ones, so they are evaluated in reverse.
fn take_determined(rows: &mut Vec<Linear>) -> Vec<(Unknown, Linear)> {
    let mut count: BTreeMap<Unknown, usize> = BTreeMap::new();
    for (unknown, _) in rows.iter().flat_map(Linear::terms) {
        *count.entry(*unknown).or_default() += 1;
    }
    let mut determined = vec![];
    loop {
        let before = determined.len();
        rows.retain(|row| {
            let positive = row.terms().iter().filter(|(_, value)| value.is_positive()).count();
            let negative = row.terms().len() - positive;
            let alone = row.terms().iter().find(|(unknown, value)| {
                let opposite = if value.is_positive() { positive } else { negative } == 1;
                opposite && count.get(unknown) == Some(&1)
            });
            let Some((pivot, value)) = alone else { return true };
            let Some(inverse) = value.inverse() else { return true };
            for (unknown, _) in row.terms() {
                if let Some(count) = count.get_mut(unknown) {
                    *count -= 1;
                }
            }
            let rest = row.plus(&value.neg(), &Linear::unknown(*pivot)).times(&inverse.neg());
            determined.push((*pivot, rest));
            false
        });
        if determined.len() == before {
            return determined;
        }
    }
}

/// Rows grouped by shared unknowns.
fn components(rows: &[Linear]) -> Vec<Vec<Linear>> {
    let mut parent: Vec<usize> = (0..rows.len()).collect();
    let mut owner: BTreeMap<Unknown, usize> = BTreeMap::new();
    for (i, row) in rows.iter().enumerate() {
        for (unknown, _) in row.terms() {
            let j = *owner.entry(*unknown).or_insert(i);
            let (a, b) = (find(&mut parent, i), find(&mut parent, j));
            parent[a.max(b)] = a.min(b);
        }
    }
    let mut groups: BTreeMap<usize, Vec<Linear>> = BTreeMap::new();
    for (i, row) in rows.iter().enumerate() {
        groups.entry(find(&mut parent, i)).or_default().push(row.clone());
    }
    groups.into_values().collect()
}

fn find(parent: &mut [usize], mut i: usize) -> usize {
    while parent[i] != i {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    i
}

fn solve_component(rows: &[Linear], values: &mut BTreeMap<Unknown, Number>) {
    let mut unknowns: Vec<Unknown> =
        rows.iter().flat_map(Linear::terms).map(|(unknown, _)| *unknown).collect();
    unknowns.sort_unstable();
    unknowns.dedup();
    // The usual exponents first: 1 everywhere is the smallest solution where it is one.
    if rows.iter().all(|row| row.value(|_| Number::ONE).is_zero()) {
        values.extend(unknowns.into_iter().map(|unknown| (unknown, Number::ONE)));
        return;
    }
    let dense: Vec<Vec<Number>> =
        rows.iter().map(|row| unknowns.iter().map(|u| row.coefficient(*u)).collect()).collect();
    let solution = smallest_positive(&dense, unknowns.len());
    values.extend(unknowns.into_iter().zip(solution));
}
