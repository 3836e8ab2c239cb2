//! Homogeneous linear equations over exponents, solved exactly by sparse Gaussian elimination.

use std::collections::{BTreeMap, HashMap};

use super::{Linear, Number, Unknown};
use crate::ir::{Graph, ParamRole};

/// Equations `form + constant = 0` in echelon form: every row is solved for one unknown, its pivot.
#[derive(Clone, Debug, Default)]
pub(super) struct System {
    /// Pivot → (order of insertion, the pivot as form + constant of unknowns that were no pivots then).
    rows: BTreeMap<Unknown, (usize, Linear, Number)>,
}

impl System {
    /// Adds `form + constant = 0`; false, and nothing is added, when it contradicts the rows so far.
    ///
    /// `weight` orders the unknowns: the pivot is the one with the highest weight.
    pub(super) fn add(
        &mut self,
        form: &Linear,
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
        let rest = form.plus(&coefficient.neg(), &Linear::unknown(*pivot));
        let row = (self.rows.len(), rest.times(&factor), constant.mul(&factor));
        self.rows.insert(*pivot, row);
        true
    }

    /// The same value with every pivot replaced by what it equals.
    pub(super) fn reduce(&self, form: &Linear, constant: &Number) -> (Linear, Number) {
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
            form = form.plus(&coefficient.neg(), &Linear::unknown(pivot)).plus(&coefficient, rest);
            constant = constant.add(&coefficient.mul(shift));
        }
    }

    /// Whether an unknown is determined by the others.
    pub(super) fn is_pivot(&self, unknown: Unknown) -> bool {
        self.rows.contains_key(&unknown)
    }

    /// The rows as forms that are 0 (constants left out).
    pub(super) fn equations(&self) -> impl Iterator<Item = Linear> + '_ {
        self.rows.iter().map(|(pivot, (_, rest, _))| Linear::unknown(*pivot).minus(rest))
    }

    /// A basis of the solutions (of the homogeneous part): for each free unknown the solution that sets it to 1, the others to 0.
    pub(super) fn nullspace(&self, unknowns: &[Unknown]) -> Vec<Linear> {
        let mut columns: BTreeMap<Unknown, Vec<(Unknown, Number)>> = BTreeMap::new();
        for unknown in unknowns {
            if self.is_pivot(*unknown) {
                let (form, _) = self.reduce(&Linear::unknown(*unknown), &Number::ZERO);
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
/// Elimination finds one such set per equation that contradicts the independent ones before it. Among all sets the result has
/// the fewest members where that number is at most two or the sets that could have fewer are few enough to be tried.
pub(super) fn contradiction(equations: &[(Linear, Number)]) -> Option<Vec<usize>> {
    let natural: Vec<usize> = (0..equations.len()).collect();
    let mut best = eliminate(equations, &natural)?;
    if best.len() > 2 {
        let mut short = natural;
        short.sort_by_key(|i| equations[*i].0.terms().len());
        let other = eliminate(equations, &short).filter(|other| other.len() < best.len());
        best = other.unwrap_or(best);
    }
    if best.len() > 2
        && let Some(pair) = contradicting_pair(equations)
    {
        best = pair;
    }
    let mut tries = TRIES;
    for size in 3..best.len() {
        let mut chosen = vec![];
        if among(equations, &System::default(), size, 0, &mut chosen, &mut tries) {
            return Some(chosen);
        }
        if tries == 0 {
            break;
        }
    }
    Some(best)
}

/// How many sets of equations are tried in search of a smaller contradiction.
const TRIES: usize = 5_000;

/// Looks for `size` equations from position `from` on that contradict `system`; their positions are left in `chosen`.
fn among(
    equations: &[(Linear, Number)],
    system: &System,
    size: usize,
    from: usize,
    chosen: &mut Vec<usize>,
    tries: &mut usize,
) -> bool {
    for (i, (form, constant)) in equations.iter().enumerate().skip(from) {
        if *tries == 0 {
            return false;
        }
        *tries -= 1;
        let mut with = system.clone();
        chosen.push(i);
        let consistent = with.add(form, constant, |unknown| (0, unknown));
        if !consistent || (size > 1 && among(equations, &with, size - 1, i + 1, chosen, tries)) {
            return true;
        }
        chosen.pop();
    }
    false
}

/// Two equations with proportional forms that cannot both hold.
fn contradicting_pair(equations: &[(Linear, Number)]) -> Option<Vec<usize>> {
    let mut known: HashMap<Linear, (usize, Number)> = HashMap::new();
    for (i, (form, constant)) in equations.iter().enumerate() {
        let Some(inverse) = form.terms().first().and_then(|(_, first)| first.inverse()) else {
            continue;
        };
        let form = form.times(&inverse);
        let constant = constant.mul(&inverse);
        match known.get(&form) {
            Some((first, other)) if *other != constant => return Some(vec![*first, i]),
            Some(_) => {}
            None => {
                known.insert(form, (i, constant));
            }
        }
    }
    None
}

/// The shortest of the contradictions that elimination in the given order closes.
fn eliminate(equations: &[(Linear, Number)], order: &[usize]) -> Option<Vec<usize>> {
    struct Row {
        pivot: Unknown,
        form: Linear,
        constant: Number,
        made_of: BTreeMap<usize, Number>,
    }
    let mut rows: Vec<Row> = vec![];
    let mut best: Option<Vec<usize>> = None;
    for position in order.iter().copied() {
        let (mut form, mut constant) = equations[position].clone();
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

    fn form(terms: &[(u32, i64)]) -> Linear {
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
