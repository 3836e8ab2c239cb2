//! The tree of a `sweep`.

use pest::iterators::Pair;

use super::{Builder, Built, Rule, first, next, parts};
use crate::diag::{Span, Spanned};
use crate::syntax::ast::{
    Axis, AxisValues, BinaryOp, Call, Choice, ChoiceValue, Expr, ExprKind, IgnoredSpan, Key,
    Setting, Sweep, SweepLine, UnaryOp, Where,
};

impl<'a> Builder<'a> {
    /// The name and the body, after the keyword.
    pub(super) fn sweep(&self, parts: &mut impl Iterator<Item = Pair<'a, Rule>>) -> Built<Sweep> {
        let name = self.name(&next(parts)?);
        let lines = self::parts(next(parts)?).map(|line| self.sweep_line(line));
        Ok(Sweep { name, lines: lines.collect::<Built<_>>()? })
    }

    fn sweep_line(&self, pair: Pair<'a, Rule>) -> Built<SweepLine> {
        if pair.as_rule() == Rule::where_line {
            let span = IgnoredSpan(self.span(&pair));
            return Ok(SweepLine::Where { condition: self.any(first(pair)?)?, span });
        }
        let mut parts = parts(pair);
        let key = self.key(&next(&mut parts)?);
        let values = next(&mut parts)?;
        let values = if values.as_rule() == Rule::choices {
            AxisValues::Choices(
                self::parts(values).map(|c| self.axis_value(c)).collect::<Built<_>>()?,
            )
        } else {
            AxisValues::Range(self.expr(values)?.expr)
        };
        Ok(SweepLine::Axis(Axis { key, values }))
    }

    fn axis_value(&self, pair: Pair<'a, Rule>) -> Built<Choice> {
        let span = IgnoredSpan(self.span(&pair));
        let mut parts = parts(pair);
        let mut part = next(&mut parts)?;
        let mut label = None;
        if part.as_rule() == Rule::name {
            label = Some(self.name(&part));
            part = next(&mut parts)?;
        }
        let value = if part.as_rule() == Rule::bundle {
            let settings = self::parts(part).map(|setting| {
                let mut parts = self::parts(setting);
                let key = self.key(&next(&mut parts)?);
                Ok(Setting { key, value: self.expr(next(&mut parts)?)?.expr })
            });
            ChoiceValue::Bundle(settings.collect::<Built<_>>()?)
        } else {
            ChoiceValue::Value(self.expr(part)?.expr)
        };
        Ok(Choice { label, value, span })
    }

    pub(super) fn key(&self, pair: &Pair<'_, Rule>) -> Key {
        let span = self.span(pair);
        let mut start = span.start;
        let part = |part: &str| {
            let end = start + part.len() as u32;
            let part = Spanned::new(part.to_owned(), Span { start, end, ..span });
            start = end + 1;
            part
        };
        pair.as_str().split('.').map(part).collect()
    }

    fn any(&self, pair: Pair<'a, Rule>) -> Built<Where> {
        let mut all = parts(pair).map(|all| {
            let mut tests = parts(all).map(|test| self.test(test)).collect::<Built<Vec<_>>>()?;
            Ok(if tests.len() == 1 { tests.remove(0) } else { Where::All(tests) })
        });
        let mut all = all.by_ref().collect::<Built<Vec<_>>>()?;
        Ok(if all.len() == 1 { all.remove(0) } else { Where::Any(all) })
    }

    fn test(&self, pair: Pair<'a, Rule>) -> Built<Where> {
        match pair.as_rule() {
            Rule::not_group => Ok(Where::Not(Box::new(self.any(first(first(pair)?)?)?))),
            Rule::where_group => self.any(first(pair)?),
            _ => {
                let at = pair.as_span().start();
                let mut parts = parts(pair);
                let axis = self.key(&next(&mut parts)?);
                let op = BinaryOp::from_symbol(next(&mut parts)?.as_str());
                let op = op.ok_or_else(|| self.broken(at))?;
                Ok(Where::Test { axis, op, value: self.test_value(next(&mut parts)?)? })
            }
        }
    }

    fn test_value(&self, pair: Pair<'a, Rule>) -> Built<Expr> {
        let span = self.span(&pair);
        let mut parts = parts(pair);
        let mut part = next(&mut parts)?;
        let prefix = (part.as_rule() == Rule::prefix).then(|| part.as_str().to_owned());
        if prefix.is_some() {
            part = next(&mut parts)?;
        }
        if part.as_rule() == Rule::key {
            let name = Spanned::new(part.as_str().to_owned(), span);
            let call = Call { callee: name, args: vec![], parens: false };
            return Ok(Spanned::new(ExprKind::Call(call), span));
        }
        let value = self.primary(part)?.expr;
        Ok(match prefix.as_deref() {
            None => value,
            Some("-") => Spanned::new(ExprKind::Unary(UnaryOp::Neg, Box::new(value)), span),
            Some(_) => Spanned::new(ExprKind::Unary(UnaryOp::Not, Box::new(value)), span),
        })
    }
}
