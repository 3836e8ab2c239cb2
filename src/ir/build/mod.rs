//! From a resolved spec to the graph up to the logits: blocks, `repeat` and `if` are expanded while the graph grows, so that
//! shapes are known where they are asked for.
//!
//! In: a [`Spec`]. Out: a [`Graph`] from [`Op::Input`] to the output `logits` of shape `[n, classes]`, every layer named, every
//! shape inferred; or every independent problem. Work and sizes are bounded before anything is made.

mod branch;
mod error;
mod init;
mod layer;
mod norm;
mod scope;
mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

pub use error::BuildError;

use scope::{Binding, Frame, Tensor, View};

use super::{Graph, Kind, NodeId, Op, Shape, Use, UseId};
use crate::diag::{Diagnostic, Diagnostics, Span, ToDiagnostic};
use crate::model::bind::looks_like;
use crate::model::eval::{condition, describe};
use crate::model::walk::{is_branch, names_of_body};
use crate::model::{ModelError, Scope, Spec, Value, eval, tidy};
use crate::syntax::ast;

/// Nodes of a graph.
pub const MAX_NODES: usize = 100_000;

/// Elements of all parameters together.
pub const MAX_PARAMETERS: usize = 1 << 31;

/// Parameter tensors: the degrees of a net with a bias in every layer grow with their square.
pub const MAX_TENSORS: usize = 4096;

/// Elements of one result per sample.
pub const MAX_ACTIVATIONS: usize = 1 << 28;

/// Statements and steps that an expansion may execute.
const MAX_WORK: usize = 400_000;

/// Blocks, chains and parentheses inside one another; bounds the stack.
const MAX_DEPTH: usize = 200;

/// Builds the graph of a resolved spec.
///
/// # Errors
/// Every independent problem, in source order.
pub fn build(spec: &Spec) -> Result<Graph, Diagnostics> {
    let (graph, errors) = expand(spec);
    if errors.is_empty() { Ok(graph) } else { Err(errors) }
}

/// Builds the graph of a resolved spec as far as it goes; with the output `logits` where nothing is wrong. Every independent
/// problem is beside it, in source order.
pub fn expand(spec: &Spec) -> (Graph, Diagnostics) {
    let mut builder = Builder::new(spec);
    let shape = Shape::per_sample(spec.sample_shape.clone());
    let input = builder.graph.add_leaf(Op::Input, shape, Kind::Real, spec.data_span);
    let mut frame = Frame {
        locals: vec![],
        input: Some(input),
        lets: &spec.lets,
        mentions: builder.mentions("", &spec.net.body),
    };
    let end = builder.body(&spec.net.body, &mut frame, Some(input));
    let logits = end.out.unwrap_or(end.current);
    if let Some(logits) = logits {
        builder.logits(logits);
    }
    let Builder { graph, mut errors, .. } = builder;
    tidy(&mut errors);
    (graph, errors)
}

/// How a body ended.
struct End {
    /// The current value behind the last statement.
    current: Tensor,
    /// The value of `out`, where one was met.
    out: Option<Tensor>,
}

struct Builder<'a> {
    spec: &'a Spec,
    graph: Graph,
    errors: Diagnostics,
    /// Layers so far by the word that numbers them.
    counters: BTreeMap<&'static str, usize>,
    /// Names of layers with their places.
    names: BTreeMap<String, Span>,
    /// Elements of all parameters so far.
    parameters: u128,
    /// Iterations of the repeats around the present statement.
    iterations: Vec<usize>,
    /// Blocks around the present statement with the places of their calls.
    calls: Vec<(String, Span)>,
    /// Uses of blocks and iterations around the present statement.
    uses: Vec<UseId>,
    dropouts: u32,
    work: usize,
    depth: usize,
    /// Set once a limit is met: nothing more is expanded.
    stopped: bool,
    mentions: BTreeMap<String, Rc<BTreeSet<String>>>,
}

