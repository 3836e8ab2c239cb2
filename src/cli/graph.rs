//! `specc graph`: the net as a picture with shapes and degrees, SVG or Graphviz text.

pub mod dot;
pub mod picture;
pub mod svg;
