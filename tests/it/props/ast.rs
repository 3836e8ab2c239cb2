//! Trees as the parser could make them: legal names, non-negative literals, no idle chains.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use specc::diag::{FileId, Span, Spanned};
use specc::syntax::ast::{
    Arg, Axis, AxisValues, BinaryOp, Block, Call, Choice, ChoiceValue, Chosen, Claim, ClaimLine,
    Entry, Expr, ExprKind, IgnoredSpan, Item, ItemKind, Key, Let, Loss, Name, Net, Param, Quantity,
    Setting, Spec, Step, Stmt, StmtKind, Sweep, SweepLine, Train, UnaryOp, Where,
};

fn span() -> Span {
    Span::new(FileId(0), 0, 0)
}

fn at<T>(value: T) -> Spanned<T> {
    Spanned::new(value, span())
}

/// A whole file of a few items.
pub(crate) fn spec() -> impl Strategy<Value = Spec> {
    vec(item(), 0..5).prop_map(|items| Spec { items })
}

/// A name that is no keyword.
pub(crate) fn name() -> impl Strategy<Value = Name> {
    prop_oneof![
        4 => prop::sample::select(vec!["conv", "relu", "x", "skip", "two_scale", "index", "_a9", "E"]),
        1 => prop::sample::select(vec!["letter", "iff", "outer", "data2", "in_", "trueish", "networks"]),
    ]
    .prop_map(|name| at(name.to_owned()))
}

fn value_name() -> impl Strategy<Value = Name> {
    prop_oneof![
        6 => name(),
        1 => prop::sample::select(vec!["in", "net", "loss"]).prop_map(|name| at(name.to_owned())),
    ]
}

/// An expression of any kind.
pub(crate) fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        (0..=i64::MAX).prop_map(ExprKind::Int),
        (0_i64..20).prop_map(ExprKind::Int),
        (0.0..f64::MAX).prop_map(ExprKind::Float),
        prop::sample::select(vec![0.0, 0.1, 1.0, 1e-5, 5e-324, 1e16, 1e300])
            .prop_map(ExprKind::Float),
        any::<bool>().prop_map(ExprKind::Bool),
        "[ -~→λ\\t\\n\u{7}]{0,8}".prop_map(ExprKind::Str),
        value_name().prop_map(|callee| ExprKind::Call(Call {
            callee,
            args: vec![],
            parens: false
        })),
    ]
    .prop_map(at);
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            call(value_name(), inner.clone()).prop_map(ExprKind::Call),
            vec(inner.clone(), 0..3).prop_map(ExprKind::List),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| ExprKind::Range(a.into(), b.into())),
            (prop::sample::select(vec![UnaryOp::Neg, UnaryOp::Not]), inner.clone())
                .prop_map(|(op, value)| ExprKind::Unary(op, value.into())),
            (binary_op(), inner.clone(), inner.clone()).prop_map(|(op, a, b)| ExprKind::Binary(
                op,
                a.into(),
                b.into()
            )),
            (binary_op(), inner.clone(), inner.clone()).prop_map(|(op, a, b)| ExprKind::Binary(
                op,
                a.into(),
                b.into()
            )),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| ExprKind::Index(a.into(), b.into())),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(
                |(condition, then, otherwise)| {
                    ExprKind::If {
                        condition: condition.into(),
                        then: then.into(),
                        otherwise: otherwise.into(),
                    }
                }
            ),
            chain(inner).prop_map(ExprKind::Chain),
        ]
        .prop_map(at)
    })
}

fn binary_op() -> impl Strategy<Value = BinaryOp> {
    prop::sample::select(vec![
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
    ])
}

fn step(value: impl Strategy<Value = Expr>) -> impl Strategy<Value = Step> {
    (option::weighted(0.2, name()), value).prop_map(|(label, expr)| Step { label, expr })
}

