//! The plan as stable text, for `--emit plan`: one line per step, equal plans give equal bytes.

use std::fmt::{self, Write as _};

use super::types::{Owner, ReferencePhase, ReferencePlan, ReferenceStep};
use crate::ir::{Kind, Op};
use crate::lower::Target;

impl fmt::Display for ReferencePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables = &self.tables;
        writeln!(f, "plan for {}", Target::Reference.name())?;
        writeln!(f, "parameters: {} elements", tables.param_elements())?;
        for param in &tables.params {
            writeln!(f, "  {} {}", param.name, param.shape)?;
        }
        writeln!(f, "kept between steps: {} elements", tables.buffer_elements())?;
        for buffer in &tables.buffers {
            writeln!(f, "  {} {}", buffer.name, buffer.shape)?;
        }
        for phase in self.phases.iter() {
            writeln!(f)?;
            self.write_phase(f, phase)?;
        }
        Ok(())
    }
}

impl ReferencePlan {
    fn write_phase(&self, f: &mut fmt::Formatter<'_>, phase: &ReferencePhase) -> fmt::Result {
        let peak = phase.peak_footprint();
        writeln!(
            f,
            "{}: {} steps, at most n * {} + {} elements at once",
            phase.name,
            phase.steps.len(),
            peak.per_sample,
            peak.fixed
        )?;
        let constants = constants(phase);
        for (idx, step) in phase.steps.iter().enumerate() {
            self.write_step(f, phase, step, constants[idx])?;
        }
        for (name, value) in &phase.outputs.named {
            writeln!(f, "  {name} is %{}", value.0)?;
        }
        for write in &phase.writes {
            writeln!(f, "  {} := %{}", self.tables.written(write.target), write.value.0)?;
        }
        Ok(())
    }

    fn write_step(
        &self,
        f: &mut fmt::Formatter<'_>,
        phase: &ReferencePhase,
        step: &ReferenceStep,
        is_constant: bool,
    ) -> fmt::Result {
        let value = phase.value(step.output);
        let mut line = format!("  %{} {}", step.output.0, value.shape);
        if value.kind == Kind::Index {
            line.push_str(" index");
        }
        line.push_str(match (value.shape.batched, is_constant) {
            (true, _) => "",
            (false, true) => " constant",
            (false, false) => " parameter",
        });
        match value.owner {
            Owner::Own => write!(line, " {}..{}", value.first, value.last)?,
            Owner::View(root) => write!(line, " view of %{}", root.0)?,
            Owner::Param(_) | Owner::Buffer(_) => {}
        }
        line.push_str(" = ");
        if let Op::Param(id) = &step.op {
            line.push_str(&self.tables.params[id.0 as usize].name);
        } else if let Op::Buffer(id) = &step.op {
            line.push_str(&self.tables.buffers[id.0 as usize].name);
        } else {
            line.push_str(&step.op.to_string());
        }
        for input in &step.inputs {
            write!(line, " %{}", input.0)?;
        }
        if let Some(layer) = step.layer {
            write!(line, "  // {}", self.tables.layer(layer))?;
        }
        writeln!(f, "{line}")
    }
}

/// For each step whether its result is the same in every run of the phase.
fn constants(phase: &ReferencePhase) -> Vec<bool> {
    let mut constants = Vec::with_capacity(phase.steps.len());
    for step in &phase.steps {
        let of_input = |id: &crate::lower::ValueId| constants[phase.value(*id).first];
        let from_constants = !step.inputs.is_empty() && step.inputs.iter().all(of_input);
        constants.push(matches!(step.op, Op::Const(_)) || from_constants);
    }
    constants
}