impl<'a> Builder<'a> {
    fn new(spec: &'a Spec) -> Self {
        Self {
            spec,
            graph: Graph::new(),
            errors: vec![],
            counters: BTreeMap::new(),
            names: BTreeMap::new(),
            parameters: 0,
            iterations: vec![],
            calls: vec![],
            uses: vec![],
            dropouts: 0,
            work: 0,
            depth: 0,
            stopped: false,
            mentions: BTreeMap::new(),
        }
    }

    fn mentions(&mut self, block: &str, body: &[ast::Stmt]) -> Rc<BTreeSet<String>> {
        let entry = self.mentions.entry(block.to_owned()).or_insert_with(|| {
            let mut names = BTreeSet::new();
            names_of_body(body, &mut names);
            Rc::new(names)
        });
        Rc::clone(entry)
    }

    /// Reports a problem together with the blocks around it.
    fn report(&mut self, mut diagnostic: Diagnostic) {
        for (block, span) in self.calls.iter().rev().take(2) {
            diagnostic = diagnostic.label(*span, format!("in this use of `{block}`"));
        }
        self.errors.push(diagnostic);
    }

    fn fail<T>(&mut self, error: &impl ToDiagnostic) -> Option<T> {
        self.report(error.to_diagnostic());
        None
    }

    fn stop<T>(&mut self, what: &'static str, limit: usize, span: Span) -> Option<T> {
        if !self.stopped {
            self.stopped = true;
            self.report(BuildError::TooLong { what, limit, span }.to_diagnostic());
        }
        None
    }

    /// Counts one unit of work; `None` once the limits are met.
    fn tick(&mut self, span: Span) -> Option<()> {
        if self.stopped {
            return None;
        }
        self.work += 1;
        if self.work > MAX_WORK {
            return self.stop("statements", MAX_WORK, span);
        }
        if self.graph.len() + 16 > MAX_NODES {
            return self.stop("nodes", MAX_NODES, span);
        }
        if self.graph.params.len() > MAX_TENSORS {
            return self.stop("parameter tensors", MAX_TENSORS, span);
        }
        Some(())
    }

    fn value(&mut self, expr: &ast::Expr, frame: &Frame<'_>) -> Option<Value> {
        self.evaluated(eval, expr, frame)
    }

    fn condition(&mut self, expr: &ast::Expr, frame: &Frame<'_>) -> Option<bool> {
        self.evaluated(condition, expr, frame)
    }

    fn evaluated<T>(
        &mut self,
        eval: fn(&ast::Expr, &dyn Scope, &mut Diagnostics) -> Option<T>,
        expr: &ast::Expr,
        frame: &Frame<'_>,
    ) -> Option<T> {
        let mut errors = vec![];
        let view = View { frame, graph: &self.graph, classes: self.spec.classes };
        let value = eval(expr, &view, &mut errors);
        for error in errors {
            self.report(error);
        }
        value
    }

    fn is_branch(&self, expr: &ast::Expr, frame: &Frame<'_>) -> bool {
        is_branch(expr, &|name| {
            self.spec.blocks.contains_key(name)
                || matches!(frame.local(name), Some(Binding::Branch(_)))
        })
    }

