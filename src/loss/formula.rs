//! Arithmetic on numbers, values per sample and values per class, written so that loss formulas stay finite.
//!
//! Operands broadcast from numbers to `[n]` to `[n, k]`. Formulas that would round to 0 or ∞ on the way are
//! replaced by equal ones that do not: the logarithm of anything made of softmax and exp is taken in
//! logarithms throughout, 1 − softmax(z)\[label\] becomes exp(log(1 − p)), and powers of exponentials
//! multiply exponents.

use crate::ir::{Binary, ClassOp, Emit, NodeId, Op, Shape, Unary};

/// A value in a formula.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Term {
    /// Known at compile time.
    Number(f64),
    /// One per sample, `[n]`.
    Sample(NodeId),
    /// One per sample and class, `[n, k]`.
    Class(NodeId),
}

/// Emits formulas over the logits and labels of a loss.
#[derive(Debug)]
pub(super) struct Formula<'e, 'g> {
    emit: &'e mut Emit<'g>,
    logits: NodeId,
    labels: NodeId,
}

impl<'e, 'g> Formula<'e, 'g> {
    /// Formulas over `logits` `[n, k]` and `labels` `[n]`.
    pub(super) fn new(emit: &'e mut Emit<'g>, logits: NodeId, labels: NodeId) -> Self {
        Self { emit, logits, labels }
    }

    /// z_y − max over i ≠ y of z_i, `[n]`.
    pub(super) fn margin(emit: &mut Emit<'_>, logits: NodeId, labels: NodeId) -> NodeId {
        let own = emit.op(ClassOp::Gather, &[logits, labels]);
        let rival = emit.op(ClassOp::ArgMaxExcept, &[logits, labels]);
        let rival = emit.op(ClassOp::Gather, &[logits, rival]);
        emit.sub(own, rival)
    }

    /// The logits that the base loss sees.
    pub(super) fn logits(&self) -> Term {
        Term::Class(self.logits)
    }

    /// Number of classes.
    pub(super) fn classes(&self) -> usize {
        self.emit.graph[self.logits].shape.dims[0]
    }

    /// New nodes come from `span` until the next call.
    pub(super) fn at(&mut self, span: crate::diag::Span) {
        self.emit.origin = span;
    }

    /// A term as a node `[n]`; a value per class is summed over the classes (callers rule it out).
    pub(super) fn per_sample(&mut self, x: Term) -> NodeId {
        match x {
            Term::Number(_) | Term::Sample(_) => self.spread(x, &Shape::per_sample([])),
            Term::Class(node) => self.emit.sum(node, [1]),
        }
    }

    /// −x.
    pub(super) fn neg(&mut self, x: Term) -> Term {
        self.map(x, |x| -x, |f, x| f.emit.neg(x))
    }

    /// a + b.
    pub(super) fn add(&mut self, a: Term, b: Term) -> Term {
        self.combine(Binary::Add, a, b, |a, b| a + b)
    }

    /// a − b; 1 − p_y and 1 − sigmoid(x) without rounding to zero.
    pub(super) fn sub(&mut self, a: Term, b: Term) -> Term {
        if let (Term::Number(1.0), Term::Sample(node) | Term::Class(node)) = (a, b)
            && let Some(rest) = self.complement(node)
        {
            return with_node(b, rest);
        }
        self.combine(Binary::Sub, a, b, |a, b| a - b)
    }

    /// a · b.
    pub(super) fn mul(&mut self, a: Term, b: Term) -> Term {
        self.combine(Binary::Mul, a, b, |a, b| a * b)
    }

    /// a / b.
    pub(super) fn div(&mut self, a: Term, b: Term) -> Term {
        self.combine(Binary::Div, a, b, |a, b| a / b)
    }

    /// The larger; a tie gives the gradient to a.
    pub(super) fn max(&mut self, a: Term, b: Term) -> Term {
        self.combine(Binary::Max, a, b, f64::max)
    }

    /// The smaller; a tie gives the gradient to a.
    pub(super) fn min(&mut self, a: Term, b: Term) -> Term {
        self.combine(Binary::Min, a, b, f64::min)
    }

    /// 1 where a ≥ b, else 0.
    pub(super) fn at_least(&mut self, a: Term, b: Term) -> Term {
        self.combine(Binary::Ge, a, b, |a, b| f64::from(u8::from(a >= b)))
    }

