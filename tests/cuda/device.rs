//! The device that tests of whole programs run on: the processor, or the GPU that `$SPECC_TEST_GPU` numbers.

use specc::exec::cuda::{Call, Driver, GraphId, KernelId, MemoryId, Module};
use specc::lower::ExecError;

use crate::emulated::{Emulated, Order};

/// Any device.
pub(crate) struct Device(Box<dyn Driver>);

impl Device {
    /// The emulated device with this order, or the GPU, which has its own.
    pub(crate) fn open(order: Order) -> Self {
        Self(gpu().unwrap_or_else(|| Box::new(Emulated::new(order))))
    }
}

#[cfg(feature = "cuda")]
fn gpu() -> Option<Box<dyn Driver>> {
    use specc::exec::cuda::gpu::{Gpu, toolkit_folders};
    let number = std::env::var("SPECC_TEST_GPU").ok()?;
    let named = std::env::var("SPECC_NVRTC").into_iter().map(std::path::PathBuf::from);
    let folders: Vec<_> = named.chain(toolkit_folders()).collect();
    Some(Box::new(Gpu::open(number.parse().unwrap(), &folders, None).unwrap()))
}

#[cfg(not(feature = "cuda"))]
fn gpu() -> Option<Box<dyn Driver>> {
    None
}

impl Driver for Device {
    fn compile(&mut self, modules: &[Module]) -> Result<Vec<Vec<KernelId>>, ExecError> {
        self.0.compile(modules)
    }

    fn alloc(&mut self, bytes: usize) -> Result<MemoryId, ExecError> {
        self.0.alloc(bytes)
    }

    fn free(&mut self, memory: MemoryId) -> Result<(), ExecError> {
        self.0.free(memory)
    }

    fn upload(&mut self, to: MemoryId, offset: usize, bytes: &[u8]) -> Result<(), ExecError> {
        self.0.upload(to, offset, bytes)
    }

    fn download(&self, from: MemoryId, offset: usize, bytes: &mut [u8]) -> Result<(), ExecError> {
        self.0.download(from, offset, bytes)
    }

    fn record(&mut self, calls: &[Call]) -> Result<GraphId, ExecError> {
        self.0.record(calls)
    }

    fn run(&mut self, graph: GraphId) -> Result<(), ExecError> {
        self.0.run(graph)
    }

    fn name(&self) -> String {
        self.0.name()
    }
}
