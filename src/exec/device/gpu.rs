//! Kernels on candle's CUDA device: each is a custom operation, whose CUDA forward launches what was lowered.
//!
//! Operands are copied into the memory that the kernels were written for, the result out of it: the executor is there to
//! be compared with, not to be fast. Everything runs on the one stream of the device, in the order of the calls.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use candle_core::cuda_backend::WrapErr;
use candle_core::{
    CpuStorage, CudaDevice, CudaStorage, CustomOp1, CustomOp2, CustomOp3, DType, Device, Error,
    Layout, Result, Shape, Tensor,
};
use cudarc::driver::{CudaFunction, CudaSlice, LaunchConfig, PushKernelArg};
use cudarc::nvrtc::Ptx;

use super::Kernels;
use crate::exec::cuda::gpu::{Cache, Compiler, GpuError, check_math, compile_all};
use crate::exec::cuda::{Reading, modules_of};
use crate::exec::tensor::to_host;
use crate::ir::Kind;
use crate::kernels::cuda::THREADS;
use crate::lower::ExecError;
use crate::lower::cuda::{Alone, At, REPORT_DOUBLES};
use crate::lower::reference::OnGpu;

/// A GPU in use by candle, with a compiler for our kernels.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "handles of the driver have nothing to show")]
pub struct CandleGpu {
    device: CudaDevice,
    compiler: Compiler,
    architecture: String,
}

impl CandleGpu {
    /// Opens a GPU by its number; libraries are also looked for in `folders`.
    ///
    /// # Errors
    /// [`GpuError`].
    pub fn open(
        number: u16,
        folders: &[PathBuf],
        cache: Option<Arc<dyn Cache>>,
    ) -> std::result::Result<Self, GpuError> {
        let architecture = check_math(number, folders)?.architecture;
        let compiler = Compiler::new(&architecture, folders, cache)?;
        // The stream of a thread would be another one in every thread of the pool.
        let device = CudaDevice::new_with_stream(usize::from(number)).map_err(|error| {
            GpuError::Failed { what: "opening a GPU", message: error.to_string() }
        })?;
        Ok(Self { device, compiler, architecture })
    }
}

/// Operations that were compiled for candle's device.
pub(in crate::exec) struct OnCandle {
    gpu: CandleGpu,
    device: Device,
    functions: BTreeMap<String, CudaFunction>,
}

impl OnCandle {
    /// Compiles the operations.
    pub(in crate::exec) fn new(
        gpu: CandleGpu,
        all: &OnGpu,
    ) -> std::result::Result<Self, ExecError> {
        let modules = modules_of(all.all().flat_map(|alone| &alone.launches));
        let stream = gpu.device.cuda_stream();
        let mut functions = BTreeMap::new();
        for (module, image) in modules.iter().zip(compile_all(&gpu.compiler, &modules)) {
            let loaded = stream.context().load_module(Ptx::from_binary(image?.cubin.0)).w()?;
            for name in &module.kernels {
                functions.insert(name.clone(), loaded.load_function(name).w()?);
            }
        }
        let device = Device::Cuda(gpu.device.clone());
        Ok(Self { gpu, device, functions })
    }
}

impl Kernels for OnCandle {
    fn device(&self) -> &Device {
        &self.device
    }

    fn run(
        &self,
        alone: &Alone,
        operands: &[&Tensor],
        reading: &Reading<'_>,
    ) -> std::result::Result<Tensor, ExecError> {
        let custom = Custom { on: self, alone, reading };
        let result = match operands {
            [a] => a.apply_op1_no_bwd(&custom),
            [a, b] => a.apply_op2_no_bwd(b, &custom),
            [a, b, c] => a.apply_op3_no_bwd(b, c, &custom),
            _ => Err(Error::Msg(format!("a kernel of {} operands", operands.len()))),
        }?;
        let (value, at) = &alone.result;
        Ok(match (value.kind, at) {
            (_, At::Report(_)) => to_host(&result)?,
            (Kind::Index, At::Memory(_) | At::Feed(_)) => result.to_dtype(DType::U32)?,
            (Kind::Real, At::Memory(_) | At::Feed(_)) => result,
        })
    }

    fn name(&self) -> String {
        format!("cuda {}", self.gpu.architecture)
    }
}

/// One operation as candle calls it.
struct Custom<'a> {
    on: &'a OnCandle,
    alone: &'a Alone,
    reading: &'a Reading<'a>,
}

