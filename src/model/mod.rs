//! What a spec means: typed, defaulted values with their places; names resolved; blocks as templates.

mod analyze;
pub mod bind;
mod effect;
mod error;
pub mod eval;
pub mod loss;
mod path;
mod resolve;
pub mod spec;
pub mod sweep;
pub mod table;
pub mod train;
mod value;
pub(crate) mod walk;
mod write;

pub use analyze::Analyze;
pub use effect::{Command, Idle, VacuousRanks, idle_settings, overruled_settings};
pub use error::ModelError;
pub use eval::{Scope, eval};
pub use loss::{
    Base, CustomLoss, Divisor, Form, Loss, On, Per, Scale, ScaleExpr, Size, WeightedCrossEntropy,
};
pub use path::{Counted, Measure, NoMeasure};
pub use resolve::{ResolveContext, Resolved, built_in, resolve, stated_analysis, tidy};
pub use spec::{Block, Net, Permission, Spec};
pub(crate) use train::Setting;
pub use train::{
    Kept, LastBatch, Length, Optimizer, Places, Schedule, Sharpness, SharpnessKind, Train, Watched,
    WatchedSplit,
};
pub use value::{CallValue, Value};
pub use write::{essential, settings, to_ast};
