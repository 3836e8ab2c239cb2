//! The plan as stable text, for `--emit plan`: one line for each launch and each of its tasks.

use std::fmt::{self, Write as _};

use super::types::{CudaPhase, CudaPlan, Task};
use crate::lower::Target;

impl fmt::Display for CudaPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables = &self.tables;
        writeln!(f, "plan for {}, batches of {}", Target::Cuda.name(), self.options.batch)?;
        writeln!(f, "parameters: {} elements", tables.param_elements())?;
        writeln!(f, "kept between steps: {} elements", tables.buffer_elements())?;
        writeln!(
            f,
            "memory of a replica: {} floats, {} words of feed",
            self.memory.len, self.feed.len
        )?;
        for phase in self.phases.iter() {
            writeln!(f)?;
            self.write_phase(f, phase)?;
        }
        Ok(())
    }
}

impl CudaPlan {
    fn write_phase(&self, f: &mut fmt::Formatter<'_>, phase: &CudaPhase) -> fmt::Result {
        writeln!(f, "{}: {} launches", phase.name, phase.launches.len())?;
        for launch in &phase.launches {
            writeln!(
                f,
                "  {}: {} blocks, {} bytes shared",
                launch.name, launch.blocks, launch.shared
            )?;
            for task in &launch.tasks {
                writeln!(f, "    {}", self.task(task))?;
            }
        }
        Ok(())
    }

    fn task(&self, task: &Task) -> String {
        let mut line =
            format!("{} blocks={}: {} {}", task.kind.name(), task.blocks, task.word, task.shape);
        if task.n_members > 1 {
            let _ = write!(line, " and {} more", task.n_members - 1);
        }
        let _ = write!(line, ", {} stored", task.n_stored);
        if !task.writes.is_empty() {
            let names: Vec<&str> =
                task.writes.iter().map(|write| self.tables.written(*write)).collect();
            let _ = write!(line, ", writes {}", names.join(" "));
        }
        if let Some(layer) = task.layer {
            let _ = write!(line, "  // {}", self.tables.layer(layer));
        }
        line
    }
}
