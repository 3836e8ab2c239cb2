//! What was written: items, statements and expressions with their spans; no defaults, no resolved names.
//!
//! Equality ignores spans (see [`Spanned`]), so `parse(print(spec)) == spec` can be tested as written.

mod claim;
mod sweep;

pub use claim::{Chosen, Claim, ClaimLine, Quantity};
pub use sweep::{Axis, AxisValues, Choice, ChoiceValue, Key, Setting, Sweep, SweepLine, Where};

use crate::diag::{Span, Spanned};

/// A name as written.
pub type Name = Spanned<String>;

/// A whole file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spec {
    /// The items in the order of the file.
    pub items: Vec<Item>,
}

/// One top-level item with its doc comments.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Lines of `///` before the item, without the slashes and one leading space.
    pub docs: Vec<String>,
    /// What the item declares.
    pub kind: ItemKind,
    /// From the keyword to the end of the item.
    pub span: IgnoredSpan,
}

/// The items of the language.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// `data cifar100(normalize=half)` or `data synthetic(blobs, …)`.
    Data(Call),
    /// `net lenet5(bias=false) { … }`.
    Net(Net),
    /// `block wide(c, stride=1) { … }`.
    Block(Block),
    /// `loss two_scale(delta=0.5)` selects; with a body it defines.
    Loss(Loss),
    /// `train sgd(lr=0.1) { batch = 128 }`.
    Train(Train),
    /// `analyze { eta = [0, 0.1] }`.
    Analyze(Vec<Entry>),
    /// `let width = 64`.
    Let(Let),
    /// `import "blocks.net"`: its blocks, losses and lets become known here.
    Import(Spanned<String>),
    /// `assert homogeneous(net, degree=4)`.
    Assert(Expr),
    /// `sweep fig3 { train.lr in [0.1, 0.2] }`.
    Sweep(Sweep),
    /// `claim`.
    Claim(Claim),
}

impl ItemKind {
    /// The key by which an override or an axis puts another one in its place.
    pub fn chosen_by(&self) -> Option<&'static str> {
        match self {
            Self::Data(_) => Some("data"),
            Self::Net(_) => Some("net"),
            Self::Loss(loss) => loss.body.is_none().then_some("loss"),
            Self::Train(_) => Some("train"),
            Self::Block(_)
            | Self::Analyze(_)
            | Self::Let(_)
            | Self::Import(_)
            | Self::Assert(_)
            | Self::Sweep(_)
            | Self::Claim(_) => None,
        }
    }
}

/// `name(positional, key=value)`; without arguments the parentheses may be left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The name called.
    pub callee: Name,
    /// Arguments in the order written.
    pub args: Vec<Arg>,
    /// Whether parentheses were written.
    pub parens: bool,
}

/// One argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// The key of `key=value`; `None` for a positional argument.
    pub key: Option<Name>,
    /// The value.
    pub value: Expr,
}

/// `key = value` in the braces of `train` and `analyze`.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key; a flag such as `conserved` has no value.
    pub key: Name,
    /// The value.
    pub value: Option<Expr>,
}

/// A network: options for its layers, then a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Net {
    /// The name and the options in parentheses.
    pub head: Call,
    /// The layers.
    pub body: Vec<Stmt>,
}

/// A reusable piece of network with parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The name.
    pub name: Name,
    /// Parameters, with defaults where written.
    pub params: Vec<Param>,
    /// The body; `in` is its input and `out` its output.
    pub body: Vec<Stmt>,
}

/// A parameter of a block or of a loss definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// The name.
    pub name: Name,
    /// The default, if one is written.
    pub default: Option<Expr>,
}

/// A loss selected (`body` is `None`) or defined.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// Name and arguments; of a definition, every argument is a parameter.
    pub head: Call,
    /// The statements of a definition: `let`s and one `out`.
    pub body: Option<Vec<Stmt>>,
}

