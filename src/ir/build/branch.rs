//! Chains, branch expressions and blocks.

use super::scope::{Binding, Frame, Tensor, View};
use super::{BuildError, Builder, MAX_ACTIVATIONS, MAX_DEPTH, misplaced};
use crate::diag::Span;
use crate::ir::{Binary, NodeId, Op};
use crate::model::bind::{bind_block, looks_like};
use crate::model::eval;
use crate::model::table::{Group, JOINS};
use crate::syntax::ast::{BinaryOp, Call, Expr, ExprKind, Name, Step};

/// One side of `+` or `*`.
enum Operand {
    Branch(Tensor, Span),
    Number(Option<f64>, Span),
}

impl<'a> Builder<'a> {
    /// Applies the steps one after the other; `fresh` where a value may start the chain anew.
    pub(super) fn chain(
        &mut self,
        steps: &[Step],
        frame: &mut Frame<'a>,
        incoming: Tensor,
        fresh: bool,
    ) -> Tensor {
        let mut current = incoming;
        for (position, step) in steps.iter().enumerate() {
            self.tick(step.expr.span)?;
            let fresh = fresh && position == 0;
            current = self.branch(&step.expr, step.label.as_ref(), frame, current, fresh);
        }
        current
    }

    /// The value of a branch expression; layers in it apply to `incoming`.
    pub(super) fn branch(
        &mut self,
        expr: &Expr,
        label: Option<&Name>,
        frame: &mut Frame<'a>,
        incoming: Tensor,
        fresh: bool,
    ) -> Tensor {
        self.depth += 1;
        let result = if self.depth > MAX_DEPTH {
            self.stop("nested blocks and chains", MAX_DEPTH, expr.span)
        } else {
            self.branch_inner(expr, label, frame, incoming, fresh)
        };
        self.depth -= 1;
        result
    }

    fn branch_inner(
        &mut self,
        expr: &Expr,
        label: Option<&Name>,
        frame: &mut Frame<'a>,
        incoming: Tensor,
        fresh: bool,
    ) -> Tensor {
        match &expr.value {
            ExprKind::Call(call) => self.call(call, expr, label, frame, incoming, fresh),
            ExprKind::Chain(steps) => match (steps.as_slice(), label) {
                ([step], Some(_)) if step.label.is_none() => {
                    self.branch(&step.expr, label, frame, incoming, fresh)
                }
                (_, None) => self.chain(steps, frame, incoming, fresh),
                (_, Some(label)) => self.label_without_layer(label, "a chain"),
            },
            ExprKind::Binary(op @ (BinaryOp::Add | BinaryOp::Mul), a, b)
                if self.is_branch(expr, frame) =>
            {
                let applies = fresh || self.has_layer(a) || self.has_layer(b);
                if !applies {
                    return self.value_inside_chain(expr);
                }
                let a = self.operand(a, frame, incoming);
                let b = self.operand(b, frame, incoming);
                self.combine(*op, a, b, expr.span, label)
            }
            ExprKind::Binary(op, ..) if self.is_branch(expr, frame) => {
                let sign = sign(*op);
                self.fail(&BuildError::Misplaced {
                    title: format!("branches have no `{sign}`"),
                    found: "a formula of branches".into(),
                    expected: "`+` or `*` between branches",
                    help: None,
                    span: expr.span,
                })
            }
            ExprKind::If { condition, then, otherwise } => {
                let holds = self.condition(condition, frame)?;
                let side = if holds { then } else { otherwise };
                self.branch(side, label, frame, incoming, fresh)
            }
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::Str(_)
            | ExprKind::List(_)
            | ExprKind::Range(..)
            | ExprKind::Unary(..)
            | ExprKind::Binary(..)
            | ExprKind::Index(..) => self.fail(&misplaced(expr)),
        }
    }

    /// Whether a layer or a block occurs, which takes the value that comes in.
    fn has_layer(&self, expr: &Expr) -> bool {
        match &expr.value {
            ExprKind::Call(call) => {
                let name = call.callee.value.as_str();
                Group::Layer.row(name).is_some() || self.spec.blocks.contains_key(name)
            }
            ExprKind::Chain(steps) => steps.first().is_some_and(|step| self.has_layer(&step.expr)),
            ExprKind::Binary(_, a, b) => self.has_layer(a) || self.has_layer(b),
            ExprKind::If { then, otherwise, .. } => {
                self.has_layer(then) && self.has_layer(otherwise)
            }
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::Str(_)
            | ExprKind::List(_)
            | ExprKind::Range(..)
            | ExprKind::Unary(..)
            | ExprKind::Index(..) => false,
        }
    }

    fn value_inside_chain(&mut self, expr: &Expr) -> Tensor {
        self.fail(&BuildError::Misplaced {
            title: "a value stands inside a chain".into(),
            found: format!("{}, which drops what comes before", looks_like(expr)),
            expected: "a layer or a block behind `->`",
            help: Some("start a new statement with it".into()),
            span: expr.span,
        })
    }