/// At least two steps, or one with a label.
fn chain(value: impl Strategy<Value = Expr> + Clone) -> impl Strategy<Value = Vec<Step>> {
    prop_oneof![
        vec(step(value.clone()), 2..4),
        (name(), value).prop_map(|(label, expr)| vec![Step { label: Some(label), expr }]),
    ]
}

fn call(
    callee: impl Strategy<Value = Name>,
    value: impl Strategy<Value = Expr>,
) -> impl Strategy<Value = Call> {
    let arg = (option::of(name()), value).prop_map(|(key, value)| Arg { key, value });
    (callee, vec(arg, 0..3), any::<bool>()).prop_map(|(callee, args, parens)| {
        let parens = parens || !args.is_empty();
        Call { callee, args, parens }
    })
}

fn binding() -> impl Strategy<Value = Let> {
    (name(), expr()).prop_map(|(name, value)| Let { name, value })
}

/// Conditions, ranges and entries are no chains.
fn plain() -> impl Strategy<Value = Expr> {
    expr()
}

fn body() -> impl Strategy<Value = Vec<Stmt>> {
    let leaf = prop_oneof![
        4 => vec(step(expr()), 1..4).prop_map(StmtKind::Chain),
        1 => binding().prop_map(StmtKind::Let),
        1 => expr().prop_map(StmtKind::Out),
    ]
    .prop_map(|kind| Stmt { kind, span: IgnoredSpan(span()) });
    let statement = leaf.prop_recursive(2, 8, 3, |inner| {
        let body = vec(inner, 0..3);
        prop_oneof![
            (option::of(name()), plain(), body.clone())
                .prop_map(|(var, range, body)| StmtKind::Repeat { var, range, body }),
            (plain(), body.clone(), body).prop_map(|(condition, then, otherwise)| {
                StmtKind::If { condition, then, otherwise }
            }),
        ]
        .prop_map(|kind| Stmt { kind, span: IgnoredSpan(span()) })
    });
    vec(statement, 0..4)
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    vec(
        (name(), option::weighted(0.8, plain())).prop_map(|(key, value)| Entry { key, value }),
        0..4,
    )
}

fn key() -> impl Strategy<Value = Key> {
    vec(
        prop_oneof![3 => name(), 1 => prop::sample::select(vec!["net", "loss", "let", "where"]).prop_map(|name| at(name.to_owned()))],
        2..4,
    )
}

fn sweep() -> impl Strategy<Value = Sweep> {
    let setting = (key(), plain()).prop_map(|(key, value)| Setting { key, value });
    let value = prop_oneof![
        2 => plain().prop_map(ChoiceValue::Value),
        1 => vec(setting, 0..3).prop_map(ChoiceValue::Bundle),
    ];
    let choice = (option::of(name()), value).prop_map(|(label, value)| Choice {
        label,
        value,
        span: IgnoredSpan(span()),
    });
    let end = || (0_i64..20).prop_map(|x| at(ExprKind::Int(x)));
    let range = (end(), end()).prop_map(|(a, b)| at(ExprKind::Range(a.into(), b.into())));
    let values = prop_oneof![
        3 => vec(choice, 0..4).prop_map(AxisValues::Choices),
        1 => range.prop_map(AxisValues::Range),
    ];
    let line = prop_oneof![
        3 => (key(), values).prop_map(|(key, values)| SweepLine::Axis(Axis { key, values })),
        1 => condition().prop_map(|condition| SweepLine::Where {
            condition,
            span: IgnoredSpan(span()),
        }),
    ];
    (name(), vec(line, 0..4)).prop_map(|(name, lines)| Sweep { name, lines })
}

