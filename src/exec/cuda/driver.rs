//! What the CUDA target asks of a device: the GPU, or what stands in for one in tests.

use crate::lower::ExecError;

/// A kernel that was compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelId(pub usize);

/// Memory of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryId(pub usize);

/// Launches that were recorded together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraphId(pub usize);

/// An argument of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// The address of memory, so many bytes behind its beginning.
    Memory(MemoryId, usize),
    /// A number of 64 bits.
    Size(u64),
}

/// One launch of blocks of [`crate::kernels::cuda::THREADS`] threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What runs.
    pub kernel: KernelId,
    /// Blocks along x, y and z.
    pub grid: [u32; 3],
    /// Bytes of shared memory of a block.
    pub shared: u32,
    /// The arguments in order.
    pub arguments: Vec<Argument>,
}

/// A text to compile with the names of its kernels.
#[derive(Clone, Debug)]
pub struct Module {
    /// CUDA C++ without headers.
    pub source: String,
    /// Kernels of the text.
    pub kernels: Vec<String>,
}

/// A device with its memory and kernels. All work is done in the order of the calls.
pub trait Driver: Send {
    /// Compiles texts; the kernels of each in the order of their names.
    ///
    /// # Errors
    /// [`ExecError`] when a text is refused or the device fails.
    fn compile(&mut self, modules: &[Module]) -> Result<Vec<Vec<KernelId>>, ExecError>;

    /// Memory of so many bytes, zeros.
    ///
    /// # Errors
    /// [`ExecError`] when there is not as much.
    fn alloc(&mut self, bytes: usize) -> Result<MemoryId, ExecError>;

    /// Gives memory back; nothing uses it any more.
    ///
    /// # Errors
    /// [`ExecError`] when the device fails.
    fn free(&mut self, memory: MemoryId) -> Result<(), ExecError>;

    /// Copies bytes to the device.
    ///
    /// # Errors
    /// [`ExecError`] when the device fails.
    fn upload(&mut self, to: MemoryId, offset: usize, bytes: &[u8]) -> Result<(), ExecError>;

    /// Copies bytes from the device, after all work before.
    ///
    /// # Errors
    /// [`ExecError`] when the device or the work failed.
    fn download(&self, from: MemoryId, offset: usize, bytes: &mut [u8]) -> Result<(), ExecError>;

    /// Keeps launches, one after the other, as one piece of work.
    ///
    /// # Errors
    /// [`ExecError`] when the device fails.
    fn record(&mut self, calls: &[Call]) -> Result<GraphId, ExecError>;

    /// Starts recorded work.
    ///
    /// # Errors
    /// [`ExecError`] when the device fails.
    fn run(&mut self, graph: GraphId) -> Result<(), ExecError>;

    /// The device in words: `cuda sm_90`.
    fn name(&self) -> String;
}
