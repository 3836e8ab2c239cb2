//! What runs say, as pages.
//!
//! In: runs with what they stored, files of logits, and what is known of their specs and data. Out: a
//! [`Page`](super::page::Page) of one run ([`run_page`]), of groups of runs side by side ([`groups_page`]), or of whatever
//! some paths stand for ([`page_of`]). Numbers of
//! finished runs are those of `summary.json`; everything else is taken from the records and the stored logits.

mod calibration;
mod claims;
mod classes;
mod confidence;
mod curves;
mod differences;
mod groups;
mod headline;
mod judged;
mod listing;
mod material;
mod moved;
mod net;
mod open;
mod pictures;
mod provenance;
mod run;
mod sharpness;
mod subject;
mod tables;
mod taken;
mod training;
mod words;

pub use groups::{Study, groups_page};
pub use material::{Facet, Group, Member, Named};
pub use open::{Asked, page_of};
pub use pictures::Pictures;
pub use run::{Known, run_page};
pub use taken::{Detail, Taken};
