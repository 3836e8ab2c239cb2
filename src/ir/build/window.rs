//! Layers that slide a window over a picture: convolutions and pools.

use super::init::{Fans, initial};
use super::layer::{Args, Site};
use super::scope::Tensor;
use super::{BuildError, Builder};
use crate::ir::{Conv, NodeId, Op, ParamRole, Pool, Shape};
use crate::model::Value;

/// A convolution with everything known but its input.
struct Window {
    kernel: [usize; 2],
    stride: [usize; 2],
    pad: [usize; 2],
}

impl Builder<'_> {
    pub(super) fn conv(&mut self, args: &Args, site: Site, x: NodeId) -> Tensor {
        let [channels, ..] = self.picture(site, x)?;
        let (outputs, groups) = (args.size("channels")?, args.size("groups")?);
        if channels % groups != 0 || outputs % groups != 0 {
            return self.fail(&BuildError::Groups {
                layer: "conv".into(),
                found: format!("{channels} channels in and {outputs} out"),
                expected: format!("multiples of {groups} (conv, C2)"),
                span: site.span,
            });
        }
        self.convolve(args, site, x, outputs, groups)
    }

    pub(super) fn depthwise(&mut self, args: &Args, site: Site, x: NodeId) -> Tensor {
        let [channels, ..] = self.picture(site, x)?;
        let outputs = channels.saturating_mul(args.size("multiplier")?);
        self.convolve(args, site, x, outputs, channels)
    }

    fn convolve(
        &mut self,
        args: &Args,
        site: Site,
        x: NodeId,
        outputs: usize,
        groups: usize,
    ) -> Tensor {
        let [channels, ..] = self.picture(site, x)?;
        let kernel = args.pair("kernel")?;
        let pad = self.padding(args, kernel, site)?;
        let window = Window { kernel, stride: args.pair("stride")?, pad };
        let [height, width] = self.slide(&window, site, x, "C3")?;
        let dims = [outputs, channels / groups, kernel[0], kernel[1]];
        let field = kernel[0].saturating_mul(kernel[1]);
        let fans =
            Fans { inputs: dims[1].saturating_mul(field), outputs: outputs.saturating_mul(field) };
        let (weight_init, bias_init) = initial(args.value("init")?, fans);
        let weight = self.param(site, "weight", &dims, ParamRole::Weight, weight_init)?;
        let kind = self.kind(site);
        self.bound_activations(&kind, product(&[outputs, height, width]), site.span)?;
        let conv = Conv { stride: window.stride, pad: window.pad, groups };
        let y = self.node(Op::Conv(conv), &[x, weight], site.span, site.layer)?;
        if args.bool("bias")? { self.add_bias(site, y, outputs, bias_init) } else { Some(y) }
    }

    fn padding(&mut self, args: &Args, kernel: [usize; 2], site: Site) -> Option<[usize; 2]> {
        if !matches!(args.value("pad")?, Value::Word(_)) {
            return args.pair("pad");
        }
        if kernel.iter().all(|size| size % 2 == 1) {
            return Some(kernel.map(|size| size / 2));
        }
        let layer = self.kind(site);
        self.fail(&BuildError::Window {
            found: format!("`pad=same` with a kernel of {} × {}", kernel[0], kernel[1]),
            expected: format!("an odd kernel with `pad=same` ({layer}, C4)"),
            help: "use an odd kernel, or give `pad` as a number".into(),
            layer,
            span: site.span,
        })
    }

    pub(super) fn pool(&mut self, max: bool, args: &Args, site: Site, x: NodeId) -> Tensor {
        let [channels, ..] = self.picture(site, x)?;
        let (kernel, stride, pad) = (args.pair("kernel")?, args.pair("stride")?, args.pair("pad")?);
        if pad.iter().zip(&kernel).any(|(pad, kernel)| pad.saturating_mul(2) > *kernel) {
            let layer = self.kind(site);
            return self.fail(&BuildError::Window {
                found: format!(
                    "padding {} × {} for windows of {} × {}",
                    pad[0], pad[1], kernel[0], kernel[1]
                ),
                expected: format!("at most half a window of padding ({layer}, C3)"),
                help: "use less padding".into(),
                layer,
                span: site.span,
            });
        }
        let window = Window { kernel, stride, pad };
        let [height, width] = self.slide(&window, site, x, "C2")?;
        let kind = self.kind(site);
        self.bound_activations(&kind, product(&[channels, height, width]), site.span)?;
        let pool = Pool { kernel, stride, pad };
        let op = if max { Op::MaxPool(pool) } else { Op::AvgPool(pool) };
        self.node(op, &[x], site.span, site.layer)
    }

    pub(super) fn global_avg_pool(&mut self, site: Site, x: NodeId) -> Tensor {
        let [channels, height, width] = self.picture(site, x)?;
        let whole = [height, width];
        let pool = Pool { kernel: whole, stride: whole, pad: [0, 0] };
        let mean = self.node(Op::AvgPool(pool), &[x], site.span, site.layer)?;
        let flat = Shape::per_sample([channels]);
        self.node(Op::Reshape(flat), &[mean], site.span, site.layer)
    }

    /// Channels, height and width of an input that is a picture.
    fn picture(&mut self, site: Site, x: NodeId) -> Option<[usize; 3]> {
        let shape = self.graph[x].shape.clone();
        if let [channels, height, width] = shape.dims[..] {
            return Some([channels, height, width]);
        }
        let layer = self.kind(site);
        let help = match shape.dims.len() {
            1 => "move it before `flatten`, or insert `reshape([channels, height, width])`",
            _ => "insert `reshape([channels, height, width])` before this layer",
        };
        self.fail(&BuildError::Rank {
            expected: format!("rank 4, [n, channels, height, width] ({layer}, C1)"),
            need: "a picture as its input",
            help: Some(help.into()),
            layer,
            found: shape,
            span: site.span,
        })
    }

    /// Height and width of the result.
    fn slide(
        &mut self,
        window: &Window,
        site: Site,
        x: NodeId,
        constraint: &str,
    ) -> Option<[usize; 2]> {
        let [_, height, width] = self.picture(site, x)?;
        let sizes = [(height, 0), (width, 1)].map(|(size, axis)| {
            let padded = window.pad[axis].saturating_mul(2).saturating_add(size);
            let room = padded.checked_sub(window.kernel[axis])?;
            Some(room / window.stride[axis].max(1) + 1)
        });
        if let [Some(height), Some(width)] = sizes {
            return Some([height, width]);
        }
        let layer = self.kind(site);
        let [kh, kw] = window.kernel;
        self.fail(&BuildError::Window {
            found: format!("a window of {kh} × {kw} for a picture of {height} × {width}"),
            expected: format!(
                "a window no larger than the picture with its padding ({layer}, {constraint})"
            ),
            help: format!("use a smaller window, or `pad={}`", kh.max(kw) / 2),
            layer,
            span: site.span,
        })
    }
}

fn product(sizes: &[usize]) -> u128 {
    sizes.iter().fold(1, |product, size| product.saturating_mul(*size as u128))
}