    /// 1 where a > b, else 0.
    pub(super) fn above(&mut self, a: Term, b: Term) -> Term {
        self.combine(Binary::Gt, a, b, |a, b| f64::from(u8::from(a > b)))
    }

    /// 1 where a = b, else 0.
    pub(super) fn equal(&mut self, a: Term, b: Term) -> Term {
        #[expect(clippy::float_cmp, reason = "the operation compares exactly")]
        self.combine(Binary::Eq, a, b, |a, b| f64::from(u8::from(a == b)))
    }

    /// aᵇ; with an exponent that varies, exp(b log a), for a > 0.
    pub(super) fn pow(&mut self, a: Term, b: Term) -> Term {
        let (node, power) = match (a, b) {
            (Term::Number(a), Term::Number(b)) => return Term::Number(libm::pow(a, b)),
            (Term::Sample(node) | Term::Class(node), Term::Number(power)) => (node, power),
            (_, Term::Sample(_) | Term::Class(_)) => {
                let log = self.log(a);
                let product = self.mul(b, log);
                return self.exp(product);
            }
        };
        let function = match power {
            0.0 => return Term::Number(1.0),
            1.0 => return a,
            2.0 => Unary::Square,
            0.5 => Unary::Sqrt,
            _ => Unary::Power(power),
        };
        // Below 1 the slope at 0 is infinite; in logarithms it is not met.
        let exponential = matches!(self.emit.graph[node].op, Op::Unary(Unary::Exp));
        if (exponential || power < 1.0)
            && let Some(log) = self.log_form(node)
        {
            let exponent = self.emit.times(log, power);
            return with_node(a, self.emit.unary(Unary::Exp, exponent));
        }
        with_node(a, self.emit.unary(function, node))
    }

    /// eˣ; of log softmax it is softmax.
    pub(super) fn exp(&mut self, x: Term) -> Term {
        if let Term::Sample(node) | Term::Class(node) = x
            && let Some(p) = self.probability(node)
        {
            return with_node(x, p);
        }
        self.unary(Unary::Exp, x, libm::exp)
    }

    /// ln x, in logarithms throughout where x is made of softmax and exp.
    pub(super) fn log(&mut self, x: Term) -> Term {
        if let Term::Sample(node) | Term::Class(node) = x
            && let Some(log) = self.log_form(node)
        {
            return with_node(x, log);
        }
        self.unary(Unary::Log, x, libm::log)
    }

    /// A function of one operand, with its value for numbers.
    pub(super) fn unary(&mut self, function: Unary, x: Term, fold: fn(f64) -> f64) -> Term {
        self.map(x, fold, |f, x| f.emit.unary(function, x))
    }

    /// max(x, 0).
    pub(super) fn relu(&mut self, x: Term) -> Term {
        self.unary(Unary::Relu, x, |x| x.max(0.0))
    }

    /// x without its gradient.
    pub(super) fn stop_gradient(&mut self, x: Term) -> Term {
        self.map(x, |x| x, |f, x| f.emit.op(Op::StopGradient, &[x]))
    }

    /// a where the mask is not 0, else b.
    pub(super) fn select(&mut self, mask: Term, a: Term, b: Term) -> Term {
        if let Term::Number(mask) = mask {
            return if mask == 0.0 { b } else { a };
        }
        let shape = self.common(&[mask, a, b]);
        let inputs = [mask, a, b].map(|x| self.spread(x, &shape));
        of_shape(&shape, self.emit.select(inputs[0], inputs[1], inputs[2]))
    }

    /// softmax over the classes.
    pub(super) fn softmax(&mut self, x: Term) -> Term {
        let x = self.class_node(x);
        Term::Class(self.emit.op(ClassOp::Softmax, &[x]))
    }

    /// log softmax over the classes.
    pub(super) fn log_softmax(&mut self, x: Term) -> Term {
        let x = self.class_node(x);
        Term::Class(self.emit.op(ClassOp::LogSoftmax, &[x]))
    }

    /// Sum over the classes.
    pub(super) fn sum_classes(&mut self, x: Term) -> Term {
        let x = self.class_node(x);
        Term::Sample(self.emit.sum(x, [1]))
    }

    /// The largest over the classes; the first one gets the gradient.
    pub(super) fn max_classes(&mut self, x: Term) -> Term {
        let x = self.class_node(x);
        let top = self.emit.op(ClassOp::ArgMax, &[x]);
        Term::Sample(self.emit.op(ClassOp::Gather, &[x, top]))
    }

