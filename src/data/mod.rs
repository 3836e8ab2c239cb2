//! Data sets: where they are, what they hold, the batches taken from them.
//!
//! In: a [`DataSpec`] from the model and the [`Locations`] of this machine. Out: a [`Description`] for the compiler, or a
//! [`Dataset`] for training, whose every value is finite and whose every label is a class. Files of others are not trusted: what
//! they declare is bounded before memory is taken, and what is wrong with them is a coded error naming file and offset.

mod augment;
mod cifar;
mod classes;
mod composition;
mod dataset;
mod digits;
mod error;
mod failure;
pub mod fetch;
mod files;
mod gather;
mod hold_out;
mod idx;
mod load;
mod locations;
mod message;
mod named;
mod noise;
mod normalize;
mod npy;
mod order;
mod own;
mod rounding;
mod spec;
mod split;
mod sums;
mod synthetic;
mod table;
mod table_message;
mod verify;

pub use augment::{Augment, Draw};
pub use composition::{Absent, Finding, GLANCE_BYTES, Remedy, Share, composition, glance};
pub use dataset::Dataset;
pub use error::{Action, DataError, PathProblem};
pub use failure::{ArchiveProblem, Attempt, Failure};
pub use load::{Description, describe, load};
pub use locations::Locations;
pub use named::NamedSet;
pub use noise::{LabelNoise, NoiseKind};
pub use normalize::{ChannelNorm, Element, Normalization};
pub use order::{in_order, order};
pub use rounding::Merged;
pub use spec::{
    CsvSource, DataSpec, HeldOut, Normalize, NpyPair, NpySource, Source, Synthetic, SyntheticKind,
};
pub use split::{Pixels, Split};
pub use verify::{Verified, counts, verify};
