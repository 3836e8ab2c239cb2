//! The scaling analysis against the golden facts, against numbers, and against edits of the net.

mod facts;
mod nets;
