//! The language server: what an editor asks about a spec while it is written.
//!
//! In: messages of the Language Server Protocol. Out: answers and diagnostics. [`Server`] is a function from its state and a
//! message to messages; [`serve()`] puts it on two streams. Files and data come from a [`Host`]. What is said of a text is always
//! that of its newest version, and what one item gets wrong leaves the others alive.

mod analysis;
mod capabilities;
mod completion;
mod diagnostics;
mod documents;
mod fixes;
mod folding;
mod format;
mod frame;
mod highlight;
mod hints;
mod host;
mod hover;
mod layers;
mod lines;
mod manual;
mod names;
mod navigate;
mod rename;
mod serve;
mod server;
mod symbols;
mod uri;
mod workspace;

pub use host::Host;
pub use serve::serve;
pub use server::Server;
