//! The tree of a `claim`.

use pest::iterators::Pair;

use super::{Builder, Built, Rule, first, next, parts};
use crate::diag::Spanned;
use crate::syntax::ast::{BinaryOp, Chosen, Claim, ClaimLine, IgnoredSpan, Quantity};
use crate::syntax::scan::parse_float;

impl<'a> Builder<'a> {
    /// The words, the arguments and the body, after the keyword.
    pub(super) fn claim(&self, parts: &mut impl Iterator<Item = Pair<'a, Rule>>) -> Built<Claim> {
        let text = next(parts)?;
        let text = Spanned::new(self.string(&text)?, self.span(&text));
        let mut part = next(parts)?;
        let mut args = vec![];
        if part.as_rule() == Rule::args {
            args = self.args(part)?.0;
            part = next(parts)?;
        }
        let lines = self::parts(part).map(|line| self.claim_line(line)).collect::<Built<_>>()?;
        Ok(Claim { text, args, lines })
    }

    fn claim_line(&self, pair: Pair<'a, Rule>) -> Built<ClaimLine> {
        let (span, at) = (IgnoredSpan(self.span(&pair)), pair.as_span().start());
        let mut parts = parts(pair);
        let left = self.quantity(next(&mut parts)?)?;
        let op =
            BinaryOp::from_symbol(next(&mut parts)?.as_str()).ok_or_else(|| self.broken(at))?;
        let right = self.quantity(next(&mut parts)?)?;
        let within = parts.next().map(|width| self.amount(&width)).transpose()?;
        Ok(ClaimLine { left, op, right, within, span })
    }

    /// A sum, a product or one of their terms.
    fn quantity(&self, pair: Pair<'a, Rule>) -> Built<Quantity> {
        let at = pair.as_span().start();
        match pair.as_rule() {
            Rule::claim_sum | Rule::claim_product => {
                let mut parts = parts(pair);
                let mut found = self.quantity(next(&mut parts)?)?;
                while let Some(sign) = parts.next() {
                    let op = BinaryOp::from_symbol(sign.as_str()).ok_or_else(|| self.broken(at))?;
                    let right = self.quantity(next(&mut parts)?)?;
                    found = Quantity::Binary(op, Box::new(found), Box::new(right));
                }
                Ok(found)
            }
            Rule::claim_term | Rule::claim_group => self.quantity(first(pair)?),
            Rule::claim_number => Ok(Quantity::Number(self.amount(&pair)?)),
            Rule::extreme => {
                let mut parts = parts(pair);
                let is_max = next(&mut parts)?.as_str() == "max";
                let operands = parts.map(|operand| self.quantity(operand)).collect::<Built<_>>()?;
                Ok(Quantity::Extreme { is_max, operands })
            }
            _ => {
                let mut parts = parts(pair);
                let path = next(&mut parts)?;
                // Blanks, and a comma before the end, are layout.
                let text: String = path.as_str().split_whitespace().collect();
                let path = Spanned::new(text.replace(",)", ")"), self.span(&path));
                let cells = parts.next().map(|cells| self::parts(cells).collect::<Vec<_>>());
                let of = cells.unwrap_or_default().into_iter().map(|part| self.chosen(part));
                Ok(Quantity::Measured { path, of: of.collect::<Built<_>>()? })
            }
        }
    }

    fn chosen(&self, pair: Pair<'a, Rule>) -> Built<Chosen> {
        if pair.as_rule() == Rule::chosen_label {
            return Ok(Chosen { axis: None, label: self.chosen_label(&pair)? });
        }
        let mut parts = parts(pair);
        let mut part = next(&mut parts)?;
        let mut axis = None;
        if part.as_rule() == Rule::key {
            axis = Some(self.key(&part));
            part = next(&mut parts)?;
        }
        Ok(Chosen { axis, label: self.chosen_label(&part)? })
    }

    fn chosen_label(&self, pair: &Pair<'a, Rule>) -> Built<Spanned<String>> {
        let text = pair.as_str();
        let label = if text.starts_with('"') { self.string(pair)? } else { text.to_owned() };
        Ok(Spanned::new(label, self.span(pair)))
    }

    fn amount(&self, pair: &Pair<'a, Rule>) -> Built<f64> {
        parse_float(pair.as_str()).ok_or_else(|| self.broken(pair.as_span().start()))
    }
}
