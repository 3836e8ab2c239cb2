//! What a spec means: typed, defaulted values with their places; names resolved; blocks as templates.

pub mod loss;
pub mod spec;
pub mod train;

pub use loss::{Base, CustomLoss, Divisor, Form, Loss, On, Scale, ScaleExpr, Size};
pub use spec::{Block, Net, Permission, Spec, Value};
pub use train::{Length, Optimizer, Schedule, Sharpness, SharpnessKind, Train};