    fn label_without_layer(&mut self, label: &Name, what: &str) -> Tensor {
        self.fail(&BuildError::Misplaced {
            title: format!("the label `{}` names no layer", label.value),
            found: format!("a label on {what}"),
            expected: "a label on a single layer",
            help: Some("remove the label, or put it on a layer inside".into()),
            span: label.span,
        })
    }

    fn call(
        &mut self,
        call: &Call,
        expr: &Expr,
        label: Option<&Name>,
        frame: &mut Frame<'a>,
        incoming: Tensor,
        fresh: bool,
    ) -> Tensor {
        let name = call.callee.value.as_str();
        if let Some(tensor) = frame.branch(name) {
            return match (label, fresh) {
                (Some(label), _) => self.label_without_layer(label, "a value"),
                (None, true) => tensor,
                (None, false) => self.value_inside_chain(expr),
            };
        }
        if JOINS.contains(&name) {
            return self.join(call, expr.span, label, frame, incoming, fresh);
        }
        if let Some(row) = Group::Layer.row(name) {
            return self.layer(row, call, expr.span, label, frame, incoming);
        }
        let spec = self.spec;
        if let Some(block) = spec.blocks.get(name) {
            if let Some(label) = label {
                return self.label_without_layer(label, "a block");
            }
            return self.block(block, call, expr.span, frame, incoming);
        }
        self.fail(&misplaced(expr))
    }

    fn operand(&mut self, expr: &Expr, frame: &mut Frame<'a>, incoming: Tensor) -> Operand {
        if self.is_branch(expr, frame) {
            return Operand::Branch(self.branch(expr, None, frame, incoming, true), expr.span);
        }
        let value = self.value(expr, frame);
        let number = value.as_ref().and_then(crate::model::Value::number);
        if value.is_some() && number.is_none() {
            self.report(crate::diag::ToDiagnostic::to_diagnostic(&misplaced(expr)));
        }
        Operand::Number(number, expr.span)
    }

    fn combine(
        &mut self,
        op: BinaryOp,
        a: Operand,
        b: Operand,
        span: Span,
        label: Option<&Name>,
    ) -> Tensor {
        let kind = if op == BinaryOp::Add { "add" } else { "mul" };
        match (a, b) {
            (Operand::Branch(a, a_span), Operand::Branch(b, b_span)) => {
                self.elementwise(kind, &[(a?, a_span), (b?, b_span)], span, label)
            }
            (Operand::Branch(x, _), Operand::Number(number, at))
            | (Operand::Number(number, at), Operand::Branch(x, _)) => {
                if op == BinaryOp::Add {
                    return self.fail(&BuildError::Misplaced {
                        title: "a number cannot be added to a branch".into(),
                        found: "a number".into(),
                        expected: "a branch on both sides of `+`",
                        help: None,
                        span: at,
                    });
                }
                let (x, number) = (x?, number?);
                let layer = self.name_layer("mul", "mul", span, label)?;
                let shape = self.graph[x].shape.clone();
                let constant = self.node(Op::Const(number), &[], span, layer)?;
                let factor =
                    self.node(Op::Expand { shape, axes: vec![] }, &[constant], span, layer)?;
                self.node(Op::Binary(Binary::Mul), &[x, factor], span, layer)
            }
            (Operand::Number(..), Operand::Number(..)) => None,
        }
    }

    /// `add`, `mul` and `concat` in their written form.
    fn join(
        &mut self,
        call: &Call,
        span: Span,
        label: Option<&Name>,
        frame: &mut Frame<'a>,
        incoming: Tensor,
        fresh: bool,
    ) -> Tensor {
        let name = call.callee.value.as_str();
        let mut operands: Vec<(Tensor, Span)> = vec![];
        // Behind `->`, or with a single argument, the value that comes in is the first operand.
        if !fresh || call.args.len() < 2 {
            operands.push((incoming, call.callee.span));
        }
        for arg in &call.args {
            if let Some(key) = &arg.key {
                return self.fail(&BuildError::Misplaced {
                    title: format!("`{name}` takes branches only"),
                    found: format!("`{}=…`", key.value),
                    expected: "branches without keys",
                    help: None,
                    span: key.span,
                });
            }
            let tensor = self.branch(&arg.value, None, frame, incoming, true);
            operands.push((tensor, arg.value.span));
        }
        let operands: Vec<(NodeId, Span)> = operands
            .into_iter()
            .map(|(tensor, span)| tensor.map(|tensor| (tensor, span)))
            .collect::<Option<_>>()?;
        if operands.len() < 2 {
            return self.fail(&BuildError::Misplaced {
                title: format!("`{name}` needs at least two branches"),
                found: "one branch".into(),
                expected: "two branches or more",
                help: Some(format!("write `{name}(a, b)`")),
                span,
            });
        }
        if name == "concat" {
            self.concat(&operands, span, label)
        } else {
            let kind = if name == "add" { "add" } else { "mul" };
            self.elementwise(kind, &operands, span, label)
        }
    }

