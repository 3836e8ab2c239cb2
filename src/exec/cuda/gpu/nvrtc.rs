//! Kernels from text to machine code, kept by what they were made of.

use std::ffi::{CStr, CString, c_char};
use std::path::PathBuf;
use std::sync::Arc;

use cudarc::nvrtc::{result, sys};
use sha2::{Digest, Sha256};

use super::{Cache, GpuError, library};
use crate::exec::cuda::Module;

/// Options that decide about bits: products are fused into sums, denormal numbers stay, divisions and roots are exact.
const OPTIONS: [&str; 6] = [
    "--std=c++17",
    "--fmad=true",
    "--ftz=false",
    "--prec-div=true",
    "--prec-sqrt=true",
    "--disable-warnings",
];

/// Machine code of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cubin(pub Vec<u8>);

/// Machine code, and whether it was kept from an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The code.
    pub cubin: Cubin,
    /// Whether nothing was compiled.
    pub is_kept: bool,
}

/// NVRTC for one architecture.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "a cache has nothing to show")]
pub struct Compiler {
    architecture: String,
    version: (i32, i32),
    cache: Option<Arc<dyn Cache>>,
}

impl Compiler {
    /// Finds NVRTC, also in `folders`; `architecture` is such as `sm_90`.
    ///
    /// # Errors
    /// [`GpuError::NoNvrtc`].
    pub fn new(
        architecture: &str,
        folders: &[PathBuf],
        cache: Option<Arc<dyn Cache>>,
    ) -> Result<Self, GpuError> {
        library::find_nvrtc(folders)?;
        Ok(Self { architecture: architecture.to_owned(), version: version()?, cache })
    }

    /// Machine code of a text.
    ///
    /// # Errors
    /// [`GpuError::Kernel`] with what the compiler said.
    pub fn compile(&self, source: &str) -> Result<Image, GpuError> {
        let key = self.key(source);
        if let Some(cubin) = self.cache.as_ref().and_then(|cache| cache.get(&key)) {
            return Ok(Image { cubin: Cubin(cubin), is_kept: true });
        }
        let cubin = compile(source, &self.architecture)?;
        if let Some(cache) = &self.cache {
            cache.put(&key, &cubin);
        }
        Ok(Image { cubin: Cubin(cubin), is_kept: false })
    }

    /// What machine code depends on.
    fn key(&self, source: &str) -> String {
        let mut hasher = Sha256::new();
        hasher.update(format!("{:?} {:?} {}\n", OPTIONS, self.version, self.architecture));
        hasher.update(source);
        crate::ir::hex(&hasher.finalize())
    }
}

/// Compiles texts side by side; the images in their order.
pub fn compile_all(compiler: &Compiler, modules: &[Module]) -> Vec<Result<Image, GpuError>> {
    std::thread::scope(|scope| {
        let started: Vec<_> = modules
            .iter()
            .map(|module| scope.spawn(move || compiler.compile(&module.source)))
            .collect();
        let ended = started.into_iter().map(std::thread::ScopedJoinHandle::join);
        ended.map(|image| image.expect("the compiler does not panic")).collect()
    })
}

#[expect(unsafe_code, reason = "a call of NVRTC")]
fn version() -> Result<(i32, i32), GpuError> {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: both addresses are those of integers that live through the call.
    let status = unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) };
    status.result().map_err(refused)?;
    Ok((major, minor))
}

fn refused(error: result::NvrtcError) -> GpuError {
    GpuError::Kernel { log: error.to_string() }
}

#[expect(unsafe_code, reason = "calls of NVRTC")]
fn compile(source: &str, architecture: &str) -> Result<Vec<u8>, GpuError> {
    let text =
        CString::new(source).map_err(|_| GpuError::Kernel { log: "a zero byte".to_owned() })?;
    let program = result::create_program(&text, None).map_err(refused)?;
    let architecture = format!("--gpu-architecture={architecture}");
    let options: Vec<&str> = OPTIONS.into_iter().chain([architecture.as_str()]).collect();
    // SAFETY: the program was made above and is destroyed below.
    let compiled = unsafe { result::compile_program(program, &options) };
    let image = match compiled {
        Ok(()) => cubin(program),
        Err(error) => {
            // SAFETY: the program was made above and is destroyed below.
            let log = unsafe { result::get_program_log(program) };
            let log = log.map_or_else(|_| error.to_string(), |log| words(&log));
            Err(GpuError::Kernel { log })
        }
    };
    // SAFETY: the program was made above and is not used again.
    unsafe { result::destroy_program(program) }.map_err(refused)?;
    image
}

#[expect(unsafe_code, reason = "calls of NVRTC")]
fn cubin(program: sys::nvrtcProgram) -> Result<Vec<u8>, GpuError> {
    let mut size = 0;
    // SAFETY: the program is alive, and the address is that of an integer.
    let status = unsafe { sys::nvrtcGetCUBINSize(program, &raw mut size) };
    status.result().map_err(refused)?;
    let mut image = vec![0_u8; size];
    // SAFETY: the program is alive, and the buffer has the size that it stated.
    let status = unsafe { sys::nvrtcGetCUBIN(program, image.as_mut_ptr().cast::<c_char>()) };
    status.result().map_err(refused)?;
    Ok(image)
}

/// The first lines of a log.
fn words(log: &[c_char]) -> String {
    const LINES: usize = 12;
    let bytes: Vec<u8> = log.iter().map(|byte| *byte as u8).collect();
    let text = CStr::from_bytes_until_nul(&bytes).map(|text| text.to_string_lossy().into_owned());
    text.unwrap_or_default().lines().take(LINES).collect::<Vec<_>>().join("\n")
}