    fn body(&mut self, body: &[ast::Stmt], frame: &mut Frame<'a>, start: Tensor) -> End {
        let mut current = start;
        for stmt in body {
            let span = stmt.span.0;
            if self.tick(span).is_none() {
                return End { current: None, out: None };
            }
            match &stmt.kind {
                ast::StmtKind::Chain(steps) => {
                    current = self.chain(steps, frame, current, true);
                }
                ast::StmtKind::Let(binding) => self.bind(binding, frame, current),
                ast::StmtKind::Out(expr) => {
                    let out = self.branch(expr, None, frame, current, true);
                    return End { current, out: Some(out) };
                }
                ast::StmtKind::Repeat { var, range, body } => {
                    let Some(values) = self.iterations_of(range, frame) else {
                        current = None;
                        continue;
                    };
                    let locals = frame.locals.len();
                    for (iteration, value) in values.into_iter().enumerate() {
                        if self.tick(span).is_none() {
                            return End { current: None, out: None };
                        }
                        if let Some(var) = var {
                            let value = Binding::Value(Some(Value::Int(value)));
                            frame.locals.push((var.value.clone(), value));
                        }
                        self.iterations.push(iteration);
                        self.enter("repeat".to_owned(), span);
                        let end = self.body(body, frame, current);
                        self.uses.pop();
                        self.iterations.pop();
                        frame.locals.truncate(locals);
                        current = end.current;
                        if end.out.is_some() {
                            return end;
                        }
                    }
                }
                ast::StmtKind::If { condition, then, otherwise } => {
                    let Some(holds) = self.condition(condition, frame) else {
                        current = None;
                        continue;
                    };
                    let side = if holds { then } else { otherwise };
                    let end = self.body(side, frame, current);
                    current = end.current;
                    if end.out.is_some() {
                        return end;
                    }
                }
            }
        }
        End { current, out: None }
    }

    /// From now on layers stand in another use of a block, or iteration.
    fn enter(&mut self, name: String, origin: Span) {
        let id = UseId(self.graph.uses.len() as u32);
        self.graph.uses.push(Use { name, inside: self.uses.last().copied(), origin });
        self.uses.push(id);
    }

    fn bind(&mut self, binding: &ast::Let, frame: &mut Frame<'a>, current: Tensor) {
        let name = binding.name.value.clone();
        let value = if !self.is_branch(&binding.value, frame) {
            Binding::Value(self.value(&binding.value, frame))
        } else if frame.mentions.contains(&name) {
            Binding::Branch(self.branch(&binding.value, None, frame, current, true))
        } else {
            // Never used, which was warned about: it must not leave parameters behind.
            Binding::Branch(None)
        };
        frame.locals.push((name, value));
    }

    fn iterations_of(&mut self, range: &ast::Expr, frame: &Frame<'_>) -> Option<Vec<i64>> {
        let count = |values: Vec<i64>| (values.len() <= MAX_NODES).then_some(values);
        let value = self.value(range, frame)?;
        let values = if let Some(n) = value.int().filter(|n| *n >= 0) {
            if n > MAX_NODES as i64 {
                return self.stop("statements", MAX_WORK, range.span);
            }
            Some((0..n).collect())
        } else if let Value::List(items) = &value {
            items.iter().map(Value::int).collect::<Option<Vec<_>>>().and_then(count)
        } else {
            None
        };
        if values.is_none() {
            let error = ModelError::WrongType {
                what: "the range of `repeat`".into(),
                expected: "a range such as `0..4`, or a count".into(),
                found: describe(&value),
                help: None,
                span: range.span,
            };
            return self.fail(&error);
        }
        values
    }

    /// The outcome must be one value per class.
    fn logits(&mut self, logits: NodeId) {
        let node = &self.graph[logits];
        let classes = self.spec.classes;
        if node.shape == Shape::per_sample([classes]) {
            self.graph.outputs.insert("logits".into(), logits);
            return;
        }
        let layer = node.layer.map(|id| self.graph.layer(id));
        let error = BuildError::Logits {
            found: node.shape.clone(),
            classes,
            span: layer.map_or(self.spec.net.span, |layer| layer.origin),
            linear: layer.is_some_and(|layer| layer.kind == "linear"),
        };
        self.errors.push(error.to_diagnostic());
    }
}

/// What stands where a layer belongs.
fn misplaced(expr: &ast::Expr) -> BuildError {
    BuildError::Misplaced {
        title: "this is not a layer".into(),
        found: looks_like(expr),
        expected: "a layer, a block, `in` or the name of a branch",
        help: None,
        span: expr.span,
    }
}
