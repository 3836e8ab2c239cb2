//! The process in front of whoever runs it: streams and bars, signals, environment, exit codes; and work that is shown while it is
//! done.
//!
//! In: what is wanted, as plain values. Out: an [`Outcome`], with what there is to tell. Arguments are not known here.

#[cfg(feature = "exec")]
mod board;
pub(crate) mod environment;
#[cfg(feature = "exec")]
mod events;
#[cfg(feature = "exec")]
mod fetch;
mod fetch_bar;
mod outcome;
#[cfg(feature = "exec")]
mod screen;
#[cfg(feature = "exec")]
mod seeds;
#[cfg(feature = "exec")]
mod signals;
#[cfg(feature = "exec")]
mod slurm;
mod streams;
#[cfg(feature = "exec")]
mod sweep;
#[cfg(feature = "exec")]
mod verdicts;

#[cfg(feature = "exec")]
pub(crate) use events::{events, write_events};
#[cfg(feature = "exec")]
pub(crate) use fetch::{load_data, sound_data};
pub(crate) use fetch_bar::FetchBar;
pub(crate) use outcome::Outcome;
#[cfg(feature = "exec")]
pub(crate) use outcome::{Halt, settled};
#[cfg(feature = "exec")]
pub(crate) use seeds::{Report, SeedOrders, run_seeds};
#[cfg(feature = "exec")]
pub(crate) use signals::Signals;
#[cfg(feature = "exec")]
pub(crate) use slurm::SlurmOrders;
pub(crate) use streams::{Terminal, usage_problem};
#[cfg(feature = "exec")]
pub(crate) use sweep::{SweepOrders, Told, sweep, tell_of_earlier};
#[cfg(feature = "exec")]
pub(crate) use verdicts::conclude;
