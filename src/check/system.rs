//! Homogeneous linear equations over exponents, solved exactly by sparse Gaussian elimination.

use std::collections::BTreeMap;

use super::{Form, Number, Unknown};
use crate::ir::{Graph, ParamRole};

/// Equations `form + constant = 0` in echelon form: every row is solved for one unknown, its pivot.
#[derive(Clone, Debug, Default)]
pub(super) struct System {
    /// Pivot → (order of insertion, the pivot as form + constant of unknowns that were no pivots then).
    rows: BTreeMap<Unknown, (usize, Form, Number)>,
}

impl System {
    /// Adds `form + constant = 0`; false, and nothing is added, when it contradicts the rows so far.
    ///
    /// `weight` orders the unknowns: the pivot is the one with the highest weight.
    pub(super) fn add(
        &mut self,
        form: &Form,
        constant: &Number,
        weight: impl Fn(Unknown) -> (u8, Unknown),
    ) -> bool {
        let (form, constant) = self.reduce(form, constant);
        let Some((pivot, coefficient)) =
            form.terms().iter().max_by_key(|(unknown, _)| weight(*unknown))
        else {
            return constant.is_zero();
        };
        let Some(inverse) = coefficient.inverse() else { return false };
        let factor = inverse.neg();
        let rest = form.plus(&coefficient.neg(), &Form::unknown(*pivot));
        let row = (self.rows.len(), rest.times(&factor), constant.mul(&factor));
        self.rows.insert(*pivot, row);
        true
    }

    /// The same value with every pivot replaced by what it equals.
    pub(super) fn reduce(&self, form: &Form, constant: &Number) -> (Form, Number) {
        let mut form = form.clone();
        let mut constant = constant.clone();
        if self.rows.is_empty() {
            return (form, constant);
        }
        // A row knows no pivot older than itself, so going from old to new ends.
        loop {
            let next = form
                .terms()
                .iter()
                .filter_map(|(unknown, value)| {
                    self.rows.get(unknown).map(|row| (row.0, *unknown, value.clone()))
                })
                .min_by_key(|(order, _, _)| *order);
            let Some((_, pivot, coefficient)) = next else { return (form, constant) };
            let (_, rest, shift) = &self.rows[&pivot];
            form = form.plus(&coefficient.neg(), &Form::unknown(pivot)).plus(&coefficient, rest);
            constant = constant.add(&coefficient.mul(shift));
        }
    }

    /// Whether an unknown is determined by the others.
    pub(super) fn is_pivot(&self, unknown: Unknown) -> bool {
        self.rows.contains_key(&unknown)
    }

    /// The rows as forms that are 0 (constants left out).
    pub(super) fn equations(&self) -> impl Iterator<Item = Form> + '_ {
        self.rows.iter().map(|(pivot, (_, rest, _))| Form::unknown(*pivot).minus(rest))
    }

    /// A basis of the solutions (of the homogeneous part): for each free unknown the solution that sets it to 1, the others to 0.
    pub(super) fn nullspace(&self, unknowns: &[Unknown]) -> Vec<Form> {
        let mut columns: BTreeMap<Unknown, Vec<(Unknown, Number)>> = BTreeMap::new();
        for unknown in unknowns {
            if self.is_pivot(*unknown) {
                let (form, _) = self.reduce(&Form::unknown(*unknown), &Number::ZERO);
                for (free, value) in form.terms() {
                    columns.entry(*free).or_default().push((*unknown, value.clone()));
                }
            } else {
                columns.entry(*unknown).or_default().push((*unknown, Number::ONE));
            }
        }
        columns.into_values().map(|terms| terms.into_iter().collect()).collect()
    }
}

/// The preferred pivots: shifts and biases before slopes, gains and weights, later ones first.
/// A bias usually stands in one equation only, so solving for it costs nothing.
pub(super) fn pivot_weight(graph: &Graph) -> impl Fn(Unknown) -> (u8, Unknown) + Copy + '_ {
    |unknown| {
        let class = match unknown {
            Unknown::Given(_) => 3,
            Unknown::Param(id) => match graph.param(id).role {
                ParamRole::Bias | ParamRole::Shift => 2,
                ParamRole::Slope | ParamRole::Scale => 1,
                ParamRole::Weight | ParamRole::Gain => 0,
            },
        };
        (class, unknown)
    }
}

