//! A driver on the processor: the kernels of the GPU, compiled by the C++ compiler at hand behind `shim.cc`.
//!
//! Memory holds NaN until it is written, and guards behind its end show writes out of bounds.

use std::collections::hash_map::DefaultHasher;
use std::ffi::{c_int, c_uint, c_void};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Mutex;

use libloading::Library;
use specc::exec::cuda::{Argument, Call, Driver, GraphId, KernelId, MemoryId, Module};
use specc::lower::ExecError;

/// The order in which threads and blocks run; results must not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Forward,
    Backward,
    Shuffled,
}

/// Floats behind the end of each memory that nobody may touch.
const GUARD: usize = 256;

/// A device that is the processor.
pub(crate) struct Emulated {
    order: Order,
    modules: Vec<Loaded>,
    kernels: Vec<(usize, *const c_void)>,
    memory: Vec<Vec<u64>>,
    graphs: Vec<Vec<Call>>,
    /// Kernels that ran.
    pub(crate) launches: usize,
}

// SAFETY: the addresses of kernels are code of libraries that live as long as the driver.
#[expect(unsafe_code, reason = "addresses of functions are no data of a thread")]
unsafe impl Send for Emulated {}

struct Loaded {
    emulate: Emulate,
    _library: Library,
}

type Emulate = unsafe extern "C" fn(*mut Arguments, c_uint, c_uint, c_int) -> c_int;

#[repr(C)]
struct Arguments {
    kernel: *const c_void,
    memory: *mut f32,
    stride: usize,
    feeds: *const i32,
    feed_stride: usize,
    bytes: *const u8,
    reports: *mut f64,
}

impl Emulated {
    pub(crate) fn new(order: Order) -> Self {
        Self {
            order,
            modules: vec![],
            kernels: vec![],
            memory: vec![],
            graphs: vec![],
            launches: 0,
        }
    }

    fn address(&self, argument: Argument) -> *mut c_void {
        let Argument::Memory(id, offset) = argument else { panic!("an address was expected") };
        self.memory[id.0].as_ptr().cast::<u8>().cast_mut().wrapping_add(offset).cast()
    }

    fn size(argument: Argument) -> usize {
        let Argument::Size(size) = argument else { panic!("a size was expected") };
        size as usize
    }

    pub(crate) fn double(&self, float: usize) -> f64 {
        f64::from_bits(self.memory[0][float / 2])
    }

    fn check_guards(&self) {
        for (number, memory) in self.memory.iter().enumerate() {
            let guards = &memory[memory.len() - GUARD / 2..];
            assert!(guards.iter().all(|word| *word == u64::MAX), "a write behind memory {number}");
        }
    }

    #[expect(unsafe_code, reason = "kernels are functions of a library and work on raw memory")]
    fn launch(&mut self, call: &Call) -> Result<(), ExecError> {
        let (module, kernel) = self.kernels[call.kernel.0];
        let a = &call.arguments;
        let mut arguments = Arguments {
            kernel,
            memory: self.address(a[0]).cast(),
            stride: Self::size(a[1]),
            feeds: self.address(a[2]).cast(),
            feed_stride: Self::size(a[3]),
            bytes: self.address(a[4]).cast_const().cast(),
            reports: self.address(a[5]).cast(),
        };
        self.launches += 1;
        let [blocks, _, replicas] = call.grid;
        // SAFETY: the kernel has the signature that the shim calls; its memory is at least as long as the plan says.
        let failed = unsafe {
            (self.modules[module].emulate)(
                &raw mut arguments,
                blocks,
                replicas,
                self.order as c_int,
            )
        };
        if failed != 0 {
            return Err(ExecError::Device { message: "threads wait for each other".to_owned() });
        }
        Ok(())
    }
}

impl Driver for Emulated {
    #[expect(unsafe_code, reason = "libraries are loaded")]
    fn compile(&mut self, modules: &[Module]) -> Result<Vec<Vec<KernelId>>, ExecError> {
        let paths = build(modules).map_err(|message| ExecError::Device { message })?;
        let mut ids = vec![];
        for (module, path) in modules.iter().zip(paths) {
            let number = self.modules.len();
            // SAFETY: the library was built from the shim and the kernels; nothing runs when it is loaded.
            let library = unsafe { Library::new(&path) }.unwrap();
            // SAFETY: the shim defines the function with this signature.
            let emulate = *unsafe { library.get::<Emulate>(b"emulate") }.unwrap();
            let mut of_module = vec![];
            for name in &module.kernels {
                // SAFETY: kernels are functions of the library; they are called by the shim alone.
                let kernel =
                    unsafe { library.get::<unsafe extern "C" fn()>(name.as_bytes()) }.unwrap();
                of_module.push(KernelId(self.kernels.len()));
                self.kernels.push((number, *kernel as *const c_void));
            }
            self.modules.push(Loaded { emulate, _library: library });
            ids.push(of_module);
        }
        Ok(ids)
    }