fn condition() -> impl Strategy<Value = Where> {
    let value = prop_oneof![
        name().prop_map(|callee| ExprKind::Call(Call { callee, args: vec![], parens: false })),
        (0_i64..9).prop_map(ExprKind::Int),
        (0.0..9.0).prop_map(ExprKind::Float),
        (0_i64..9).prop_map(|x| ExprKind::Unary(UnaryOp::Neg, at(ExprKind::Int(x)).into())),
        any::<bool>().prop_map(ExprKind::Bool),
    ];
    let op = prop::sample::select(vec![BinaryOp::Eq, BinaryOp::Ne, BinaryOp::Lt, BinaryOp::Ge]);
    let test =
        (key(), op, value).prop_map(|(axis, op, value)| Where::Test { axis, op, value: at(value) });
    test.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Where::Any),
            vec(inner.clone(), 2..4).prop_map(Where::All),
            inner.prop_map(|inner| Where::Not(Box::new(inner))),
        ]
    })
}

fn claim() -> impl Strategy<Value = Claim> {
    let label = || prop_oneof!["[a-z]{1,4}", "[a-z]{1,3}\\(k=3\\)", "[1-9][0-9]{0,2}"].prop_map(at);
    let chosen = (option::of(key()), label()).prop_map(|(axis, label)| Chosen { axis, label });
    let path = "[a-z_]{1,5}(\\(0\\.[1-9]\\))?(\\.[a-z]{1,4})?";
    let term = prop_oneof![
        (0.0..9.0).prop_map(Quantity::Number),
        (path, vec(chosen, 0..3))
            .prop_filter("keywords", |(path, _)| !path.starts_with("of"))
            .prop_map(|(path, of)| Quantity::Measured { path: at(path), of }),
    ];
    let op = prop::sample::select(vec![BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div]);
    let quantity = term.prop_recursive(3, 8, 3, move |inner| {
        prop_oneof![
            (op.clone(), inner.clone(), inner.clone()).prop_map(|(op, a, b)| Quantity::Binary(
                op,
                a.into(),
                b.into()
            )),
            (any::<bool>(), vec(inner, 1..3))
                .prop_map(|(is_max, operands)| Quantity::Extreme { is_max, operands }),
        ]
    });
    let op = prop::sample::select(vec![BinaryOp::Eq, BinaryOp::Lt, BinaryOp::Ge, BinaryOp::Gt]);
    let line = (quantity.clone(), op, quantity, option::of(0.0..2.0)).prop_map(
        |(left, op, right, within)| ClaimLine {
            left,
            op,
            right,
            within,
            span: IgnoredSpan(span()),
        },
    );
    let arg = (name(), plain()).prop_map(|(key, value)| Arg { key: Some(key), value });
    ("[!#-~ ]{0,9}", vec(arg, 0..2), vec(line, 0..3)).prop_map(|(text, args, lines)| Claim {
        text: at(text),
        args,
        lines,
    })
}

fn item() -> impl Strategy<Value = Item> {
    let param = (name(), option::of(plain())).prop_map(|(name, default)| Param { name, default });
    let kind = prop_oneof![
        call(name(), expr()).prop_map(ItemKind::Data),
        (call(name(), expr()), body()).prop_map(|(head, body)| ItemKind::Net(Net { head, body })),
        (name(), vec(param, 0..3), body())
            .prop_map(|(name, params, body)| ItemKind::Block(Block { name, params, body })),
        (call(name(), expr()), option::of(body()))
            .prop_map(|(head, body)| ItemKind::Loss(Loss { head, body })),
        (call(name(), expr()), entries())
            .prop_map(|(optimizer, entries)| ItemKind::Train(Train { optimizer, entries })),
        entries().prop_map(ItemKind::Analyze),
        binding().prop_map(ItemKind::Let),
        "[a-z/]{1,8}".prop_map(|path| ItemKind::Import(at(path))),
        plain().prop_map(ItemKind::Assert),
        sweep().prop_map(ItemKind::Sweep),
        claim().prop_map(ItemKind::Claim),
    ];
    (vec("[!-~]{0,5}( [a-z]{1,4})?", 0..3), kind).prop_map(|(docs, kind)| Item {
        docs,
        kind,
        span: IgnoredSpan(span()),
    })
}
