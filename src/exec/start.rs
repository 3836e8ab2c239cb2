//! The state a run starts from: parameters drawn or loaded, then R(θ₀) and the scales that follow from it.

use std::collections::BTreeMap;

use super::aligned::{self, Pair};
use super::exchange::{bind, size_with};
use super::init::{entry, init};
use super::tensor::Real;
use crate::diag::{Code, Diagnostic, Span, ToDiagnostic};
use crate::grad::Joint;
use crate::ir::{Buffer, BufferRole, ParamRole};
use crate::loss::{LossError, initial_scales, uses_size};
use crate::lower::{DType, ExecError, HostTensor, State, StateEntry, reference, shape_text};
use crate::model::Loss;

/// A state with what is worth telling about how it came to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// Parameters and buffers.
    pub state: State,
    /// R(θ₀), where defined.
    pub size: Option<f64>,
    /// Tensors of the file that the net does not have, in the order of the file.
    pub extra: Vec<String>,
}

/// A run cannot start.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StartError {
    /// The file of initial weights lacks a tensor.
    #[error("`{name}` is missing")]
    Missing {
        /// The tensor.
        name: String,
        /// Its shape in the net.
        expected: Vec<usize>,
    },
    /// The file of initial weights has tensors under other names.
    #[error("{} tensors are missing under their names", pairs.len())]
    Names {
        /// The missing ones, each with one of the file that may be meant.
        pairs: Vec<Pair>,
        /// The other tensors of the file that the net does not have.
        left: Vec<String>,
    },
    /// A tensor of the file has another shape.
    #[error("`{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// Its shape in the net.
        expected: Vec<usize>,
    },
    /// A scale of the loss has no value.
    #[error(transparent)]
    Scale(#[from] LossError),
    /// The form divides by R, and R of the initial parameters is not a positive number of the dtype.
    #[error("R of the initial parameters is {size}")]
    Size {
        /// R in double precision.
        size: f64,
        /// The smallest and the largest positive number of the dtype.
        range: (f64, f64),
        /// The loss.
        span: Span,
    },
    /// The state does not fit the graph.
    #[error(transparent)]
    Exec(#[from] ExecError),
}

impl ToDiagnostic for StartError {
    fn to_diagnostic(&self) -> Diagnostic {
        match self {
            Self::Missing { name, expected } => {
                Diagnostic::new(Code::E0711, format!("no `{name}` in the file of initial weights"))
                    .expected(format!("a tensor `{name}` of shape {}", shape_text(expected)))
                    .help(format!("add `{name}` to the file, or leave `--init` out"))
            }
            Self::Names { pairs, left } => {
                let title = "the file of initial weights has other names";
                let mut diagnostic = Diagnostic::new(Code::E0719, title).note(format!(
                    "names of the net, and those of the file that may be meant:\n{}",
                    aligned::lines(pairs)
                ));
                if !left.is_empty() {
                    diagnostic = diagnostic.note(format!("also in the file: {}", left.join(", ")));
                }
                diagnostic
                    .expected("the names of the net")
                    .help("put these lines into a file, mend them, and add `--init-map FILE`")
            }
            Self::Shape { name, found, expected } => {
                Diagnostic::new(Code::E0712, format!("`{name}` has another shape in the file"))
                    .note(format!("found: shape {}", shape_text(found)))
                    .expected(format!("shape {}, as in the net", shape_text(expected)))
                    .help("give a file written for this net, or change the layer")
            }
            Self::Scale(error) => error.to_diagnostic(),
            Self::Size { size, range: (smallest, largest), span } => {
                Diagnostic::new(Code::E0710, "logits cannot be divided by R of the initial weights")
                    .label(*span, format!("found R = {size:.3e}"))
                    .expected(format!("R from {smallest:.1e} to {largest:.1e}"))
                    .help("choose another `init` or `size`")
            }
            Self::Exec(error) => error.to_diagnostic(),
        }
    }
}

/// Parameters from `seed`, or from `file` where one is given; then R(θ₀) in double precision and the scales of `loss`.
///
/// Running statistics that the file lacks start at 0 and 1. Scales always follow from R(θ₀), also where the file has
/// some. Values are rounded to `dtype` before R is taken.
///
/// # Errors
/// [`StartError`] when the file does not fit the net, or R or a scale is not a number that the run can use.
pub fn initial_state(
    joint: &Joint,
    loss: &Loss,
    seed: u64,
    dtype: DType,
    file: Option<&[StateEntry]>,
) -> Result<Start, StartError> {
    let (params, buffers) = (&joint.eval.params, &joint.eval.buffers);
    let mut state = init(params, buffers, seed, dtype);
    let mut extra = vec![];
    if let Some(file) = file {
        let mut unread: BTreeMap<&str, &StateEntry> =
            file.iter().map(|entry| (entry.name.as_str(), entry)).collect();
        let (mut missing, mut statistics) = (vec![], vec![]);
        for (param, slot) in params.iter().zip(&mut state.params) {
            if param.role == ParamRole::Scale {
                continue;
            }
            match unread.remove(param.name.as_str()) {
                Some(found) => replace(slot, found, dtype)?,
                None => missing.push((param.name.clone(), param.shape.dims.clone())),
            }
        }
        for (buffer, slot) in buffers.iter().zip(&mut state.buffers) {
            let is_statistic =
                matches!(buffer.role, BufferRole::RunningMean | BufferRole::RunningVar);
            if let Some(found) = unread.remove(buffer.name.as_str()).filter(|_| is_statistic) {
                replace(slot, found, dtype)?;
            } else if is_statistic {
                statistics.push((buffer.name.clone(), buffer.shape.dims.clone()));
            }
        }
        refuse_other_names(missing, statistics, &unread)?;
        let names = file.iter().map(|entry| entry.name.clone());
        extra.extend(names.filter(|name| unread.contains_key(name.as_str())));
    }
    begin_averages(buffers, &mut state);
    let range @ (smallest, largest) = match dtype {
        DType::F32 => (f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX)),
        DType::F64 => (f64::MIN_POSITIVE, f64::MAX),
    };
    let size = size_of(joint, &state)?;
    if let Some(size) =
        size.filter(|size| uses_size(&loss.form) && !(smallest..=largest).contains(size))
    {
        return Err(StartError::Size { size, range, span: loss.span });
    }
    let scales = initial_scales(loss, size, largest)?;
    for entry in &mut state.params {
        if let Some(value) = scales.get(&entry.name) {
            *entry = self::entry(&entry.name, &entry.shape, vec![*value], dtype);
        }
    }
    for (buffer, entry) in buffers.iter().zip(&mut state.buffers) {
        let given = match buffer.role {
            BufferRole::InitialSize => size.map(|size| vec![size]),
            BufferRole::ClassWeights => loss.base.class_weights().map(<[f64]>::to_vec),
            BufferRole::RunningMean
            | BufferRole::RunningVar
            | BufferRole::Optimizer(_)
            | BufferRole::Saved(_)
            | BufferRole::Average(_)
            | BufferRole::AverageOf(_) => None,
        };
        if let Some(values) = given {
            *entry = self::entry(&entry.name, &entry.shape, values, dtype);
        }
    }
    begin_averages(buffers, &mut state);
    Ok(Start { state, size, extra })
}

