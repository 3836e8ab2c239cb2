//! The scaling analysis against the golden facts, against numbers, and against edits of the net.

mod blame;
mod facts;
mod nets;
mod random;
mod rank;
mod verdicts;
mod written;