/// A smallest contradiction among equations `form + constant = 0`: positions such that the equations there have no solution,
/// while all but any one of them have. `None` when all can hold together.
///
/// Each equation that contradicts the independent ones before it closes exactly one such set; the shortest is returned.
pub(super) fn contradiction(equations: &[(Form, Number)]) -> Option<Vec<usize>> {
    struct Row {
        pivot: Unknown,
        form: Form,
        constant: Number,
        made_of: BTreeMap<usize, Number>,
    }
    let mut rows: Vec<Row> = vec![];
    let mut best: Option<Vec<usize>> = None;
    for (position, (form, constant)) in equations.iter().enumerate() {
        let mut form = form.clone();
        let mut constant = constant.clone();
        let mut made_of = BTreeMap::from([(position, Number::ONE)]);
        for row in &rows {
            let coefficient = form.coefficient(row.pivot);
            if coefficient.is_zero() {
                continue;
            }
            let factor = coefficient.neg();
            form = form.plus(&factor, &row.form);
            constant = constant.add(&factor.mul(&row.constant));
            for (source, share) in &row.made_of {
                let sum = made_of.entry(*source).or_insert(Number::ZERO);
                *sum = sum.add(&factor.mul(share));
            }
        }
        if let Some((pivot, coefficient)) = form.terms().last().cloned() {
            let inverse = coefficient.inverse().unwrap_or(Number::ONE);
            for share in made_of.values_mut() {
                *share = share.mul(&inverse);
            }
            rows.push(Row {
                pivot,
                form: form.times(&inverse),
                constant: constant.mul(&inverse),
                made_of,
            });
        } else if !constant.is_zero() {
            let members: Vec<_> = made_of
                .into_iter()
                .filter(|(_, share)| !share.is_zero())
                .map(|(source, _)| source)
                .collect();
            if best.as_ref().is_none_or(|best| members.len() < best.len()) {
                best = Some(members);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::ParamId;

    fn unknown(i: u32) -> Unknown {
        Unknown::Param(ParamId(i))
    }

    fn form(terms: &[(u32, i64)]) -> Form {
        terms.iter().map(|(i, value)| (unknown(*i), Number::int(*value))).collect()
    }

    #[test]
    fn solves_and_spans_the_nullspace() {
        let mut system = System::default();
        assert!(system.add(&form(&[(0, 1), (1, 1), (2, -1)]), &Number::ZERO, |u| (0, u)));
        assert!(system.add(&form(&[(2, 1), (3, -2)]), &Number::ZERO, |u| (0, u)));
        let unknowns: Vec<_> = (0..4).map(unknown).collect();
        let basis = system.nullspace(&unknowns);
        assert_eq!(basis.len(), 2);
        for solution in &basis {
            for equation in [form(&[(0, 1), (1, 1), (2, -1)]), form(&[(2, 1), (3, -2)])] {
                assert!(equation.value(|u| solution.coefficient(u)).is_zero());
            }
        }
        assert!(!system.add(&form(&[(0, 1), (1, 1), (3, -2)]), &Number::ONE, |u| (0, u)));
    }

    #[test]
    fn a_contradiction_has_no_spare_member() {
        let equations = vec![
            (form(&[(0, 1)]), Number::int(-1)),
            (form(&[(5, 1), (0, 1)]), Number::ZERO),
            (form(&[(1, 1), (0, -1)]), Number::ZERO),
            (form(&[(1, 1)]), Number::int(-2)),
        ];
        let found = contradiction(&equations).unwrap();
        assert_eq!(found, [0, 2, 3]);
        for leave_out in &found {
            let rest: Vec<_> =
                found.iter().filter(|i| *i != leave_out).map(|i| equations[*i].clone()).collect();
            assert_eq!(contradiction(&rest), None);
        }
    }
}
