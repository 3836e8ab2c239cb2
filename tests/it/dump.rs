//! A syntax tree as text: one line per item and statement, every operator in parentheses.

use std::fmt::Write as _;

use specc::syntax::ast::{
    Arg, AxisValues, Call, ChoiceValue, Claim, Entry, Expr, ExprKind, ItemKind, Key, Name,
    Quantity, Setting, Spec, Step, Stmt, StmtKind, Sweep, SweepLine, Where,
};

pub(crate) fn spec(spec: &Spec) -> String {
    let mut out = String::new();
    for item in &spec.items {
        for line in &item.docs {
            let _ = writeln!(out, "doc {line:?}");
        }
        match &item.kind {
            ItemKind::Data(head) => line(&mut out, 0, &format!("data {}", call(head))),
            ItemKind::Net(net) => {
                line(&mut out, 0, &format!("net {}", call(&net.head)));
                body(&mut out, &net.body, 1);
            }
            ItemKind::Block(block) => {
                line(&mut out, 0, &format!("block {}", block.name.value));
                for param in &block.params {
                    let default = param.default.as_ref().map_or("required".to_owned(), expr);
                    line(&mut out, 1, &format!("param {} = {default}", param.name.value));
                }
                body(&mut out, &block.body, 1);
            }
            ItemKind::Loss(loss) => {
                let verb = if loss.body.is_some() { "define" } else { "select" };
                line(&mut out, 0, &format!("loss {verb} {}", call(&loss.head)));
                body(&mut out, loss.body.as_deref().unwrap_or(&[]), 1);
            }
            ItemKind::Train(train) => {
                line(&mut out, 0, &format!("train {}", call(&train.optimizer)));
                entries(&mut out, &train.entries);
            }
            ItemKind::Analyze(list) => {
                line(&mut out, 0, "analyze");
                entries(&mut out, list);
            }
            ItemKind::Let(binding) => {
                let text = format!("let {} = {}", binding.name.value, expr(&binding.value));
                line(&mut out, 0, &text);
            }
            ItemKind::Import(path) => line(&mut out, 0, &format!("import {:?}", path.value)),
            ItemKind::Assert(value) => line(&mut out, 0, &format!("assert {}", expr(value))),
            ItemKind::Sweep(inner) => sweep(&mut out, inner),
            ItemKind::Claim(inner) => claim(&mut out, inner),
        }
    }
    out
}

fn line(out: &mut String, level: usize, text: &str) {
    let _ = writeln!(out, "{}{text}", "  ".repeat(level));
}

fn entries(out: &mut String, entries: &[Entry]) {
    for entry in entries {
        let value = entry.value.as_ref().map_or("flag".to_owned(), expr);
        line(out, 1, &format!("entry {} = {value}", entry.key.value));
    }
}

fn body(out: &mut String, statements: &[Stmt], level: usize) {
    for statement in statements {
        match &statement.kind {
            StmtKind::Chain(list) => line(out, level, &format!("chain {}", steps(list))),
            StmtKind::Let(binding) => {
                let text = format!("let {} = {}", binding.name.value, expr(&binding.value));
                line(out, level, &text);
            }
            StmtKind::Out(value) => line(out, level, &format!("out {}", expr(value))),
            StmtKind::Repeat { var, range, body: inner } => {
                let var = var.as_ref().map_or("_", |var| &var.value);
                line(out, level, &format!("repeat {var} in {}", expr(range)));
                body(out, inner, level + 1);
            }
            StmtKind::If { condition, then, otherwise } => {
                line(out, level, &format!("if {}", expr(condition)));
                body(out, then, level + 1);
                line(out, level, "else");
                body(out, otherwise, level + 1);
            }
        }
    }
}

fn steps(steps: &[Step]) -> String {
    let labelled = |step: &Step| match &step.label {
        Some(Name { value, .. }) => format!("{value}: {}", expr(&step.expr)),
        None => expr(&step.expr),
    };
    steps.iter().map(labelled).collect::<Vec<_>>().join(" -> ")
}

fn call(call: &Call) -> String {
    let arg = |arg: &Arg| match &arg.key {
        Some(key) => format!("{}={}", key.value, expr(&arg.value)),
        None => expr(&arg.value),
    };
    let args = call.args.iter().map(arg).collect::<Vec<_>>().join(", ");
    if call.parens { format!("{}({args})", call.callee.value) } else { call.callee.value.clone() }
}