    /// 1 at the label, else 0.
    pub(super) fn one_hot(&mut self) -> Term {
        let ones = self.spread(Term::Number(1.0), &Shape::per_sample([]));
        let classes = self.classes();
        Term::Class(self.emit.op(ClassOp::Scatter { classes }, &[ones, self.labels]))
    }

    /// Margin of the label over the best other class.
    pub(super) fn margin_of(&mut self, x: Term) -> Term {
        let x = self.class_node(x);
        Term::Sample(Self::margin(self.emit, x, self.labels))
    }

    /// The value at the label.
    pub(super) fn at_label(&mut self, x: Term) -> Term {
        let node = self.class_node(x);
        let graph = &*self.emit.graph;
        if graph[node].op == Op::Binary(Binary::Sub) {
            let operands = graph.inputs(node);
            if self.is_one(operands[0]) && graph[operands[1]].op == Op::Class(ClassOp::Softmax) {
                let p = self.emit.op(ClassOp::Gather, &[operands[1], self.labels]);
                return self.sub(Term::Number(1.0), Term::Sample(p));
            }
        }
        Term::Sample(self.emit.op(ClassOp::Gather, &[node, self.labels]))
    }

    /// The value at a class known at compile time, below the number of classes.
    pub(super) fn at_class(&mut self, x: Term, class: usize) -> Term {
        let x = self.class_node(x);
        let part = self.emit.op(Op::Slice { axis: 1, start: class, len: 1 }, &[x]);
        Term::Sample(self.emit.reshape(part, Shape::per_sample([])))
    }

    /// The same values for every sample, one per class.
    pub(super) fn constants(&mut self, values: &[f64]) -> Term {
        let column = Shape::per_sample([1]);
        let columns: Vec<_> = values
            .iter()
            .map(|value| {
                let value = self.emit.number(*value);
                self.emit.spread(value, &column)
            })
            .collect();
        Term::Class(self.emit.op(Op::Concat { axis: 1 }, &columns))
    }

    /// Threshold of the projection onto the simplex.
    pub(super) fn sparsemax_threshold(&mut self, x: Term) -> Term {
        let x = self.class_node(x);
        Term::Sample(self.emit.op(ClassOp::SparsemaxThreshold, &[x]))
    }

    /// A node equal to log of `node`, where that can be had without taking the logarithm of a small number.
    fn log_form(&mut self, node: NodeId) -> Option<NodeId> {
        let inputs = self.emit.graph.inputs(node);
        let op = self.emit.graph[node].op.clone();
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others have no form of their own")]
        let log = match op {
            Op::Class(ClassOp::Softmax) => self.emit.op(ClassOp::LogSoftmax, &inputs),
            Op::Unary(Unary::Exp) => inputs[0],
            Op::Unary(Unary::Square) => self.log_power(inputs[0], 2.0)?,
            Op::Unary(Unary::Sqrt) => self.log_power(inputs[0], 0.5)?,
            Op::Unary(Unary::Power(power)) => self.log_power(inputs[0], power)?,
            Op::Unary(Unary::Sigmoid) => self.log_sigmoid(inputs[0]),
            Op::Const(value) if value > 0.0 => self.emit.number(libm::log(value)),
            Op::Binary(function @ (Binary::Mul | Binary::Div | Binary::Max | Binary::Min)) => {
                let logs = [self.log_form(inputs[0])?, self.log_form(inputs[1])?];
                let function = match function {
                    Binary::Mul => Binary::Add,
                    Binary::Div => Binary::Sub,
                    other => other,
                };
                self.emit.binary(function, logs[0], logs[1])
            }
            Op::Select => {
                let logs = [self.log_form(inputs[1])?, self.log_form(inputs[2])?];
                self.emit.select(inputs[0], logs[0], logs[1])
            }
            Op::Class(ClassOp::Gather) | Op::Slice { .. } | Op::Reshape(_) | Op::Expand { .. } => {
                let mut moved = inputs.clone();
                moved[0] = self.log_form(inputs[0])?;
                self.emit.op(op, &moved)
            }
            _ => return None,
        };
        Some(log)
    }

    fn log_power(&mut self, x: NodeId, power: f64) -> Option<NodeId> {
        let log = self.log_form(x)?;
        Some(self.emit.times(log, power))
    }