    fn alloc(&mut self, bytes: usize) -> Result<MemoryId, ExecError> {
        self.memory.push(vec![u64::MAX; bytes.div_ceil(8) + GUARD / 2]);
        Ok(MemoryId(self.memory.len() - 1))
    }

    fn free(&mut self, memory: MemoryId) -> Result<(), ExecError> {
        self.memory[memory.0] = vec![u64::MAX; GUARD / 2];
        Ok(())
    }

    #[expect(unsafe_code, reason = "memory is written byte by byte")]
    fn upload(&mut self, to: MemoryId, offset: usize, bytes: &[u8]) -> Result<(), ExecError> {
        let memory = &mut self.memory[to.0];
        assert!(offset + bytes.len() <= (memory.len() - GUARD / 2) * 8, "an upload out of bounds");
        // SAFETY: the range was checked; the memory is not read meanwhile.
        let place = unsafe { memory.as_mut_ptr().cast::<u8>().add(offset) };
        // SAFETY: as above, and the two do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len()) };
        Ok(())
    }

    #[expect(unsafe_code, reason = "memory is read byte by byte")]
    fn download(&self, from: MemoryId, offset: usize, bytes: &mut [u8]) -> Result<(), ExecError> {
        let memory = &self.memory[from.0];
        assert!(offset + bytes.len() <= (memory.len() - GUARD / 2) * 8, "a download out of bounds");
        // SAFETY: the range was checked; nothing writes the memory meanwhile.
        let place = unsafe { memory.as_ptr().cast::<u8>().add(offset) };
        // SAFETY: as above, and the two do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(place, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    fn record(&mut self, calls: &[Call]) -> Result<GraphId, ExecError> {
        self.graphs.push(calls.to_vec());
        Ok(GraphId(self.graphs.len() - 1))
    }

    fn run(&mut self, graph: GraphId) -> Result<(), ExecError> {
        for call in self.graphs[graph.0].clone() {
            self.launch(&call)?;
        }
        self.check_guards();
        Ok(())
    }

    fn name(&self) -> String {
        "cuda emulated".to_owned()
    }
}

/// One build at a time looks for and makes libraries.
static BUILDING: Mutex<()> = Mutex::new(());

/// The libraries of the modules, built where they are not there already.
fn build(modules: &[Module]) -> Result<Vec<PathBuf>, String> {
    const FLAGS: [&str; 10] = [
        "-std=c++17",
        "-O2",
        "-march=native",
        "-ffp-contract=fast",
        "-fPIC",
        "-shared",
        "-Wl,-Bsymbolic",
        "-w",
        "-x",
        "c++",
    ];
    // Such as `-fsanitize=address`: `tools/asan.sh`.
    let more = std::env::var("SPECC_KERNEL_FLAGS").unwrap_or_default();
    let _alone = BUILDING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kernels");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut paths = vec![];
    let mut children: Vec<(PathBuf, PathBuf, Child)> = vec![];
    for module in modules {
        let source = format!("{}\n{}", include_str!("shim.cc"), module.source);
        let mut hasher = DefaultHasher::new();
        (FLAGS, &more, &source).hash(&mut hasher);
        let path = folder.join(format!("{:016x}.so", hasher.finish()));
        if !path.is_file() && !children.iter().any(|(known, ..)| *known == path) {
            let text = path.with_extension("cc");
            let partial = path.with_extension(format!("{}.part", std::process::id()));
            std::fs::write(&text, source).map_err(|error| error.to_string())?;
            let child = Command::new(std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned()))
                .args(FLAGS)
                .args(more.split_whitespace())
                .arg("-o")
                .args([&partial, &text])
                .spawn()
                .map_err(|error| format!("no C++ compiler: {error}"))?;
            children.push((path.clone(), partial, child));
        }
        paths.push(path);
    }
    for (path, partial, mut child) in children {
        if !child.wait().map_err(|error| error.to_string())?.success() {
            return Err(format!("{} does not compile", path.display()));
        }
        std::fs::rename(partial, path).map_err(|error| error.to_string())?;
    }
    Ok(paths)
}
