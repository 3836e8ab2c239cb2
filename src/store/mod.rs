//! Run directories: what a run leaves on disk, so that nothing is lost and everything can be checked.
//!
//! Files are written aside, synced and renamed; a checkpoint is one file, so it is whole or absent.
//! A lock keeps a second process out of a directory.

mod atomic;
mod best;
mod bytes;
mod checkpoint;
mod copies;
mod error;
mod folders;
mod kernel_folder;
mod lines;
mod owner;
mod position;
mod rename;
mod replace;
mod run_dir;
mod seen;
mod spec;
mod tensors;

pub use atomic::{read_json, read_text, write_atomic, write_files, write_shared};
pub use best::Best;
pub use bytes::StoredFile;
pub use error::StoreError;
pub use folders::{absolute, specs_below};
pub use kernel_folder::KernelFolder;
pub use lines::LineFile;
pub use owner::Owner;
pub use position::{Checkpoint, Position, Tail};
pub use replace::{create, read_at_most, replace};
pub use run_dir::{IDENTITY_EDITION, Identity, Opened, RunDir};
pub use seen::Seen;
pub use spec::{UnreadableSpec, read_import, read_spec};
pub use tensors::{Logits, TensorFile, read_tensors, write_logits, write_tensors};
