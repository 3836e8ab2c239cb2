//! Which runs of a sweep step together on a GPU.

use crate::experiment::{Experiment, may_step_together};

/// Most runs that step together: with more, a step and run takes no less time.
const MOST: usize = 64;

/// Experiments whose runs may step together.
struct Kin<'a> {
    /// The first of them.
    lead: Experiment<'a>,
    /// Runs of them that find room.
    most: usize,
}

/// Groups of tasks: those of one experiment, and of experiments that differ in numbers only, as far as they find room.
///
/// `cells` are experiments with the tasks of their seeds, `None` for one that cannot be prepared, which says so when its turn
/// comes; `room` tells how many runs of an experiment find room in all.
pub fn step_together(
    cells: Vec<(Option<Experiment<'_>>, Vec<usize>)>,
    room: impl Fn(&Experiment<'_>) -> usize,
) -> Vec<Vec<usize>> {
    let mut kins: Vec<Kin<'_>> = vec![];
    // Each with the kin that it is of.
    let mut groups: Vec<(Option<usize>, Vec<usize>)> = vec![];
    for (experiment, tasks) in cells {
        let kin = experiment.map(|own| {
            let known = kins.iter().position(|kin| may_step_together(&kin.lead, &own));
            known.unwrap_or_else(|| {
                kins.push(Kin { most: room(&own).clamp(1, MOST), lead: own });
                kins.len() - 1
            })
        });
        let most = kin.map_or(1, |kin| kins[kin].most);
        for tasks in tasks.chunks(most) {
            let fits = |(of, known): &&mut (Option<usize>, Vec<usize>)| {
                kin.is_some() && *of == kin && known.len() + tasks.len() <= most
            };
            match groups.iter_mut().find(fits) {
                Some((_, known)) => known.extend(tasks),
                None => groups.push((kin, tasks.to_vec())),
            }
        }
    }
    groups.into_iter().map(|(_, tasks)| tasks).collect()
}
