//! What pest derives from `grammar/net.pest`.

/// The derived parser.
#[derive(pest_derive::Parser)]
#[grammar = "../grammar/net.pest"]
pub(super) struct NetParser;
