//! One GPU: its context and stream, memory, modules, recorded graphs.

use std::ffi::{CString, c_void};
use std::path::PathBuf;
use std::sync::Arc;

use cudarc::driver::{DriverError, result, sys};

use super::{Cache, Compiler, GpuError, compile_all, library};
use crate::exec::cuda::driver::{Argument, Call, Driver, GraphId, KernelId, MemoryId, Module};
use crate::kernels::cuda::THREADS;
use crate::lower::ExecError;

/// The oldest CUDA that a driver must know, as it counts versions.
const MIN_DRIVER: i32 = 12_000;

/// What is known of a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuInfo {
    /// Its number.
    pub number: u16,
    /// Its name.
    pub name: String,
    /// `sm_90`.
    pub architecture: String,
    /// Bytes of memory.
    pub memory: usize,
    /// Multiprocessors.
    pub processors: u32,
    /// The newest CUDA that the driver knows: `13.0`.
    pub driver: String,
}

/// The GPUs of this machine.
///
/// # Errors
/// [`GpuError`] when there is no driver or it is too old.
pub fn devices() -> Result<Vec<GpuInfo>, GpuError> {
    let driver = start()?;
    let count = result::device::get_count().map_err(failed("counting GPUs"))?;
    (0..count).map(|number| info(number, &driver)).collect()
}

/// The GPU of this number, where it and NVRTC can be used.
///
/// # Errors
/// [`GpuError`].
pub fn check(number: u16, folders: &[PathBuf]) -> Result<GpuInfo, GpuError> {
    let gpus = devices()?;
    let count = gpus.len();
    let gpu = gpus.into_iter().find(|gpu| gpu.number == number);
    let gpu = gpu.ok_or(GpuError::NoDevice { number, count })?;
    library::find_nvrtc(folders)?;
    Ok(gpu)
}

/// Starts the driver; the newest CUDA that it knows.
#[expect(unsafe_code, reason = "a call of the driver")]
fn start() -> Result<String, GpuError> {
    library::find_driver()?;
    let mut version = 0;
    // SAFETY: the address is that of an integer that lives through the call.
    let status = unsafe { sys::cuDriverGetVersion(&raw mut version) };
    status.result().map_err(failed("asking the driver's version"))?;
    let words = |version: i32| format!("{}.{}", version / 1000, version % 1000 / 10);
    if version < MIN_DRIVER {
        let (found, needed) = (words(version), words(MIN_DRIVER));
        return Err(GpuError::OldDriver { found, needed });
    }
    result::init().map_err(|error| {
        if error.0 == sys::CUresult::CUDA_ERROR_NO_DEVICE {
            GpuError::NoDevice { number: 0, count: 0 }
        } else {
            failed("starting the driver")(error)
        }
    })?;
    Ok(words(version))
}

#[expect(unsafe_code, reason = "calls of the driver")]
fn info(number: i32, driver: &str) -> Result<GpuInfo, GpuError> {
    use sys::CUdevice_attribute as Attribute;
    let device = result::device::get(number).map_err(failed("opening a GPU"))?;
    let attribute = |which: Attribute| {
        // SAFETY: the driver gave the device.
        unsafe { result::device::get_attribute(device, which) }.map_err(failed("asking a GPU"))
    };
    let major = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    let processors = attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
    // SAFETY: the driver gave the device.
    let memory = unsafe { result::device::total_mem(device) }.map_err(failed("asking a GPU"))?;
    Ok(GpuInfo {
        number: number as u16,
        name: result::device::get_name(device).map_err(failed("asking a GPU"))?,
        architecture: format!("sm_{major}{minor}"),
        memory,
        processors: processors as u32,
        driver: driver.to_owned(),
    })
}

fn failed(what: &'static str) -> impl Fn(DriverError) -> GpuError {
    move |error| {
        let message = error.error_string().ok().map(|text| text.to_string_lossy().into_owned());
        GpuError::Failed { what, message: message.unwrap_or_else(|| format!("{:?}", error.0)) }
    }
}

/// A GPU in use.
#[expect(missing_debug_implementations, reason = "handles of the driver have nothing to show")]
pub struct Gpu {
    info: GpuInfo,
    device: sys::CUdevice,
    context: sys::CUcontext,
    stream: sys::CUstream,
    compiler: Compiler,
    modules: Vec<sys::CUmodule>,
    kernels: Vec<sys::CUfunction>,
    memory: Vec<sys::CUdeviceptr>,
    graphs: Vec<(sys::CUgraph, sys::CUgraphExec)>,
}

// SAFETY: handles of the driver may be used from any thread that has made the context its own, which `enter` does.
#[expect(unsafe_code, reason = "handles of the driver are addresses")]
unsafe impl Send for Gpu {}