impl Custom<'_> {
    fn on_gpu(&self, operands: &[(&CudaStorage, &Layout)]) -> Result<(CudaStorage, Shape)> {
        let Self { on, alone, reading } = self;
        let n = reading.indices.len();
        if n == 0 || n > alone.batch {
            return Err(Error::Msg(format!(
                "a batch of {n} samples for kernels of {}",
                alone.batch
            )));
        }
        let device = &on.gpu.device;
        let mut feed = device.clone_htod(&reading.feed(alone))?;
        let mut memory = device.alloc_zeros::<f32>(alone.memory)?;
        let mut report = device.alloc_zeros::<f64>(REPORT_DOUBLES)?;
        for ((storage, layout), (value, at)) in operands.iter().zip(&alone.operands) {
            let Some((start, end)) = layout.contiguous_offsets() else {
                return Err(Error::Msg("a tensor is not contiguous".to_owned()));
            };
            let len: usize = value.shape.sizes(n).iter().product();
            if end - start != len {
                return Err(Error::Msg("an operand of another shape".to_owned()));
            }
            match at {
                At::Memory(offset) => {
                    let from = storage.as_cuda_slice::<f32>()?.slice(start..end);
                    device.memcpy_dtod(&from, &mut memory.slice_mut(*offset..*offset + len))?;
                }
                At::Feed(offset) => {
                    let from = storage.as_cuda_slice::<u32>()?.slice(start..end);
                    device.memcpy_dtod(&from, &mut feed.slice_mut(*offset..*offset + len))?;
                }
                At::Report(_) => {
                    return Err(Error::Msg("an operand has no place".to_owned()));
                }
            }
        }
        self.launch(&mut memory, &feed, &mut report)?;
        let (value, at) = &alone.result;
        let sizes = value.shape.sizes(n);
        let storage = match at {
            At::Memory(offset) | At::Feed(offset) => {
                let len: usize = sizes.iter().product();
                let mut out = device.alloc_zeros::<f32>(len)?;
                device.memcpy_dtod(&memory.slice(*offset..*offset + len), &mut out)?;
                CudaStorage::wrap_cuda_slice(out, device.clone())
            }
            At::Report(position) => {
                let mut out = device.alloc_zeros::<f64>(1)?;
                device.memcpy_dtod(&report.slice(*position..=*position), &mut out)?;
                CudaStorage::wrap_cuda_slice(out, device.clone())
            }
        };
        Ok((storage, Shape::from(sizes)))
    }

    #[expect(unsafe_code, reason = "launches")]
    fn launch(
        &self,
        memory: &mut CudaSlice<f32>,
        feed: &CudaSlice<u32>,
        report: &mut CudaSlice<f64>,
    ) -> Result<()> {
        let stream = self.on.gpu.device.cuda_stream();
        let (stride, feed_stride) = (self.alone.memory as u64, self.alone.feed.len as u64);
        for launch in &self.alone.launches {
            let config = LaunchConfig {
                grid_dim: (launch.blocks as u32, 1, 1),
                block_dim: (THREADS as u32, 1, 1),
                shared_mem_bytes: launch.shared as u32,
            };
            let mut call = stream.launch_builder(&self.on.functions[&launch.name]);
            call.arg(&mut *memory).arg(&stride).arg(feed).arg(&feed_stride);
            // No bytes of samples are read: any address will do.
            call.arg(feed).arg(&mut *report);
            // SAFETY: the kernel was written with these six parameters; memory, feed and report have the lengths that its
            // text was written for, hold operands of the shapes that it reads, and live until the stream is done with them.
            unsafe { call.launch(config) }.w()?;
        }
        Ok(())
    }
}

/// What candle says where a custom operation meets a tensor of the processor.
fn of_processor() -> Result<(CpuStorage, Shape)> {
    Err(Error::Msg("kernels of a GPU were asked for a tensor of the processor".to_owned()))
}

/// What candle calls the operations of ours.
const NAME: &str = "specc";

impl CustomOp1 for Custom<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        of_processor()
    }

    fn cuda_fwd(&self, a: &CudaStorage, of_a: &Layout) -> Result<(CudaStorage, Shape)> {
        self.on_gpu(&[(a, of_a)])
    }
}

impl CustomOp2 for Custom<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        of_processor()
    }

    fn cuda_fwd(
        &self,
        a: &CudaStorage,
        of_a: &Layout,
        b: &CudaStorage,
        of_b: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        self.on_gpu(&[(a, of_a), (b, of_b)])
    }
}

impl CustomOp3 for Custom<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        of_processor()
    }

    fn cuda_fwd(
        &self,
        a: &CudaStorage,
        of_a: &Layout,
        b: &CudaStorage,
        of_b: &Layout,
        c: &CudaStorage,
        of_c: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        self.on_gpu(&[(a, of_a), (b, of_b), (c, of_c)])
    }
}
