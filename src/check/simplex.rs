//! A small exact linear program: the smallest point of a cone in which everything that can be positive is at least 1.

use super::Number;

/// Solves for e ≥ 0 with `Σ_j row[j] · e_j = 0` for every row: the set of positions that can be positive is made as large
/// as possible, each of its members is at least 1, and their sum is as small as it then gets. All others are 0.
///
/// Simplex with Bland's rule on two objectives, the second among the optima of the first: exact, finite, deterministic.
pub(super) fn smallest_positive(rows: &[Vec<Number>], n: usize) -> Vec<Number> {
    // e = t + s with t + u = 1; all of t, s, u ≥ 0. First maximise Σ t, then minimise Σ s.
    let mut tableau = Tableau::new(rows, n);
    tableau.price(n);
    tableau.maximize(n);
    tableau.read(n)
}

struct Tableau {
    /// Rows of coefficients over t (n), s (n), u (n), then the right-hand side.
    rows: Vec<Vec<Number>>,
    /// The basic column of each row.
    basis: Vec<usize>,
    /// Reduced costs of both objectives; every pivot keeps them reduced.
    costs: [Vec<Number>; 2],
}

impl Tableau {
    fn new(equations: &[Vec<Number>], n: usize) -> Self {
        let width = 3 * n + 1;
        let mut tableau = Self { rows: vec![], basis: vec![], costs: [vec![], vec![]] };
        for i in 0..n {
            let mut row = vec![Number::ZERO; width];
            row[i] = Number::ONE;
            row[2 * n + i] = Number::ONE;
            row[width - 1] = Number::ONE;
            tableau.rows.push(row);
            tableau.basis.push(2 * n + i);
        }
        // The equations have right-hand side 0, so any pivot among s gives a feasible basis at 0.
        for equation in equations {
            let mut row = vec![Number::ZERO; width];
            for (j, value) in equation.iter().enumerate() {
                row[j] = value.clone();
                row[n + j] = value.clone();
            }
            for (other, basic) in tableau.rows.iter().zip(&tableau.basis) {
                let factor = row[*basic].clone();
                if !factor.is_zero() {
                    subtract(&mut row, &factor, other);
                }
            }
            let Some(column) = (n..2 * n).find(|j| !row[*j].is_zero()) else { continue };
            tableau.rows.push(row);
            tableau.basis.push(column);
            let last = tableau.rows.len() - 1;
            tableau.pivot(last, column);
        }
        tableau
    }

    fn pivot(&mut self, row: usize, column: usize) {
        let inverse = self.rows[row][column].inverse().unwrap_or(Number::ONE);
        for value in &mut self.rows[row] {
            if !value.is_zero() {
                *value = value.mul(&inverse);
            }
        }
        let pivot_row: Vec<(usize, Number)> = self.rows[row]
            .iter()
            .enumerate()
            .filter(|(_, value)| !value.is_zero())
            .map(|(j, value)| (j, value.clone()))
            .collect();
        let others = self.rows.iter_mut().enumerate().filter(|(i, _)| *i != row);
        for other in others.map(|(_, other)| other).chain(&mut self.costs) {
            // Costs are empty before they are asked for, and have no right-hand side.
            let Some(factor) = other.get(column).filter(|factor| !factor.is_zero()).cloned() else {
                continue;
            };
            for (j, coefficient) in &pivot_row {
                if let Some(value) = other.get_mut(*j) {
                    *value = value.sub(&factor.mul(coefficient));
                }
            }
        }
        self.basis[row] = column;
    }

    fn maximize(&mut self, n: usize) {
        loop {
            // A column improves when its first reduced cost is negative, or 0 and its second negative.
            let [first, second] = &self.costs;
            let entering = (0..3 * n).find(|j| {
                first[*j].is_negative() || (first[*j].is_zero() && second[*j].is_negative())
            });
            let Some(column) = entering else { return };
            let last = 3 * n;
            let mut leaving: Option<(Number, usize)> = None;
            for (i, row) in self.rows.iter().enumerate() {
                if !row[column].is_positive() {
                    continue;
                }
                let Some(inverse) = row[column].inverse() else { continue };
                let ratio = row[last].mul(&inverse);
                let better = leaving.as_ref().is_none_or(|(best, at)| {
                    ratio < *best || (ratio == *best && self.basis[i] < self.basis[*at])
                });
                if better {
                    leaving = Some((ratio, i));
                }
            }
            // t and u are bounded and s has cost ≥ 0, so an improving column always meets a row.
            let Some((_, row)) = leaving else { return };
            self.pivot(row, column);
        }
    }

    /// Reduces the costs over the basis: first −1 per t, then +1 per s.
    fn price(&mut self, n: usize) {
        for objective in 0..2 {
            let cost = |column: usize| match (objective, column / n) {
                (0, 0) => Number::MINUS_ONE,
                (1, 1) => Number::ONE,
                (_, _) => Number::ZERO,
            };
            let mut costs: Vec<Number> = (0..3 * n).map(cost).collect();
            for (row, basic) in self.rows.iter().zip(&self.basis) {
                let price = cost(*basic);
                if !price.is_zero() {
                    subtract(&mut costs, &price, row);
                }
            }
            self.costs[objective] = costs;
        }
    }

    fn read(&self, n: usize) -> Vec<Number> {
        let mut values = vec![Number::ZERO; n];
        for (row, basic) in self.rows.iter().zip(&self.basis) {
            if *basic < 2 * n {
                let value = &mut values[basic % n];
                *value = value.add(&row[3 * n]);
            }
        }
        values
    }
}

/// row −= factor · other.
fn subtract(row: &mut [Number], factor: &Number, other: &[Number]) {
    for (value, coefficient) in row.iter_mut().zip(other) {
        if !coefficient.is_zero() {
            *value = value.sub(&factor.mul(coefficient));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solve(rows: &[&[i64]], n: usize) -> Vec<String> {
        let rows: Vec<Vec<Number>> =
            rows.iter().map(|row| row.iter().map(|v| Number::int(*v)).collect()).collect();
        smallest_positive(&rows, n).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn two_layers_against_one_give_exponent_two() {
        assert_eq!(solve(&[&[1, 1, -1]], 3), ["1", "1", "2"]);
    }

    #[test]
    fn what_must_vanish_vanishes() {
        assert_eq!(solve(&[&[1, 1, 0]], 3), ["0", "0", "1"]);
        assert_eq!(solve(&[&[1, 1, -1, 0], &[0, 0, 1, 1]], 4), ["0", "0", "0", "0"]);
        assert_eq!(solve(&[&[1, -1, 0], &[1, 0, -2], &[0, 1, -2]], 3), ["2", "2", "1"]);
    }
}
