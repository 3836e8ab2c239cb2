//! The GPU behind [`super::Driver`]: CUDA's driver for memory and launches, NVRTC for kernels.
//!
//! Both libraries are looked for before anything of theirs is called, so that a program without CUDA gets an error and no
//! panic.

mod device;
mod error;
mod library;
mod nvrtc;

pub use device::{Gpu, GpuInfo, check, devices};
pub use error::GpuError;
#[cfg(feature = "candle-cuda")]
pub use library::check_math;
pub use library::{python_folders, toolkit_folders};
pub use nvrtc::{Compiler, Cubin, Image, compile_all};

/// Keeps compiled kernels between runs.
pub trait Cache: Send + Sync {
    /// What is kept under a key.
    fn get(&self, key: &str) -> Option<Vec<u8>>;

    /// Keeps an image under a key; where it cannot, it is compiled again another time.
    fn put(&self, key: &str, image: &[u8]);
}
