//! A pool of threads for steps that take a millisecond: workers spin for a short while, then sleep.
//!
//! In: a number of tasks and a closure. Out: every task run once, by any thread, before the call returns. Invariant: which thread
//! runs a task is not fixed, so results must depend on the task alone; a worker that is late for a job never enters it.

use std::any::Any;
use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Turns of the waiting loop before a worker sleeps: some tens of microseconds.
const SPINS: u32 = 4000;

/// Low bits of the state: workers inside the job.
const INSIDE: u64 = 0xffff;
/// Whether workers may enter.
const OPEN: u64 = 1 << 16;
/// One step of the job counter.
const JOB: u64 = 1 << 17;

type Body<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// Persistent worker threads; the calling thread works too, as worker 0.
pub struct ThreadPool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// Held while a job runs, so that two callers take turns.
    turn: Mutex<()>,
}

struct Shared {
    /// Job counter, open flag and number of workers inside.
    state: AtomicU64,
    /// Next task to take.
    next: AtomicUsize,
    job: UnsafeCell<Job>,
    sleeping: AtomicUsize,
    is_closing: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

#[derive(Clone, Copy)]
struct Job {
    n_tasks: usize,
    body: Option<&'static Body<'static>>,
}

// SAFETY: `job` is written only while the state is closed and nobody is inside, and read only from inside; the
// body it points to is `Sync`.
unsafe impl Sync for Shared {}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPool").field("n_threads", &self.n_threads()).finish_non_exhaustive()
    }
}