/// The optimiser and the entries of its braces.
#[derive(Clone, Debug, PartialEq)]
pub struct Train {
    /// `sgd(lr=0.1)` or `sam(sgd(lr=0.1), rho=0.05)`.
    pub optimizer: Call,
    /// `batch = 128` and others.
    pub entries: Vec<Entry>,
}

/// `let name = value`, at top level or in a body; in a body the value may be a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Let {
    /// The name bound.
    pub name: Name,
    /// The value.
    pub value: Expr,
}

/// One statement of a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    /// What it does.
    pub kind: StmtKind,
    /// The whole statement.
    pub span: IgnoredSpan,
}

/// The statements of a body.
#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// Steps applied to the current value, or, when the first step is a value (`in`, a `let` name,
    /// a parenthesised branch expression), a new current value. `conv(6) -> relu`.
    Chain(Vec<Step>),
    /// `let pre = in -> batch_norm -> relu`; the current value stays as it was.
    Let(Let),
    /// `out main + skip`: the value that leaves the block or the loss.
    Out(Expr),
    /// `repeat i in 0..n { … }`.
    Repeat {
        /// The loop variable; `None` for `repeat 3 { … }`.
        var: Option<Name>,
        /// A range, or a count.
        range: Expr,
        /// Expanded once per value.
        body: Vec<Stmt>,
    },
    /// `if stride != 1 { … } else { … }`, decided at compile time.
    If {
        /// The condition.
        condition: Expr,
        /// The statements when it holds.
        then: Vec<Stmt>,
        /// The statements when it does not; `else if` is an `if` inside.
        otherwise: Vec<Stmt>,
    },
}

/// One step of a chain: a layer, a block or a value, with an optional label.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// `fc1:` in `fc1: linear(120)`.
    pub label: Option<Name>,
    /// The layer call, block call, value name or branch expression.
    pub expr: Expr,
}

/// An expression with its place.
pub type Expr = Spanned<ExprKind>;

/// Expressions: compile-time values, branch expressions in nets and formulas in losses share one form.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `128`.
    Int(i64),
    /// `0.5`, `1e-5`.
    Float(f64),
    /// `true`, `false`.
    Bool(bool),
    /// `"own.csv"`.
    Str(String),
    /// A name, or a call with its arguments. `in`, `logits` and `label` are names here.
    Call(Call),
    /// `[0.01, 0.1]`.
    List(Vec<Expr>),
    /// `0..10`, half-open.
    Range(Box<Expr>, Box<Expr>),
    /// `-x`, `!x`.
    Unary(UnaryOp, Box<Expr>),
    /// `a + b` and the others.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `p[label]`.
    Index(Box<Expr>, Box<Expr>),
    /// `in -> batch_norm -> relu`, also in parentheses as an operand.
    Chain(Vec<Step>),
    /// `if i == 0 { 2 } else { 1 }`, decided at compile time.
    If {
        /// The condition.
        condition: Box<Expr>,
        /// The value when it holds.
        then: Box<Expr>,
        /// The value when it does not; `else if` is a conditional inside.
        otherwise: Box<Expr>,
    },
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`.
    Neg,
    /// `!`.
    Not,
}

/// Infix operators, tightest first: `^` (right-associative, tighter than unary minus), `* / %`,
/// `+ -`, comparisons, `&&`, `||`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `^`.
    Pow,
    /// `*`.
    Mul,
    /// `/`.
    Div,
    /// `%`.
    Rem,
    /// `+`.
    Add,
    /// `-`.
    Sub,
    /// `==`.
    Eq,
    /// `!=`.
    Ne,
    /// `<`.
    Lt,
    /// `<=`.
    Le,
    /// `>`.
    Gt,
    /// `>=`.
    Ge,
    /// `&&`.
    And,
    /// `||`.
    Or,
}

/// A span that takes no part in equality.
#[derive(Clone, Copy, Debug)]
pub struct IgnoredSpan(pub Span);

impl PartialEq for IgnoredSpan {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
