//! How many runs are made at once, and with how many threads each.

/// How the processors of a machine are shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Runs at once.
    pub jobs: usize,
    /// Threads of each.
    pub threads: usize,
}

/// Shares `processors` among `n_runs` runs, as far as neither number is given. Where both are free, a few steps of one run
/// say whether it gains from threads; `measure` gives the seconds of a step with so many.
pub fn share(
    processors: usize,
    n_runs: usize,
    jobs: Option<usize>,
    threads: Option<usize>,
    mut measure: impl FnMut(usize) -> Option<f64>,
) -> Share {
    let most = n_runs.max(1);
    match (jobs, threads) {
        (Some(jobs), Some(threads)) => Share { jobs: jobs.min(most), threads },
        (Some(jobs), None) => {
            let jobs = jobs.min(most);
            Share { jobs, threads: (processors / jobs).max(1) }
        }
        (None, Some(threads)) => Share { jobs: (processors / threads).clamp(1, most), threads },
        (None, None) if processors < 2 || most < 2 => Share { jobs: 1, threads: processors },
        (None, None) => {
            let jobs = processors.min(most);
            let together = Share { jobs, threads: processors / jobs };
            let alone = Share { jobs: 1, threads: processors };
            match (measure(together.threads), measure(alone.threads)) {
                // Steps for all jobs at once against one after the other.
                (Some(slow), Some(fast)) if slow > fast * jobs as f64 => alone,
                _ => together,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_shared_by_what_steps_take() {
        let scales = |threads: usize| Some(1.0 / threads as f64);
        let does_not = |_: usize| Some(1.0);
        let overhead = |threads: usize| Some(if threads == 1 { 1.0 } else { 0.1 });
        assert_eq!(share(4, 10, None, None, scales), Share { jobs: 4, threads: 1 });
        assert_eq!(share(4, 10, None, None, does_not), Share { jobs: 4, threads: 1 });
        assert_eq!(share(4, 10, None, None, overhead), Share { jobs: 1, threads: 4 });
        assert_eq!(share(8, 3, None, None, does_not), Share { jobs: 3, threads: 2 });
        assert_eq!(share(4, 1, None, None, |_| unreachable!()), Share { jobs: 1, threads: 4 });
        assert_eq!(share(4, 10, Some(2), None, |_| None), Share { jobs: 2, threads: 2 });
        assert_eq!(share(4, 10, None, Some(3), |_| None), Share { jobs: 1, threads: 3 });
        assert_eq!(share(2, 3, Some(8), Some(1), |_| None), Share { jobs: 3, threads: 1 });
    }
}
