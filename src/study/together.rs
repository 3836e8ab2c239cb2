//! Which runs of a sweep step together on a GPU.

use crate::experiment::{Experiment, may_step_together};

/// Most runs that step together: with more, a step and run takes no less time.
const MOST: usize = 64;

/// Tasks of runs that step together.
struct Group<'a> {
    /// The experiment of its first runs; `None` for runs that cannot be prepared, which say so when their turn comes.
    lead: Option<Experiment<'a>>,
    /// Tasks that it has room for.
    most: usize,
    tasks: Vec<usize>,
}

/// Groups of tasks: those of one experiment, and of experiments that differ in numbers only, as far as they find room.
///
/// `cells` are experiments with the tasks of their seeds; `room` tells how many runs of an experiment find room in all.
pub fn step_together(
    cells: Vec<(Option<Experiment<'_>>, Vec<usize>)>,
    room: impl Fn(&Experiment<'_>) -> usize,
) -> Vec<Vec<usize>> {
    let mut groups: Vec<Group<'_>> = vec![];
    for (experiment, tasks) in cells {
        let most = experiment.as_ref().map_or(1, &room).clamp(1, MOST);
        for tasks in tasks.chunks(most) {
            let fits = |group: &&mut Group<'_>| {
                let pair = group.lead.as_ref().zip(experiment.as_ref());
                group.tasks.len() + tasks.len() <= group.most
                    && pair.is_some_and(|(lead, own)| may_step_together(lead, own))
            };
            if let Some(group) = groups.iter_mut().find(fits) {
                group.tasks.extend(tasks);
            } else {
                groups.push(Group { lead: experiment.clone(), most, tasks: tasks.to_vec() });
            }
        }
    }
    groups.into_iter().map(|group| group.tasks).collect()
}
