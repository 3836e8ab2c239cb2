//! Precedence of operators, and the tree of a flat run of them.

use super::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use super::error::{Nesting, SyntaxError};
use super::limits::MAX_EXPRESSION_DEPTH;
use crate::diag::{Span, Spanned};

/// Binding strength of unary operators; see [`BinaryOp::precedence`].
pub(super) const UNARY: u8 = 6;

impl BinaryOp {
    /// Binding strength: 1 for `||` up to 7 for `^`; unary operators have 6.
    pub fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge => 3,
            Self::Add | Self::Sub => 4,
            Self::Mul | Self::Div | Self::Rem => 5,
            Self::Pow => 7,
        }
    }

    /// The operator as written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Pow => "^",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::And => "&&",
            Self::Or => "||",
        }
    }

    /// The operator written as `symbol`.
    pub fn from_symbol(symbol: &str) -> Option<Self> {
        const ALL: [BinaryOp; 14] = [
            BinaryOp::Pow,
            BinaryOp::Mul,
            BinaryOp::Div,
            BinaryOp::Rem,
            BinaryOp::Add,
            BinaryOp::Sub,
            BinaryOp::Eq,
            BinaryOp::Ne,
            BinaryOp::Lt,
            BinaryOp::Le,
            BinaryOp::Gt,
            BinaryOp::Ge,
            BinaryOp::And,
            BinaryOp::Or,
        ];
        ALL.into_iter().find(|op| op.symbol() == symbol)
    }
}

impl UnaryOp {
    /// The operator as written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Neg => "-",
            Self::Not => "!",
        }
    }
}

/// An expression with the depth of its tree.
#[derive(Debug)]
pub(super) struct Deep {
    /// The expression.
    pub(super) expr: Expr,
    /// Levels below its root, counting the root.
    pub(super) depth: usize,
}

impl Deep {
    /// A node above parts of the given depth.
    ///
    /// # Errors
    /// The tree would be deeper than [`MAX_EXPRESSION_DEPTH`].
    pub(super) fn above(depth: usize, expr: Expr, at: Span) -> Result<Self, SyntaxError> {
        if depth >= MAX_EXPRESSION_DEPTH {
            return Err(SyntaxError::TooDeep { what: Nesting::Operators, span: at });
        }
        Ok(Self { expr, depth: depth + 1 })
    }
}

/// An operator that waits for its right operand.
#[derive(Clone, Copy, Debug)]
enum Pending {
    Prefix(UnaryOp, Span),
    Infix(BinaryOp, Span),
}

impl Pending {
    fn precedence(self) -> u8 {
        match self {
            Self::Prefix(..) => UNARY,
            Self::Infix(op, _) => op.precedence(),
        }
    }
}

/// Builds the tree of `prefix* value (infix prefix* value)*`, fed from left to right.
///
/// It keeps its own stacks, so that long runs cost no recursion.
#[derive(Debug, Default)]
pub(super) struct Operators {
    pending: Vec<Pending>,
    values: Vec<Deep>,
}

impl Operators {
    /// A prefix operator before a value.
    pub(super) fn prefix(&mut self, op: UnaryOp, at: Span) {
        self.pending.push(Pending::Prefix(op, at));
    }

    /// A value.
    pub(super) fn value(&mut self, value: Deep) {
        self.values.push(value);
    }

    /// An infix operator after a value.
    ///
    /// # Errors
    /// The tree becomes too deep.
    pub(super) fn infix(&mut self, op: BinaryOp, at: Span) -> Result<(), SyntaxError> {
        while let Some(top) = self.pending.last() {
            let tighter = top.precedence() > op.precedence();
            let left_first = top.precedence() == op.precedence() && op != BinaryOp::Pow;
            if !(tighter || left_first) {
                break;
            }
            self.reduce()?;
        }
        self.pending.push(Pending::Infix(op, at));
        Ok(())
    }

    /// The tree; `None` if no value was given.
    ///
    /// # Errors
    /// The tree becomes too deep.
    pub(super) fn finish(mut self) -> Result<Option<Deep>, SyntaxError> {
        while !self.pending.is_empty() {
            self.reduce()?;
        }
        Ok(self.values.pop())
    }

    /// Applies the last operator to the last values.
    fn reduce(&mut self) -> Result<(), SyntaxError> {
        let (Some(op), Some(right)) = (self.pending.pop(), self.values.pop()) else {
            return Ok(());
        };
        let built = match op {
            Pending::Prefix(op, at) => {
                let span = at.to(right.expr.span);
                let kind = ExprKind::Unary(op, Box::new(right.expr));
                Deep::above(right.depth, Spanned::new(kind, span), at)?
            }
            Pending::Infix(op, at) => {
                let Some(left) = self.values.pop() else { return Ok(()) };
                let span = left.expr.span.to(right.expr.span);
                let depth = left.depth.max(right.depth);
                let kind = ExprKind::Binary(op, Box::new(left.expr), Box::new(right.expr));
                Deep::above(depth, Spanned::new(kind, span), at)?
            }
        };
        self.values.push(built);
        Ok(())
    }
}