/// Averages start as what they are averages of.
fn begin_averages(buffers: &[Buffer], state: &mut State) {
    for (at, buffer) in buffers.iter().enumerate() {
        let of = match buffer.role {
            BufferRole::Average(id) => &state.params[id.0 as usize],
            BufferRole::AverageOf(id) => &state.buffers[id.0 as usize],
            BufferRole::RunningMean
            | BufferRole::RunningVar
            | BufferRole::Optimizer(_)
            | BufferRole::Saved(_)
            | BufferRole::InitialSize
            | BufferRole::ClassWeights => continue,
        };
        let values = of.values.clone();
        state.buffers[at].values = values;
    }
}

/// R(θ) of a state in double precision, where defined.
///
/// # Errors
/// [`ExecError`] when the state does not fit the graph.
pub fn size_of(joint: &Joint, state: &State) -> Result<Option<f64>, ExecError> {
    let Some(graph) = &joint.size else {
        return Ok(None);
    };
    let phase = reference::phase("size", graph);
    let params = joint.eval.params.iter().map(|p| (p.name.as_str(), &p.shape));
    let buffers = joint.eval.buffers.iter().map(|b| (b.name.as_str(), &b.shape));
    let params = bind(params, &state.params, DType::F64)?;
    let buffers = bind(buffers, &state.buffers, DType::F64)?;
    size_with(&phase, &params, &buffers).map(Some)
}

/// An error where a trainable tensor is missing; with names of the file beside those of the net where it has any left.
fn refuse_other_names(
    mut missing: Vec<(String, Vec<usize>)>,
    statistics: Vec<(String, Vec<usize>)>,
    unread: &BTreeMap<&str, &StateEntry>,
) -> Result<(), StartError> {
    let Some((name, expected)) = missing.first().cloned() else { return Ok(()) };
    // Scales of a loss stand for nothing in a net.
    let unread = unread.values().filter(|entry| !entry.name.starts_with("loss."));
    let unread: Vec<&StateEntry> = unread.copied().collect();
    if unread.is_empty() {
        return Err(StartError::Missing { name, expected });
    }
    missing.extend(statistics);
    let (pairs, left) = aligned::aligned(&missing, &unread);
    Err(StartError::Names { pairs, left })
}

fn replace(slot: &mut StateEntry, found: &StateEntry, dtype: DType) -> Result<(), StartError> {
    if slot.shape != found.shape {
        return Err(StartError::Shape {
            name: slot.name.clone(),
            found: found.shape.clone(),
            expected: slot.shape.clone(),
        });
    }
    slot.values = match dtype {
        DType::F32 => HostTensor::F32(f32::from_host(&found.values)),
        DType::F64 => HostTensor::F64(f64::from_host(&found.values)),
    };
    Ok(())
}
