//! Groups of arguments that commands of runs share.

use std::path::PathBuf;

use super::choice::{Words, choice};
use crate::experiment::{At, Device, Machine};
use crate::kernels::isa::IsaKind;
use crate::lower::{DType, Precision};
use crate::terminal::environment;

/// Which machine a run uses.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MachineArgs {
    /// `auto`, `cpu`, `cuda` or `cuda:1`.
    #[arg(long, default_value_t)]
    device: Device,

    /// Threads to use [default: all processors].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    /// Precision.
    #[arg(long, value_parser = choice(DTYPES), default_value = "f32")]
    dtype: DType,

    /// How a GPU takes matrix products; `tf32` is part of a run's identity.
    #[arg(long, value_parser = choice(PRECISIONS), default_value = "f32")]
    precision: Precision,

    /// Use the reference executor, operation by operation.
    #[arg(long)]
    no_fuse: bool,

    /// Instruction set of fused kernels; `avx512` and `avx2` give the same bits.
    #[arg(long, value_parser = choice(ISAS), default_value = "auto")]
    isa: Isa,
}

impl MachineArgs {
    /// The machine asked for.
    pub(crate) fn machine(&self) -> Machine {
        Machine {
            device: self.device,
            threads: self.threads(),
            dtype: self.dtype,
            precision: self.precision,
            fused: !self.no_fuse,
            isa: self.isa,
        }
    }

    /// The same with `auto` decided, for runs whose names depend on it before they are prepared.
    pub(crate) fn decided(&self) -> Machine {
        self.machine().decided(&environment::gpu_places().libraries).0
    }

    /// Threads that are asked for.
    pub(crate) fn given(&self) -> Option<usize> {
        self.threads.map(usize::from)
    }

    /// Threads to use.
    pub(crate) fn threads(&self) -> usize {
        self.threads.map_or_else(environment::processors, usize::from)
    }
}

/// What `--isa` asks for; the name keeps clap from making the argument optional.
type Isa = Option<IsaKind>;

/// `--isa`.
const ISAS: Words<Isa> = &[
    ("auto", "The fastest of this processor", None),
    ("avx512", "16 lanes in a register", Some(IsaKind::Avx512)),
    ("avx2", "8 lanes in a register, fused multiply-add", Some(IsaKind::Avx2)),
    ("portable", "No vector instructions beyond the baseline; other bits", Some(IsaKind::Portable)),
];

/// `--dtype`.
const DTYPES: Words<DType> = &[
    ("f32", "32-bit floating point", DType::F32),
    ("f64", "64-bit floating point, slow, for checks", DType::F64),
];

/// `--precision`.
const PRECISIONS: Words<Precision> = &[
    ("f32", "By fused multiply-adds", Precision::F32),
    ("tf32", "On tensor cores: factors with 10 bits of mantissa, sums in f32", Precision::Tf32),
];

/// Which weights of a run are meant.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct AtArgs {
    /// The weights of the end, or those that `keep = best(…)` kept.
    #[arg(long, value_parser = choice(WEIGHTS), default_value = "last")]
    pub(crate) at: At,
}

/// `--at`.
const WEIGHTS: Words<At> = &[
    ("last", "Those of the last checkpoint", At::Last),
    ("best", "Those of the best epoch", At::Best),
];

/// Where data comes from.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DataPlace {
    /// Folder with data sets [default: $SPECC_DATA, then the user cache].
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Never fetch anything.
    #[arg(long)]
    pub(crate) offline: bool,
}