    fn elementwise(
        &mut self,
        kind: &'static str,
        operands: &[(NodeId, Span)],
        span: Span,
        label: Option<&Name>,
    ) -> Tensor {
        let shapes: Vec<_> =
            operands.iter().map(|(id, span)| (*span, self.graph[*id].shape.clone())).collect();
        if shapes.windows(2).any(|pair| pair[0].1 != pair[1].1) {
            let pictures = shapes.iter().all(|(_, shape)| shape.dims.len() == 3);
            let help = pictures.then(|| {
                "bring the skip to the same shape by a `conv(channels, kernel=1, stride=…)`".into()
            });
            return self.fail(&BuildError::Branches {
                layer: kind.into(),
                found: shapes,
                expected: format!("equal shapes ({kind}, C1)"),
                help,
                span,
            });
        }
        let layer = self.name_layer(kind, kind, span, label)?;
        let op = if kind == "add" { Binary::Add } else { Binary::Mul };
        let (first, rest) = operands.split_first()?;
        let mut sum = first.0;
        for (operand, _) in rest {
            sum = self.node(Op::Binary(op), &[sum, *operand], span, layer)?;
        }
        Some(sum)
    }

    fn concat(&mut self, operands: &[(NodeId, Span)], span: Span, label: Option<&Name>) -> Tensor {
        let shapes: Vec<_> =
            operands.iter().map(|(id, span)| (*span, self.graph[*id].shape.clone())).collect();
        let fits = |pair: &[(Span, crate::ir::Shape)]| match (&*pair[0].1.dims, &*pair[1].1.dims) {
            ([_, a @ ..], [_, b @ ..]) => a == b,
            _ => false,
        };
        if !shapes.windows(2).all(fits) {
            return self.fail(&BuildError::Branches {
                layer: "concat".into(),
                found: shapes,
                expected: "shapes that differ in channels or features only (concat, C1)".into(),
                help: None,
                span,
            });
        }
        let total = shapes.iter().fold(0u128, |sum, (_, shape)| sum + shape.elements() as u128);
        self.bound_activations("concat", total, span)?;
        let layer = self.name_layer("concat", "concat", span, label)?;
        let ids: Vec<_> = operands.iter().map(|(id, _)| *id).collect();
        self.node(Op::Concat { axis: 1 }, &ids, span, layer)
    }

    /// Refuses results that no machine should hold.
    pub(super) fn bound_activations(&mut self, layer: &str, count: u128, span: Span) -> Option<()> {
        if count <= MAX_ACTIVATIONS as u128 {
            return Some(());
        }
        self.fail(&BuildError::TooLarge {
            layer: layer.to_owned(),
            what: "values per sample",
            count,
            limit: MAX_ACTIVATIONS,
            span,
        })
    }

    fn block(
        &mut self,
        block: &'a crate::model::Block,
        call: &Call,
        span: Span,
        frame: &Frame<'a>,
        incoming: Tensor,
    ) -> Tensor {
        let name = block.name.value.as_str();
        let mut errors = vec![];
        let bound = bind_block(name, &block.params, call, span, &mut errors);
        let mut inner = Frame {
            locals: vec![],
            input: incoming,
            lets: &block.lets,
            mentions: self.mentions(name, &block.body),
        };
        let classes = self.spec.classes;
        let mut arguments = vec![];
        for (param, given) in bound.iter().flatten() {
            let value = match (given, &param.default) {
                (Some(expr), _) => {
                    eval(expr, &View { frame, graph: &self.graph, classes }, &mut errors)
                }
                (None, Some(expr)) => {
                    eval(expr, &View { frame: &inner, graph: &self.graph, classes }, &mut errors)
                }
                (None, None) => None,
            };
            if let (Some(_), Some(value)) = (given, &value) {
                arguments.push((param.name.value.as_str(), value.short()));
            }
            inner.locals.push((param.name.value.clone(), Binding::Value(value)));
        }
        for error in errors {
            self.report(error);
        }
        bound?;
        self.calls.push((name.to_owned(), span));
        self.enter(as_called(name, call, &arguments), span);
        let end = self.body(&block.body, &mut inner, incoming);
        self.uses.pop();
        self.calls.pop();
        end.out.unwrap_or(end.current)
    }
}

/// `wide(160, stride=2)`: the call with the values of its arguments.
fn as_called(name: &str, call: &Call, arguments: &[(&str, String)]) -> String {
    let keyed = |key: &str| {
        call.args.iter().any(|arg| arg.key.as_ref().is_some_and(|given| given.value == key))
    };
    let texts = arguments
        .iter()
        .map(|(key, value)| if keyed(key) { format!("{key}={value}") } else { value.clone() });
    let texts: Vec<String> = texts.collect();
    if texts.is_empty() { name.to_owned() } else { format!("{name}({})", texts.join(", ")) }
}

fn sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Pow => "^",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::And => "&&",
        BinaryOp::Or => "||",
    }
}
