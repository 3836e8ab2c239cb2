//! The selected loss: its form, base, scales and what R is made of.

use std::collections::BTreeMap;

use super::decide::taken;
use super::library::{Library, LossDefinition};
use crate::diag::{Diagnostics, Span, ToDiagnostic, nearest};
use crate::model::bind::{
    Bound, Reader, as_call, bind, bind_block, call_span, looks_like, wrong_type,
};
use crate::model::eval::{eval, unknown_name};
use crate::model::table::{Group, ParamRow};
use crate::model::{
    Base, CustomLoss, Divisor, Form, Loss, ModelError, On, Scale, ScaleExpr, Scope, Size, Value,
};
use crate::syntax::ast::{BinaryOp, Call, Expr, ExprKind, UnaryOp};

/// λ at the start (paper §2: R2/R1 = 10).
const LAMBDA: f64 = 10.0;

const FORMS: [&str; 2] = ["single_scale", "two_scale"];

pub(super) fn resolve(
    call: &Call,
    _item: Span,
    library: &Library,
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<Loss> {
    let span = call_span(call);
    let name = call.callee.value.as_str();
    if !FORMS.contains(&name) {
        let base = base(call, library, scope, errors)?;
        let (form, size, divisor) = (Form::Plain, None, Divisor::Current);
        return Some(Loss { form, base, size, divisor, scale_lr: 1.0, span });
    }
    let row = Group::Loss.row(name)?;
    let bound = bind(row, call, span, errors);
    let base = match bound.given("base") {
        None => Some(Base::CrossEntropy),
        Some(expr) => base_argument(&bound, expr, library, scope, errors),
    };
    let form = match name {
        "single_scale" => {
            let r1 = scale(&bound, "r1", Some(&[]), scope, errors);
            r1.map(|r1| Form::SingleScale { r1 })
        }
        _ => two_scale(&bound, scope, errors),
    };
    if let Some(form) = &form {
        cycles(form, errors)?;
    }
    let mut reader = Reader::new(&bound, scope, errors);
    let size = reader.word("size").map(|word| match word.as_str() {
        "weights" => Size::Weights,
        "layer" => Size::Layer,
        "spectral" => Size::Spectral,
        _ => Size::Derived,
    });
    let divisor = reader.word("divisor").map(|word| match word.as_str() {
        "detached" => Divisor::Detached,
        "initial" => Divisor::Initial,
        _ => Divisor::Current,
    });
    let scale_lr = reader.float("scale_lr");
    let (form, base, size, divisor, scale_lr) = (form?, base?, size?, divisor?, scale_lr?);
    let needed = uses_size(&form) || bound.given("size").is_some();
    let size = needed.then_some(size);
    bound.complete.then_some(Loss { form, base, size, divisor, scale_lr, span })
}

/// Whether R enters the loss: always but in the separation form, which needs it for `on=normalized` and starting values only.
fn uses_size(form: &Form) -> bool {
    match form {
        Form::Plain => false,
        Form::SingleScale { .. } | Form::TwoScale { .. } => true,
        Form::Separation { on, lambda, .. } => *on == On::Normalized || mentions_size(&lambda.init),
    }
}

fn mentions_size(expr: &ScaleExpr) -> bool {
    match expr {
        ScaleExpr::Number(_) | ScaleExpr::Scale(_) => false,
        ScaleExpr::Size => true,
        ScaleExpr::Neg(a) => mentions_size(a),
        ScaleExpr::Binary(_, a, b) => mentions_size(a) || mentions_size(b),
    }
}

fn two_scale(bound: &Bound<'_>, scope: &dyn Scope, errors: &mut Diagnostics) -> Option<Form> {
    let (delta, on) = {
        let mut reader = Reader::new(bound, scope, errors);
        let delta = reader.float("delta");
        let on = reader.word("on").map(|word| match word.as_str() {
            "normalized" => On::Normalized,
            _ => On::Raw,
        });
        (delta, on)
    };
    if bound.given("lambda").is_some() {
        let others: Vec<_> =
            ["r1", "r2"].into_iter().filter(|name| bound.given(name).is_some()).collect();
        if !others.is_empty() {
            let mut places = vec![(
                bound.place("lambda"),
                "selects the separation form, whose other scale is R itself".to_owned(),
            )];
            for name in others {
                places.push((bound.place(name), "scale of the form without `lambda`".to_owned()));
            }
            let error = ModelError::Conflict {
                title: "`lambda` does not go together with `r1` and `r2`".into(),
                places,
                expected: "`lambda`, or `r1` and `r2`".into(),
                help: "remove `lambda`, or remove `r1` and `r2`".into(),
            };
            errors.push(error.to_diagnostic());
            return None;
        }
        let lambda = scale(bound, "lambda", None, scope, errors);
        return Some(Form::Separation { delta: delta?, on: on?, lambda: lambda? });
    }
    let r1 = scale(bound, "r1", Some(&["r2"]), scope, errors);
    let r2 = scale(bound, "r2", Some(&["r1"]), scope, errors);
    Some(Form::TwoScale { delta: delta?, on: on?, r1: r1?, r2: r2? })
}

/// The scale `name`; `others` are the scales that its starting value may use.
fn scale(
    bound: &Bound<'_>,
    name: &str,
    others: Option<&[&str]>,
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<Scale> {
    let default = || match name {
        "r1" => ScaleExpr::Size,
        "r2" => ScaleExpr::Binary(
            BinaryOp::Mul,
            Box::new(ScaleExpr::Number(10.0)),
            Box::new(ScaleExpr::Scale("r1".into())),
        ),
        _ => ScaleExpr::Number(LAMBDA),
    };
    let span = bound.place(name);
    let Some(expr) = bound.given(name) else {
        return Some(Scale { trainable: true, init: default(), span });
    };
    let param = bound.row.param(name)?;
    if let Some(call) = as_call(expr)
        && let "trainable" | "fixed" = call.callee.value.as_str()
    {
        let trainable = call.callee.value == "trainable";
        let init = match call.args.as_slice() {
            [] => default(),
            [arg] if arg.key.is_none() => {
                let mut names = vec![name];
                names.extend(others.unwrap_or(&[]));
                let init = start(&arg.value, &names, scope, errors)?;
                in_range(param, &init, arg.value.span, errors)?;
                init
            }
            [_, second, ..] | [second] => {
                let error = ModelError::UnknownArgument {
                    callee: call.callee.value.clone(),
                    key: second.key.as_ref().map(|key| key.value.clone()),
                    nearest: None,
                    signature: format!("{}(start)", call.callee.value),
                    hint: None,
                    span: second.value.span,
                };
                errors.push(error.to_diagnostic());
                return None;
            }
        };
        return Some(Scale { trainable, init, span });
    }
    if mentions_scale(expr) {
        let error = ModelError::WrongType {
            what: format!("`{name}`"),
            expected: param.ty.words(),
            found: looks_like(expr),
            help: Some("say `trainable(…)` or `fixed(…)` around a starting value".into()),
            span: expr.span,
        };
        errors.push(error.to_diagnostic());
        return None;
    }
    let value = eval(expr, scope, errors)?;
    let Some(number) = value.number() else {
        wrong_type(param, looks_like(expr), expr.span, errors);
        return None;
    };
    let init = ScaleExpr::Number(number);
    in_range(param, &init, expr.span, errors)?;
    Some(Scale { trainable: false, init, span })
}

fn mentions_scale(expr: &Expr) -> bool {
    let mut names = std::collections::BTreeSet::new();
    crate::model::walk::names_of_expr(expr, &mut names);
    ["R", "r1", "r2", "lambda"].iter().any(|name| names.contains(*name))
}

/// A number must be in range at once; what depends on R is judged when R is known.
fn in_range(
    param: &ParamRow,
    init: &ScaleExpr,
    span: Span,
    errors: &mut Diagnostics,
) -> Option<()> {
    let ScaleExpr::Number(number) = init else { return Some(()) };
    if param.range.holds(*number) {
        return Some(());
    }
    let error = ModelError::OutOfRange {
        what: format!("`{}`", param.name),
        value: number.to_string(),
        range: param.range.words(),
        span,
    };
    errors.push(error.to_diagnostic());
    None
}

/// A starting value; numbers are folded.
fn start(
    expr: &Expr,
    scales: &[&str],
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<ScaleExpr> {
    if !mentions_scale(expr) {
        let value = eval(expr, scope, errors)?;
        return match value.number() {
            Some(number) => Some(ScaleExpr::Number(number)),
            None => start_error(expr, errors),
        };
    }
    match &expr.value {
        ExprKind::Call(call) if !call.parens => match call.callee.value.as_str() {
            "R" => Some(ScaleExpr::Size),
            name if scales.contains(&name) => Some(ScaleExpr::Scale(name.to_owned())),
            name => {
                let mut known = vec!["R".to_owned()];
                known.extend(scales.iter().map(|name| (*name).to_owned()));
                unknown_name("scale", name, &known, expr.span, errors);
                None
            }
        },
        ExprKind::Unary(UnaryOp::Neg, a) => {
            Some(ScaleExpr::Neg(Box::new(start(a, scales, scope, errors)?)))
        }
        ExprKind::Binary(
            op @ (BinaryOp::Pow | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Add | BinaryOp::Sub),
            a,
            b,
        ) => {
            let a = start(a, scales, scope, errors);
            let b = start(b, scales, scope, errors);
            Some(ScaleExpr::Binary(*op, Box::new(a?), Box::new(b?)))
        }
        ExprKind::Chain(steps) => match steps.as_slice() {
            [step] if step.label.is_none() => start(&step.expr, scales, scope, errors),
            _ => start_error(expr, errors),
        },
        ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Str(_)
        | ExprKind::Call(_)
        | ExprKind::List(_)
        | ExprKind::Range(..)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Index(..)
        | ExprKind::If { .. } => start_error(expr, errors),
    }
}

fn start_error<T>(expr: &Expr, errors: &mut Diagnostics) -> Option<T> {
    let error = ModelError::WrongType {
        what: "a starting value".into(),
        expected: "numbers, `R` and scales with `+ - * / ^`".into(),
        found: looks_like(expr),
        help: None,
        span: expr.span,
    };
    errors.push(error.to_diagnostic());
    None
}

/// Refuses starting values that lead back to themselves.
fn cycles(form: &Form, errors: &mut Diagnostics) -> Option<()> {
    let scales: Vec<(&str, &Scale)> = match form {
        Form::Plain => vec![],
        Form::SingleScale { r1 } => vec![("r1", r1)],
        Form::TwoScale { r1, r2, .. } => vec![("r1", r1), ("r2", r2)],
        Form::Separation { lambda, .. } => vec![("lambda", lambda)],
    };
    let needs: BTreeMap<&str, Vec<String>> = scales
        .iter()
        .map(|(name, scale)| {
            let mut names = vec![];
            scale_names(&scale.init, &mut names);
            (*name, names)
        })
        .collect();
    for (name, scale) in &scales {
        let mut chain = vec![(*name).to_owned()];
        let mut current = *name;
        // At most two scales: following the first name is enough, a second one closes the circle.
        for _ in 0..2 {
            let next = needs.get(current).and_then(|names| {
                names.iter().find(|next| next.as_str() == *name).or_else(|| names.first())
            });
            let Some(next) = next else { break };
            chain.push(next.clone());
            if next == name {
                let names = chain[1..].iter().map(|name| format!("`{name}`")).collect();
                errors.push(ModelError::ScaleCycle { names, span: scale.span }.to_diagnostic());
                return None;
            }
            current = next;
        }
    }
    Some(())
}

fn scale_names(expr: &ScaleExpr, names: &mut Vec<String>) {
    match expr {
        ScaleExpr::Number(_) | ScaleExpr::Size => {}
        ScaleExpr::Scale(name) => names.push(name.clone()),
        ScaleExpr::Neg(a) => scale_names(a, names),
        ScaleExpr::Binary(_, a, b) => {
            scale_names(a, names);
            scale_names(b, names);
        }
    }
}

fn base_argument(
    bound: &Bound<'_>,
    expr: &Expr,
    library: &Library,
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<Base> {
    let param = bound.row.param("base")?;
    match as_call(expr) {
        Some(call) if !FORMS.contains(&call.callee.value.as_str()) => {
            base(call, library, scope, errors)
        }
        Some(_) | None => {
            wrong_type(param, looks_like(expr), expr.span, errors);
            None
        }
    }
}

fn base(
    call: &Call,
    library: &Library,
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<Base> {
    let name = call.callee.value.as_str();
    if let Some(definition) = library.losses.get(name) {
        return custom(name, definition, call, scope, errors).map(Base::Custom);
    }
    let Some(row) = Group::Loss.row(name).filter(|_| !FORMS.contains(&name)) else {
        let mut known: Vec<_> = Group::Loss.names().map(str::to_owned).collect();
        known.extend(library.losses.keys().cloned());
        unknown_name(Group::Loss.noun(), name, &known, call.callee.span, errors);
        return None;
    };
    let bound = bind(row, call, call_span(call), errors);
    let mut reader = Reader::new(&bound, scope, errors);
    let base = Base::of(name, &mut reader)?;
    bound.complete.then_some(base)
}

fn custom(
    name: &str,
    definition: &LossDefinition,
    call: &Call,
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<CustomLoss> {
    let bound = bind_block(name, &definition.params, call, call_span(call), errors)?;
    let mentioned = definition.mentions();
    let visible = definition.lets.iter().filter(|(name, _)| mentioned.contains(*name));
    let mut values: BTreeMap<String, Value> =
        visible.map(|(name, value)| (name.clone(), value.value.clone())).collect();
    let mut sound = true;
    for (param, given) in bound {
        let value = if let Some(expr) = given {
            eval(expr, scope, errors)
        } else {
            let inner = Values { values: &values };
            let default = param.default.as_ref().and_then(|expr| taken(expr, &inner, errors));
            default.and_then(|expr| eval(&expr, &inner, errors))
        };
        match value {
            Some(value) => {
                values.insert(param.name.value.clone(), value);
            }
            None => sound = false,
        }
    }
    let body = definition.body.clone();
    sound.then(|| CustomLoss { name: name.to_owned(), values, body })
}

struct Values<'a> {
    values: &'a BTreeMap<String, Value>,
}

impl Scope for Values<'_> {
    fn value(&self, name: &str) -> Option<Option<Value>> {
        self.values.get(name).map(|value| Some(value.clone()))
    }

    fn names(&self) -> Vec<String> {
        self.values.keys().cloned().collect()
    }

    fn query(&self, call: &Call, span: Span, errors: &mut Diagnostics) -> Option<Value> {
        let known = self.names();
        let name = &call.callee.value;
        let error = ModelError::UnknownName {
            what: "function",
            name: name.clone(),
            nearest: nearest(name, known.iter().map(String::as_str)).map(str::to_owned),
            known: vec![],
            span,
        };
        errors.push(error.to_diagnostic());
        None
    }
}
