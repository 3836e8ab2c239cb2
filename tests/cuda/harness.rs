//! The emulated device finds what it is there to find: planted mistakes in a kernel.

use specc::exec::cuda::{Argument, Call, Driver, MemoryId, Module};
use specc::kernels::cuda::SOURCES;

use crate::emulated::{Emulated, Order};

/// Floats of the memory that a kernel works on.
const LEN: usize = 256;

/// Runs `body` with 256 threads in `blocks` blocks under each order; the bits of the memory behind it.
fn bits(body: &str, blocks: u32) -> Vec<Vec<u32>> {
    let source = format!(
        "{}extern \"C\" __global__ void planted(float* memory, size_t stride, const int* feeds, size_t feed_stride, \
         const unsigned char* bytes, double* reports) {{\nextern __shared__ double shared[];\nfloat* s = (float*)shared;\n\
         const int t = threadIdx.x;\n{body}\n}}\n",
        SOURCES.concat()
    );
    let module = Module { source, kernels: vec!["planted".to_owned()] };
    let orders = [Order::Forward, Order::Backward, Order::Shuffled];
    orders.map(|order| run(&module, blocks, order)).into_iter().collect()
}

fn run(module: &Module, blocks: u32, order: Order) -> Vec<u32> {
    let mut driver = Emulated::new(order);
    let kernel = driver.compile(std::slice::from_ref(module)).unwrap()[0][0];
    let memory = driver.alloc(LEN * 4).unwrap();
    let zeros = vec![0; LEN * 4];
    driver.upload(memory, 0, &zeros).unwrap();
    let other = driver.alloc(16).unwrap();
    let at = |id: MemoryId| Argument::Memory(id, 0);
    let arguments = vec![
        at(memory),
        Argument::Size(LEN as u64),
        at(other),
        Argument::Size(0),
        at(other),
        at(other),
    ];
    let call = Call { kernel, grid: [blocks, 1, 1], shared: 1024, arguments };
    let graph = driver.record(&[call]).unwrap();
    driver.run(graph).unwrap();
    let mut bytes = vec![0; LEN * 4];
    driver.download(memory, 0, &mut bytes).unwrap();
    bytes.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()
}

fn agree(bits: &[Vec<u32>]) -> bool {
    bits.iter().all(|other| *other == bits[0])
}

#[test]
fn a_sound_kernel_gives_the_same_bits_in_every_order() {
    let reversed = bits("s[t] = t * 0.5f; __syncthreads(); memory[t] = s[255 - t];", 1);
    assert!(agree(&reversed));
    assert_eq!(f32::from_bits(reversed[0][0]), 127.5);
    let summed =
        bits("double x = block_sum(1.0 / (t + 1), shared); if (t == 0) memory[0] = (float)x;", 1);
    assert!(agree(&summed));
    assert!((f32::from_bits(summed[0][0]) - 6.124).abs() < 1e-3);
}

#[test]
fn a_missing_barrier_is_seen() {
    assert!(!agree(&bits("s[t] = t * 0.5f; memory[t] = s[255 - t];", 1)));
}

#[test]
fn a_float_atomic_is_seen() {
    assert!(!agree(&bits("atomicAdd(memory, 1.0f / (blockIdx.x * 256 + t + 1));", 3)));
}

#[test]
#[expect(clippy::panic, reason = "the guard panics")]
fn a_write_one_too_far_is_seen() {
    let found = std::panic::catch_unwind(|| bits("memory[t + 1] = 1.0f;", 1));
    let Err(message) = found else { panic!("nothing was seen") };
    let message = message.downcast::<String>().unwrap();
    assert!(message.contains("behind memory 0"), "{message}");
}

#[test]
fn what_was_never_written_is_not_a_number() {
    let read = bits("memory[t] = s[t];", 1);
    assert!(read[0].iter().all(|bits| f32::from_bits(*bits).is_nan()));
}

#[test]
fn threads_that_wait_in_vain_are_an_error() {
    let source = "if (t < 7) __syncthreads(); else __syncwarp();";
    let found = std::panic::catch_unwind(|| bits(source, 1));
    assert!(found.is_err());
}
