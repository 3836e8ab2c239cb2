//! How far a step moves each parameter, without a copy of the state.

/// What one step did to a parameter: sums over its elements in double precision, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Motion {
    /// The parameter.
    pub name: String,
    /// Its first element before the step; all there is to a scale.
    pub first: Option<f64>,
    /// ‖a‖² of its values a before the step.
    pub before: f64,
    /// ‖b‖² of its values b after the step.
    pub after: f64,
    /// ‖b − a‖².
    pub change: f64,
}

impl Motion {
    /// From the values before and after; both of equal length.
    pub fn of<T: Copy + Into<f64>>(name: &str, before: &[T], after: &[T]) -> Self {
        let first = before.first().map(|value| (*value).into());
        let mut motion =
            Self { name: name.to_owned(), first, before: 0.0, after: 0.0, change: 0.0 };
        for (a, b) in before.iter().zip(after) {
            let (a, b): (f64, f64) = ((*a).into(), (*b).into());
            motion.before += a * a;
            motion.after += b * b;
            motion.change += (b - a) * (b - a);
        }
        motion
    }
}