impl Gpu {
    /// Opens a GPU by its number; NVRTC is also looked for in `folders`.
    ///
    /// # Errors
    /// [`GpuError`].
    #[expect(unsafe_code, reason = "calls of the driver")]
    pub fn open(
        number: u16,
        folders: &[PathBuf],
        cache: Option<Arc<dyn Cache>>,
    ) -> Result<Self, GpuError> {
        let driver = start()?;
        let count = result::device::get_count().map_err(failed("counting GPUs"))?;
        if i32::from(number) >= count {
            return Err(GpuError::NoDevice { number, count: count as usize });
        }
        let info = info(i32::from(number), &driver)?;
        let compiler = Compiler::new(&info.architecture, folders, cache)?;
        let device = result::device::get(i32::from(number)).map_err(failed("opening a GPU"))?;
        // SAFETY: the driver gave the device; the context is released when the GPU is dropped.
        let context =
            unsafe { result::primary_ctx::retain(device) }.map_err(failed("opening a GPU"))?;
        // SAFETY: the context is alive.
        unsafe { result::ctx::set_current(context) }.map_err(failed("opening a GPU"))?;
        let stream = result::stream::create(result::stream::StreamKind::NonBlocking)
            .map_err(failed("opening a stream"))?;
        Ok(Self {
            info,
            device,
            context,
            stream,
            compiler,
            modules: vec![],
            kernels: vec![],
            memory: vec![],
            graphs: vec![],
        })
    }

    /// What is known of it.
    pub fn info(&self) -> &GpuInfo {
        &self.info
    }

    /// Makes the context that of the calling thread.
    #[expect(unsafe_code, reason = "a call of the driver")]
    fn enter(&self) -> Result<(), GpuError> {
        // SAFETY: the context lives as long as the GPU.
        unsafe { result::ctx::set_current(self.context) }.map_err(failed("using the GPU"))
    }

    /// Waits for all work.
    #[expect(unsafe_code, reason = "a call of the driver")]
    fn finish(&self) -> Result<(), GpuError> {
        // SAFETY: the stream lives as long as the GPU.
        unsafe { result::stream::synchronize(self.stream) }.map_err(failed("waiting for the GPU"))
    }

    #[expect(unsafe_code, reason = "calls of the driver")]
    fn load(&mut self, image: &[u8], names: &[String]) -> Result<Vec<KernelId>, GpuError> {
        // SAFETY: the image is what NVRTC made for this architecture.
        let module = unsafe { result::module::load_data(image.as_ptr().cast::<c_void>()) };
        let module = module.map_err(failed("loading kernels"))?;
        self.modules.push(module);
        let mut ids = vec![];
        for name in names {
            let name = CString::new(name.as_str()).expect("names of kernels are words");
            // SAFETY: the module was loaded above and stays loaded.
            let kernel = unsafe { result::module::get_function(module, name) };
            ids.push(KernelId(self.kernels.len()));
            self.kernels.push(kernel.map_err(failed("finding a kernel"))?);
        }
        Ok(ids)
    }

    #[expect(unsafe_code, reason = "a launch")]
    fn launch(&self, call: &Call) -> Result<(), GpuError> {
        let mut values: Vec<u64> = call
            .arguments
            .iter()
            .map(|argument| match argument {
                Argument::Memory(id, offset) => self.memory[id.0] + *offset as u64,
                Argument::Size(size) => *size,
            })
            .collect();
        let mut addresses: Vec<*mut c_void> =
            values.iter_mut().map(|value| (&raw mut *value).cast()).collect();
        let [x, y, z] = call.grid;
        // SAFETY: the kernel was loaded, its parameters are as many addresses and sizes of 64 bits as the plan states, and the
        // memory behind them is as long as the plan states and lives as long as the GPU.
        let launched = unsafe {
            result::launch_kernel(
                self.kernels[call.kernel.0],
                (x, y, z),
                (THREADS as u32, 1, 1),
                call.shared,
                self.stream,
                &mut addresses,
            )
        };
        launched.map_err(failed("launching a kernel"))
    }
}

impl Driver for Gpu {
    fn compile(&mut self, modules: &[Module]) -> Result<Vec<Vec<KernelId>>, ExecError> {
        self.enter()?;
        let images = compile_all(&self.compiler, modules);
        let mut kernels = vec![];
        for (module, image) in modules.iter().zip(images) {
            kernels.push(self.load(&image?.cubin.0, &module.kernels)?);
        }
        Ok(kernels)
    }

