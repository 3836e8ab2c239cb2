//! Normalisation layers: statistics first, then a gain and a shift.

use super::layer::{Args, Site};
use super::scope::Tensor;
use super::{BuildError, Builder};
use crate::ir::{Binary, Buffer, BufferRole, Init, ModalOp, NodeId, Norm, Op, ParamRole, Shape};

impl Builder<'_> {
    pub(super) fn batch_norm(&mut self, args: &Args, site: Site, x: NodeId) -> Tensor {
        let (&channels, pixels) = self.graph[x].shape.dims.split_first()?;
        // The variance of a single value is 0 and says nothing about the data.
        let is_one_value = pixels.iter().product::<usize>() == 1;
        let mut statistic = |name: &str, role, initial| {
            let name = format!("{}.{name}", self.graph.layer(site.layer).name);
            let varies = role == BufferRole::RunningVar && is_one_value;
            let min_samples = if varies { 2 } else { 0 };
            let shape = Shape::fixed([channels]);
            let buffer = Buffer { name, shape, role, initial, min_samples };
            self.graph.add_buffer(buffer, site.span, Some(site.layer)).1
        };
        let mean = statistic("running_mean", BufferRole::RunningMean, 0.0);
        let var = statistic("running_var", BufferRole::RunningVar, 1.0);
        let op = Op::Modal(ModalOp::BatchNorm {
            eps: args.float("eps")?,
            momentum: args.float("momentum")?,
        });
        let y = self.node(op, &[x, mean, var], site.span, site.layer)?;
        self.affine(args, site, y, &[channels], &[1])
    }

    pub(super) fn layer_norm(&mut self, args: &Args, site: Site, x: NodeId) -> Tensor {
        let dims = self.graph[x].shape.dims.clone();
        let op = Op::Normalize { norm: Norm::Layer, eps: args.float("eps")? };
        let y = self.node(op, &[x], site.span, site.layer)?;
        let axes: Vec<_> = (1..=dims.len()).collect();
        self.affine(args, site, y, &dims, &axes)
    }

    pub(super) fn group_norm(&mut self, args: &Args, site: Site, x: NodeId) -> Tensor {
        let groups = args.size("groups")?;
        let channels = self.graph[x].shape.dims.first().copied()?;
        if groups == 0 || channels % groups != 0 {
            return self.fail(&BuildError::Groups {
                layer: "group_norm".into(),
                found: format!("{channels} channels"),
                expected: format!("a multiple of {groups} (group_norm, C2)"),
                span: site.span,
            });
        }
        let op = Op::Normalize { norm: Norm::Group(groups), eps: args.float("eps")? };
        let y = self.node(op, &[x], site.span, site.layer)?;
        self.affine(args, site, y, &[channels], &[1])
    }

    fn affine(
        &mut self,
        args: &Args,
        site: Site,
        y: NodeId,
        dims: &[usize],
        axes: &[usize],
    ) -> Tensor {
        if !args.bool("affine")? {
            return Some(y);
        }
        let gain = self.param(site, "weight", dims, ParamRole::Gain, Init::Constant(1.0))?;
        let gain = self.expand(site, gain, y, axes.to_vec())?;
        let scaled = self.node(Op::Binary(Binary::Mul), &[y, gain], site.span, site.layer)?;
        let shift = self.param(site, "bias", dims, ParamRole::Shift, Init::Constant(0.0))?;
        let shift = self.expand(site, shift, y, axes.to_vec())?;
        self.node(Op::Binary(Binary::Add), &[scaled, shift], site.span, site.layer)
    }
}
