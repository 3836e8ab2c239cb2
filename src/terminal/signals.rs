//! SIGINT, SIGTERM and SIGUSR1 as a question that the training loop asks before each step.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::train::{StopReason, StopSignal};

/// Flags that signal handlers raise. A second SIGINT ends the process at once.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    interrupt: Arc<AtomicBool>,
    preempt: Arc<AtomicBool>,
}

impl Signals {
    /// Installs the handlers.
    pub(crate) fn install() -> io::Result<Self> {
        let signals = Self {
            interrupt: Arc::new(AtomicBool::new(false)),
            preempt: Arc::new(AtomicBool::new(false)),
        };
        signal_hook::flag::register_conditional_shutdown(SIGINT, 130, signals.interrupt.clone())?;
        signal_hook::flag::register(SIGINT, signals.interrupt.clone())?;
        signal_hook::flag::register(SIGTERM, signals.preempt.clone())?;
        #[cfg(unix)]
        signal_hook::flag::register(signal_hook::consts::SIGUSR1, signals.preempt.clone())?;
        Ok(signals)
    }
}

impl StopSignal for Signals {
    fn reason(&self) -> Option<StopReason> {
        if self.interrupt.load(Ordering::Relaxed) {
            Some(StopReason::Interrupt)
        } else if self.preempt.load(Ordering::Relaxed) {
            Some(StopReason::Preempt)
        } else {
            None
        }
    }
}
