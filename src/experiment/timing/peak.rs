//! What the processor can do at most: multiply-adds in registers, on one thread and on all.

use crate::kernels::isa::Isa;
use crate::kernels::peak::spin;
use crate::kernels::threads::ThreadPool;
use crate::train::Stopwatch;

/// Seconds of one try.
const TRY: f64 = 0.03;

/// Tries; the best one counts, since other programs only slow it down.
const TRIES: usize = 5;

/// Floating-point operations in 10⁹ a second.
#[derive(Clone, Copy, Debug)]
pub struct Peak {
    /// On one thread.
    pub one: f64,
    /// On all threads of the command together.
    pub all: f64,
}

/// Measures the machine with its widest instruction set, on `threads` threads.
pub fn peak(threads: usize) -> Peak {
    let isa = Isa::detect();
    let mut rounds = 1 << 12;
    loop {
        let stopwatch = Stopwatch::start();
        spin(isa, rounds);
        if stopwatch.seconds() >= TRY {
            break;
        }
        rounds *= 2;
    }
    let one = best(|| spin(isa, rounds));
    if threads <= 1 {
        return Peak { one, all: one };
    }
    let pool = ThreadPool::new(threads);
    let mut done = vec![0; pool.n_threads()];
    let all = best(|| {
        pool.run_chunks(&mut done, 1, |_, done| done[0] = spin(isa, rounds));
        done.iter().sum()
    });
    // More threads than processors do not add up.
    Peak { one, all: all.max(one) }
}

fn best(mut run: impl FnMut() -> u64) -> f64 {
    let mut best = 0.0_f64;
    for _ in 0..TRIES {
        let stopwatch = Stopwatch::start();
        let operations = run();
        best = best.max(operations as f64 / stopwatch.seconds().max(1e-9) / 1e9);
    }
    best
}