    #[expect(unsafe_code, reason = "memory of the GPU")]
    fn alloc(&mut self, bytes: usize) -> Result<MemoryId, ExecError> {
        self.enter()?;
        // SAFETY: the memory is freed by `free` or when the GPU is dropped.
        let memory = unsafe { result::malloc_sync(bytes.max(1)) }.map_err(|error| {
            if error.0 == sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY {
                let free = result::mem_get_info().map_or(0, |(free, _)| free);
                GpuError::Memory { needed: bytes, free }
            } else {
                failed("taking memory")(error)
            }
        })?;
        // SAFETY: the memory was taken above and has as many bytes.
        unsafe { result::memset_d8_sync(memory, 0, bytes) }.map_err(failed("clearing memory"))?;
        self.memory.push(memory);
        Ok(MemoryId(self.memory.len() - 1))
    }

    #[expect(unsafe_code, reason = "memory of the GPU")]
    fn free(&mut self, memory: MemoryId) -> Result<(), ExecError> {
        self.enter()?;
        self.finish()?;
        let address = std::mem::take(&mut self.memory[memory.0]);
        // SAFETY: `alloc` took the memory, and no work that uses it is under way.
        unsafe { result::free_sync(address) }.map_err(failed("giving memory back"))?;
        Ok(())
    }

    #[expect(unsafe_code, reason = "memory of the GPU")]
    fn upload(&mut self, to: MemoryId, offset: usize, bytes: &[u8]) -> Result<(), ExecError> {
        self.enter()?;
        let address = self.memory[to.0] + offset as u64;
        // SAFETY: callers stay inside what they took. Pageable memory is copied aside before the call returns.
        let sent = unsafe { result::memcpy_htod_async(address, bytes, self.stream) };
        sent.map_err(failed("sending to the GPU"))?;
        Ok(())
    }

    #[expect(unsafe_code, reason = "memory of the GPU")]
    fn download(&self, from: MemoryId, offset: usize, bytes: &mut [u8]) -> Result<(), ExecError> {
        self.enter()?;
        let address = self.memory[from.0] + offset as u64;
        // SAFETY: callers stay inside what they took, and the bytes are there until the stream is done.
        let asked = unsafe { result::memcpy_dtoh_async(bytes, address, self.stream) };
        asked.map_err(failed("reading from the GPU"))?;
        self.finish()?;
        Ok(())
    }

    #[expect(unsafe_code, reason = "calls of the driver")]
    fn record(&mut self, calls: &[Call]) -> Result<GraphId, ExecError> {
        self.enter()?;
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        // SAFETY: the stream is alive; what is captured are launches alone.
        unsafe { result::stream::begin_capture(self.stream, mode) }
            .map_err(failed("recording launches"))?;
        let launched = calls.iter().try_for_each(|call| self.launch(call));
        // SAFETY: the capture began above.
        let graph = unsafe { result::stream::end_capture(self.stream) }
            .map_err(failed("recording launches"))?;
        launched?;
        // SAFETY: the graph was recorded above.
        let ready = unsafe { result::graph::instantiate(graph, sys::CUgraphInstantiate_flags(0)) };
        self.graphs.push((graph, ready.map_err(failed("recording launches"))?));
        Ok(GraphId(self.graphs.len() - 1))
    }

    #[expect(unsafe_code, reason = "a launch")]
    fn run(&mut self, graph: GraphId) -> Result<(), ExecError> {
        self.enter()?;
        // SAFETY: graph and stream live as long as the GPU.
        unsafe { result::graph::launch(self.graphs[graph.0].1, self.stream) }
            .map_err(failed("starting a step"))?;
        Ok(())
    }

    fn name(&self) -> String {
        format!("cuda {}", self.info.architecture)
    }
}

impl Drop for Gpu {
    #[expect(unsafe_code, reason = "handles of the driver")]
    fn drop(&mut self) {
        // Nothing can be done where the device is lost.
        let _ = self.enter();
        let _ = self.finish();
        for (graph, ready) in self.graphs.drain(..) {
            // SAFETY: both were made by `record` and are not used again.
            let _ = unsafe { result::graph::exec_destroy(ready) };
            // SAFETY: as above.
            let _ = unsafe { result::graph::destroy(graph) };
        }
        for memory in self.memory.drain(..).filter(|memory| *memory != 0) {
            // SAFETY: `alloc` took the memory, and nothing uses it any more.
            let _ = unsafe { result::free_sync(memory) };
        }
        for module in self.modules.drain(..) {
            // SAFETY: `load` loaded it, and no kernel of it runs.
            let _ = unsafe { result::module::unload(module) };
        }
        // SAFETY: `open` made the stream and retained the context.
        let _ = unsafe { result::stream::destroy(self.stream) };
        // SAFETY: as above.
        let _ = unsafe { result::primary_ctx::release(self.device) };
    }
}