fn claim(out: &mut String, claim: &Claim) {
    line(out, 0, &format!("claim {:?}", claim.text.value));
    for Arg { key, value } in &claim.args {
        let key = key.as_ref().map_or("-", |key| &key.value);
        line(out, 1, &format!("{key} = {}", expr(value)));
    }
    for row in &claim.lines {
        let (left, right) = (quantity(&row.left), quantity(&row.right));
        let within = row.within.map_or(String::new(), |within| format!(" within {within}"));
        line(out, 1, &format!("{left} {} {right}{within}", row.op.symbol()));
    }
}

fn quantity(of: &Quantity) -> String {
    match of {
        Quantity::Number(number) => number.to_string(),
        Quantity::Measured { path, of } => {
            let chosen = of.iter().map(|chosen| {
                let axis = chosen.axis.as_ref().map_or(String::new(), |axis| key(axis) + "=");
                format!("{axis}{:?}", chosen.label.value)
            });
            format!("<{}>[{}]", path.value, chosen.collect::<Vec<_>>().join(", "))
        }
        Quantity::Binary(op, left, right) => {
            format!("({} {} {})", quantity(left), op.symbol(), quantity(right))
        }
        Quantity::Extreme { is_max, operands } => {
            let operands: Vec<String> = operands.iter().map(quantity).collect();
            format!("{}({})", if *is_max { "max" } else { "min" }, operands.join(", "))
        }
    }
}

fn sweep(out: &mut String, sweep: &Sweep) {
    line(out, 0, &format!("sweep {}", sweep.name.value));
    for row in &sweep.lines {
        match row {
            SweepLine::Where { condition, .. } => {
                line(out, 1, &format!("where {}", condition_text(condition)));
            }
            SweepLine::Axis(axis) => {
                line(out, 1, &format!("axis {}", key(&axis.key)));
                match &axis.values {
                    AxisValues::Range(range) => line(out, 2, &expr(range)),
                    AxisValues::Choices(choices) => {
                        for choice in choices {
                            let label = choice.label.as_ref().map_or("-", |label| &label.value);
                            let value = match &choice.value {
                                ChoiceValue::Value(value) => expr(value),
                                ChoiceValue::Bundle(settings) => {
                                    let one = |s: &Setting| {
                                        format!("{} = {}", key(&s.key), expr(&s.value))
                                    };
                                    format!(
                                        "{{{}}}",
                                        settings.iter().map(one).collect::<Vec<_>>().join("; ")
                                    )
                                }
                            };
                            line(out, 2, &format!("{label}: {value}"));
                        }
                    }
                }
            }
        }
    }
}

fn key(key: &Key) -> String {
    key.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".")
}

fn condition_text(condition: &Where) -> String {
    let all = |parts: &[Where], between: &str| {
        format!("({})", parts.iter().map(condition_text).collect::<Vec<_>>().join(between))
    };
    match condition {
        Where::Any(parts) => all(parts, " or "),
        Where::All(parts) => all(parts, " and "),
        Where::Not(inner) => format!("not {}", condition_text(inner)),
        Where::Test { axis, op, value } => {
            format!("{} {} {}", key(axis), op.symbol(), expr(value))
        }
    }
}

fn expr(value: &Expr) -> String {
    match &value.value {
        ExprKind::Int(value) => format!("{value}"),
        ExprKind::Float(value) => format!("{value:?}"),
        ExprKind::Bool(value) => format!("{value}"),
        ExprKind::Str(value) => format!("{value:?}"),
        ExprKind::Call(inner) => call(inner),
        ExprKind::List(values) => {
            format!("[{}]", values.iter().map(expr).collect::<Vec<_>>().join(", "))
        }
        ExprKind::Range(from, to) => format!("({} .. {})", expr(from), expr(to)),
        ExprKind::Unary(op, value) => format!("({}{})", op.symbol(), expr(value)),
        ExprKind::Binary(op, left, right) => {
            format!("({} {} {})", expr(left), op.symbol(), expr(right))
        }
        ExprKind::Index(base, index) => format!("{}[{}]", expr(base), expr(index)),
        ExprKind::Chain(list) => format!("({})", steps(list)),
        ExprKind::If { condition, then, otherwise } => {
            format!("(if {} then {} else {})", expr(condition), expr(then), expr(otherwise))
        }
    }
}
