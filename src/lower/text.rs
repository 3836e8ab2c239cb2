//! Plans as text for people and snapshots: one line per step, the same bytes for the same plan.

use std::fmt::{self, Write as _};

use crate::ir::{self, Kind, Op};

use super::plan::{Kernel, Place, Plan, Scope, Stage, Step};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plan for {}", self.target.name())?;
        writeln!(f, "parameters: {} elements", self.param_elements())?;
        for param in &self.params {
            writeln!(f, "  {} {}", param.name, param.shape)?;
        }
        writeln!(f, "kept between steps: {} elements", self.buffer_elements())?;
        for buffer in &self.buffers {
            writeln!(f, "  {} {}", buffer.name, buffer.shape)?;
        }
        for stage in self.stages() {
            writeln!(f)?;
            self.write_stage(f, stage)?;
        }
        Ok(())
    }
}

impl Plan {
    fn write_stage(&self, f: &mut fmt::Formatter<'_>, stage: &Stage) -> fmt::Result {
        let peak = stage.peak_footprint();
        writeln!(
            f,
            "{}: {} steps, at most n * {} + {} elements at once",
            stage.name,
            stage.steps.len(),
            peak.per_sample,
            peak.fixed
        )?;
        for step in &stage.steps {
            self.write_step(f, stage, step)?;
        }
        for (name, slot) in &stage.outputs {
            writeln!(f, "  {name} is %{}", slot.0)?;
        }
        for write in &stage.writes {
            let name = match write.target {
                ir::Target::Param(id) => &self.params[id.0 as usize].name,
                ir::Target::Buffer(id) => &self.buffers[id.0 as usize].name,
            };
            writeln!(f, "  {name} := %{}", write.value.0)?;
        }
        Ok(())
    }

    fn write_step(&self, f: &mut fmt::Formatter<'_>, stage: &Stage, step: &Step) -> fmt::Result {
        let mut line = String::from(" ");
        for output in &step.outputs {
            let slot = stage.slot(*output);
            write!(line, " %{} {}", output.0, slot.shape)?;
            if slot.kind == Kind::Index {
                line.push_str(" index");
            }
            line.push_str(match slot.scope {
                Scope::Sample => "",
                Scope::Parameter => " parameter",
                Scope::Constant => " constant",
            });
            match slot.place {
                Place::Own => write!(line, " {}..{}", slot.first, slot.last)?,
                Place::View(root) => write!(line, " view of %{}", root.0)?,
                Place::Param(_) | Place::Buffer(_) => {}
            }
        }
        line.push_str(" = ");
        line.push_str(&match &step.kernel {
            Kernel::Op(Op::Param(id)) => self.params[id.0 as usize].name.clone(),
            Kernel::Op(Op::Buffer(id)) => self.buffers[id.0 as usize].name.clone(),
            Kernel::Op(op) => op.to_string(),
        });
        for input in &step.inputs {
            write!(line, " %{}", input.0)?;
        }
        if let Some(layer) = step.layer {
            write!(line, "  // {}", self.layers[layer.0 as usize].name)?;
        }
        writeln!(f, "{line}")
    }
}