    /// min(x, 0) − log(1 + exp(−|x|)).
    fn log_sigmoid(&mut self, x: NodeId) -> NodeId {
        let zero = self.emit.number_like(0.0, x);
        let low = self.emit.binary(Binary::Min, x, zero);
        let size = self.emit.unary(Unary::Abs, x);
        let size = self.emit.neg(size);
        let tail = self.emit.unary(Unary::Exp, size);
        let one = self.emit.number_like(1.0, x);
        let sum = self.emit.add(one, tail);
        let log = self.emit.unary(Unary::Log, sum);
        self.emit.sub(low, log)
    }

    /// softmax in place of exp(log softmax), also at an index.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other exponential is known")]
    fn probability(&mut self, log: NodeId) -> Option<NodeId> {
        let inputs = self.emit.graph.inputs(log);
        match self.emit.graph[log].op {
            Op::Class(ClassOp::LogSoftmax) => Some(self.emit.op(ClassOp::Softmax, &inputs)),
            Op::Class(ClassOp::Gather) => {
                let p = self.probability(inputs[0])?;
                Some(self.emit.op(ClassOp::Gather, &[p, inputs[1]]))
            }
            _ => None,
        }
    }

    /// 1 − x where x is a softmax at the label or a sigmoid.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other complement is known")]
    fn complement(&mut self, x: NodeId) -> Option<NodeId> {
        let graph = &*self.emit.graph;
        let inputs = graph.inputs(x);
        match graph[x].op {
            Op::Class(ClassOp::Gather)
                if inputs[1] == self.labels
                    && graph[inputs[0]].op == Op::Class(ClassOp::Softmax) =>
            {
                let logits = graph.inputs(inputs[0])[0];
                let log = self.emit.op(ClassOp::LogNotLabel, &[logits, self.labels]);
                Some(self.emit.unary(Unary::Exp, log))
            }
            Op::Unary(Unary::Sigmoid) => {
                let negative = self.emit.neg(inputs[0]);
                Some(self.emit.unary(Unary::Sigmoid, negative))
            }
            _ => None,
        }
    }

    fn is_one(&self, node: NodeId) -> bool {
        let graph = &*self.emit.graph;
        let inner =
            if matches!(graph[node].op, Op::Expand { .. }) { graph.inputs(node)[0] } else { node };
        graph[inner].op == Op::Const(1.0)
    }

    fn map(
        &mut self,
        x: Term,
        fold: impl Fn(f64) -> f64,
        emit: impl Fn(&mut Self, NodeId) -> NodeId,
    ) -> Term {
        match x {
            Term::Number(value) => Term::Number(fold(value)),
            Term::Sample(node) => Term::Sample(emit(self, node)),
            Term::Class(node) => Term::Class(emit(self, node)),
        }
    }

    fn combine(&mut self, function: Binary, a: Term, b: Term, fold: fn(f64, f64) -> f64) -> Term {
        if let (Term::Number(a), Term::Number(b)) = (a, b) {
            return Term::Number(fold(a, b));
        }
        let shape = self.common(&[a, b]);
        let (a, b) = (self.spread(a, &shape), self.spread(b, &shape));
        of_shape(&shape, self.emit.binary(function, a, b))
    }

    fn common(&self, terms: &[Term]) -> Shape {
        let class = terms.iter().any(|term| matches!(term, Term::Class(_)));
        if class { Shape::per_sample([self.classes()]) } else { Shape::per_sample([]) }
    }

    fn spread(&mut self, x: Term, shape: &Shape) -> NodeId {
        match x {
            Term::Number(value) => {
                let value = self.emit.number(value);
                self.emit.spread(value, shape)
            }
            Term::Sample(node) | Term::Class(node) if self.emit.graph[node].shape == *shape => node,
            Term::Sample(node) | Term::Class(node) => {
                self.emit.op(Op::Expand { shape: shape.clone(), axes: vec![0] }, &[node])
            }
        }
    }

    fn class_node(&mut self, x: Term) -> NodeId {
        let shape = Shape::per_sample([self.classes()]);
        self.spread(x, &shape)
    }
}

fn with_node(like: Term, node: NodeId) -> Term {
    match like {
        Term::Number(_) | Term::Sample(_) => Term::Sample(node),
        Term::Class(_) => Term::Class(node),
    }
}

fn of_shape(shape: &Shape, node: NodeId) -> Term {
    if shape.dims.is_empty() { Term::Sample(node) } else { Term::Class(node) }
}