impl ThreadPool {
    /// Starts `n_threads - 1` workers, at least none and at most 1023. Workers that the system refuses are done without.
    pub fn new(n_threads: usize) -> Self {
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            next: AtomicUsize::new(0),
            job: UnsafeCell::new(Job { n_tasks: 0, body: None }),
            sleeping: AtomicUsize::new(0),
            is_closing: AtomicBool::new(false),
            panic: Mutex::new(None),
        });
        let workers = (1..n_threads.clamp(1, 1024))
            .map_while(|worker_idx| {
                let shared = Arc::clone(&shared);
                std::thread::Builder::new()
                    .name(format!("kernel-{worker_idx}"))
                    .spawn(move || shared.work(worker_idx))
                    .ok()
            })
            .collect();
        Self { shared, workers, turn: Mutex::new(()) }
    }

    /// Threads that work on a job, the caller included.
    pub fn n_threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Runs `body(task_idx, worker_idx)` for every task below `n_tasks`; `worker_idx` is below [`ThreadPool::n_threads`].
    ///
    /// # Panics
    /// With the payload of the first task that panicked, after all workers left the job. Remaining tasks are not run.
    pub fn run(&self, n_tasks: usize, body: impl Fn(usize, usize) + Sync) {
        if n_tasks == 0 {
            return;
        }
        if self.workers.is_empty() || n_tasks == 1 {
            (0..n_tasks).for_each(|task_idx| body(task_idx, 0));
            return;
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let body: &Body<'_> = &body;
        // SAFETY: only the lifetime changes; the job is closed and empty before this function returns.
        let body = unsafe { std::mem::transmute::<&Body<'_>, &'static Body<'static>>(body) };
        // SAFETY: the state is closed and nobody is inside, so nobody reads the job.
        unsafe { *self.shared.job.get() = Job { n_tasks, body: Some(body) } };
        self.shared.next.store(0, Ordering::Relaxed);
        let before = self.shared.state.load(Ordering::Relaxed);
        self.shared.state.store((before & !(OPEN | INSIDE)) + JOB + OPEN, Ordering::SeqCst);
        if self.shared.sleeping.load(Ordering::SeqCst) > 0 {
            for worker in self.workers.iter().take(n_tasks - 1) {
                worker.thread().unpark();
            }
        }
        self.shared.take_tasks(0);
        self.shared.state.fetch_and(!OPEN, Ordering::AcqRel);
        let mut turns = 0;
        while self.shared.state.load(Ordering::Acquire) & INSIDE != 0 {
            turns += 1;
            if turns < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        let panic = self.shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
    }

    /// Runs `body(chunk_idx, chunk)` for the chunks of `size` elements of a slice, the last one perhaps shorter.
    ///
    /// # Panics
    /// When `size` is zero, and as [`ThreadPool::run`].
    pub fn run_chunks<T: Send>(
        &self,
        slice: &mut [T],
        size: usize,
        body: impl Fn(usize, &mut [T]) + Sync,
    ) {
        assert!(size > 0, "chunks of at least one element");
        let len = slice.len();
        let slice = SharedSlice::new(slice);
        self.run(len.div_ceil(size), |chunk_idx, _| {
            // SAFETY: chunks do not overlap and each task is run once.
            let chunk = unsafe { slice.range(chunk_idx * size..((chunk_idx + 1) * size).min(len)) };
            body(chunk_idx, chunk);
        });
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shared.is_closing.store(true, Ordering::SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            // A worker catches the panics of tasks; nothing else in it can fail.
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn work(&self, worker_idx: usize) {
        let mut last_job = 0;
        while let Some(job) = self.enter(last_job) {
            last_job = job;
            self.take_tasks(worker_idx);
            self.state.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Waits for a job after `last_job` and enters it; `None` when the pool closes.
    fn enter(&self, last_job: u64) -> Option<u64> {
        let mut turns = 0;
        loop {
            let state = self.state.load(Ordering::SeqCst);
            let job = state / JOB;
            if job != last_job && state & OPEN != 0 {
                let entered = self.state.compare_exchange(
                    state,
                    state + 1,
                    Ordering::AcqRel,
                    Ordering::Relaxed,
                );
                if entered.is_ok() {
                    return Some(job);
                }
                continue;
            }
            if self.is_closing.load(Ordering::SeqCst) {
                return None;
            }
            turns += 1;
            if turns < SPINS {
                std::hint::spin_loop();
                continue;
            }
            self.sleeping.fetch_add(1, Ordering::SeqCst);
            // A job opened after this look sees the sleeper and wakes it.
            let state = self.state.load(Ordering::SeqCst);
            let has_work = state / JOB != last_job && state & OPEN != 0;
            if !has_work && !self.is_closing.load(Ordering::SeqCst) {
                std::thread::park();
            }
            self.sleeping.fetch_sub(1, Ordering::SeqCst);
            turns = 0;
        }
    }

    fn take_tasks(&self, worker_idx: usize) {
        // SAFETY: the caller is inside the job (or is its owner), so the job is not written now.
        let job = unsafe { *self.job.get() };
        let Some(body) = job.body else { return };
        let result = catch_unwind(AssertUnwindSafe(|| {
            loop {
                let task_idx = self.next.fetch_add(1, Ordering::Relaxed);
                if task_idx >= job.n_tasks {
                    break;
                }
                body(task_idx, worker_idx);
            }
        }));
        if let Err(payload) = result {
            // Nobody takes a further task; far below the point where the counter would wrap.
            self.next.store(usize::MAX / 2, Ordering::Relaxed);
            let mut first = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(payload);
        }
    }
}

/// A mutable slice that several tasks write to, each its own part.
pub(crate) struct SharedSlice<'a, T> {
    start: *mut T,
    len: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: handing out parts is unsafe and demands that they do not overlap; elements may go to other threads.
unsafe impl<T: Send> Sync for SharedSlice<'_, T> {}

impl<'a, T> SharedSlice<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), borrow: PhantomData }
    }

    /// The first element.
    pub(crate) fn as_mut_ptr(&self) -> *mut T {
        self.start
    }

    /// A part of the slice.
    ///
    /// # Safety
    /// While the part lives, no other part may overlap it.
    #[expect(clippy::mut_from_ref, reason = "callers promise that parts do not overlap")]
    pub(crate) unsafe fn range(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len, "a part of the slice");
        // SAFETY: inside the borrowed slice; disjointness is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once() {
        for n_threads in [1, 2, 3, 7] {
            let pool = ThreadPool::new(n_threads);
            for n_tasks in [0, 1, 2, 5, 100] {
                for _ in 0..50 {
                    let counts: Vec<AtomicUsize> =
                        (0..n_tasks).map(|_| AtomicUsize::new(0)).collect();
                    pool.run(n_tasks, |task_idx, worker_idx| {
                        assert!(worker_idx < n_threads);
                        counts[task_idx].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
                }
            }
        }
    }

    #[test]
    fn sleeping_workers_wake_up() {
        let pool = ThreadPool::new(3);
        for _ in 0..3 {
            std::thread::sleep(std::time::Duration::from_millis(5));
            let mut items = vec![0usize; 64];
            pool.run_chunks(&mut items, 1, |task_idx, item| item[0] = task_idx + 1);
            assert!(items.iter().enumerate().all(|(i, &item)| item == i + 1));
        }
    }

    #[test]
    fn chunks_cover_the_slice() {
        let pool = ThreadPool::new(2);
        let mut values = vec![0usize; 10];
        pool.run_chunks(&mut values, 4, |chunk_idx, chunk| chunk.fill(chunk_idx + 1));
        assert_eq!(values, [1, 1, 1, 1, 2, 2, 2, 2, 3, 3]);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        let pool = ThreadPool::new(3);
        let result = catch_unwind(AssertUnwindSafe(|| {
            pool.run(20, |task_idx, _| assert!(task_idx != 7, "task seven"));
        }));
        assert!(result.is_err());
        let count = AtomicUsize::new(0);
        pool.run(20, |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.load(Ordering::Relaxed), 20);
    }
}
