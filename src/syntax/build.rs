//! One item's text in, its tree out; the grammar itself is `grammar/net.pest`.
//!
//! The caller guarantees balanced brackets of bounded depth (see `split`), so recursion here is
//! bounded too. Afterwards expression trees are at most `MAX_EXPRESSION_DEPTH` deep and
//! statements nest at most `MAX_DEPTH` deep.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each construct holds few of the grammar's rules"
)]

mod claim;
mod sweep;

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;

use super::ast::{
    Arg, Block, Call, Entry, Expr, ExprKind, IgnoredSpan, ItemKind, Let, Loss, Name, Net, Param,
    Step, Stmt, StmtKind, Train, UnaryOp,
};
use super::error::{Nesting, SyntaxError};
use super::expected::words;
use super::grammar::{NetParser, Rule};
use super::limits::MAX_DEPTH;
use super::operators::{Deep, Operators};
use super::scan::{Token, is_reserved, is_word, parse_float, parse_int, unescape};
use crate::diag::{FileId, Span, Spanned};

/// Why a text could not be parsed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The grammar does not go on at this byte of the whole text.
    Grammar {
        /// The byte.
        at: usize,
        /// What could stand there, in words.
        expected: Vec<&'static str>,
    },
    /// The text fits the grammar, but not the language.
    Other(SyntaxError),
}

impl From<SyntaxError> for Failure {
    fn from(error: SyntaxError) -> Self {
        Self::Other(error)
    }
}

/// Parses the item made of `tokens`.
pub(super) fn item(file: FileId, source: &str, tokens: &[Token]) -> Result<ItemKind, Failure> {
    let builder = Builder::new(file, source, tokens);
    let pair = builder.parse(Rule::item_entry)?;
    let item = first(pair)?;
    Ok(builder.item(item)?)
}

/// Parses the expression made of `tokens`.
pub(super) fn expr(file: FileId, source: &str, tokens: &[Token]) -> Result<Expr, Failure> {
    let builder = Builder::new(file, source, tokens);
    let pair = builder.parse(Rule::expr_entry)?;
    Ok(builder.expr(first(pair)?)?.expr)
}

struct Builder<'a> {
    file: FileId,
    /// The text of the tokens.
    text: &'a str,
    /// Where `text` starts in the whole text.
    base: usize,
    tokens: &'a [Token],
}

type Built<T> = Result<T, SyntaxError>;

impl<'a> Builder<'a> {
    fn new(file: FileId, source: &'a str, tokens: &'a [Token]) -> Self {
        let base = tokens.first().map_or(0, |token| token.start);
        let end = tokens.last().map_or(base, |token| token.end);
        Self { file, text: &source[base..end], base, tokens }
    }

    fn parse(&self, rule: Rule) -> Result<Pair<'a, Rule>, Failure> {
        let failure = match NetParser::parse(rule, self.text) {
            Ok(mut pairs) => match pairs.next() {
                Some(pair) => return Ok(pair),
                None => (0, vec![]),
            },
            Err(error) => {
                let at = match error.location {
                    InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
                };
                let expected = match error.variant {
                    ErrorVariant::ParsingError { positives, .. } => words(&positives),
                    ErrorVariant::CustomError { .. } => vec![],
                };
                (at, expected)
            }
        };
        Err(Failure::Grammar { at: self.base + failure.0, expected: failure.1 })
    }

    /// The place of a pair without the blanks and comments behind it.
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let start = self.base + pair.as_span().start();
        let end = self.base + pair.as_span().end();
        let behind = self.tokens.partition_point(|token| token.start < end);
        let end = self.tokens[..behind].last().map_or(end, |token| token.end.min(end));
        Span::new(self.file, start, end.max(start))
    }

    fn item(&self, pair: Pair<'a, Rule>) -> Built<ItemKind> {
        let rule = pair.as_rule();
        let mut parts = parts(pair);
        Ok(match rule {
            Rule::data => ItemKind::Data(self.call(next(&mut parts)?)?.0),
            Rule::net => ItemKind::Net(Net {
                head: self.call(next(&mut parts)?)?.0,
                body: self.body(next(&mut parts)?, 1)?,
            }),
            Rule::block => {
                let name = self.name(&next(&mut parts)?);
                let mut params = vec![];
                let mut part = next(&mut parts)?;
                if part.as_rule() == Rule::params {
                    params = self::parts(part).map(|p| self.param(p)).collect::<Built<_>>()?;
                    part = next(&mut parts)?;
                }
                ItemKind::Block(Block { name, params, body: self.body(part, 1)? })
            }
            Rule::loss => ItemKind::Loss(Loss {
                head: self.call(next(&mut parts)?)?.0,
                body: parts.next().map(|body| self.body(body, 1)).transpose()?,
            }),
            Rule::train => ItemKind::Train(Train {
                optimizer: self.call(next(&mut parts)?)?.0,
                entries: parts.next().map_or(Ok(vec![]), |entries| self.entries(entries))?,
            }),
            Rule::analyze => ItemKind::Analyze(self.entries(next(&mut parts)?)?),
            Rule::let_item => ItemKind::Let(self.binding(&mut parts)?),
            Rule::import => {
                let path = next(&mut parts)?;
                let span = self.span(&path);
                ItemKind::Import(Spanned::new(self.string(&path)?, span))
            }
            Rule::assert => ItemKind::Assert(self.expr(next(&mut parts)?)?.expr),
            Rule::sweep => ItemKind::Sweep(self.sweep(&mut parts)?),
            Rule::claim => ItemKind::Claim(self.claim(&mut parts)?),
            _ => return Err(self.broken(0)),
        })
    }

    fn param(&self, pair: Pair<'a, Rule>) -> Built<Param> {
        let mut parts = parts(pair);
        let name = self.name(&next(&mut parts)?);
        let default = parts.next().map(|value| self.expr(value)).transpose()?;
        Ok(Param { name, default: default.map(|d| d.expr) })
    }

    fn entries(&self, pair: Pair<'a, Rule>) -> Built<Vec<Entry>> {
        parts(pair)
            .map(|entry| {
                let mut parts = parts(entry);
                let key = self.name(&next(&mut parts)?);
                let value = parts.next().map(|value| self.expr(value)).transpose()?;
                Ok(Entry { key, value: value.map(|v| v.expr) })
            })
            .collect()
    }

    /// `name = chain`, after the keyword.
    fn binding(&self, parts: &mut impl Iterator<Item = Pair<'a, Rule>>) -> Built<Let> {
        let name = self.name(&next(parts)?);
        Ok(Let { name, value: self.chain(next(parts)?)?.expr })
    }

    fn body(&self, pair: Pair<'a, Rule>, depth: usize) -> Built<Vec<Stmt>> {
        parts(pair).map(|statement| self.statement(statement, depth)).collect()
    }

    fn statement(&self, pair: Pair<'a, Rule>, depth: usize) -> Built<Stmt> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let mut parts = parts(pair);
        let kind = match rule {
            Rule::let_statement => StmtKind::Let(self.binding(&mut parts)?),
            Rule::out_statement => StmtKind::Out(self.chain(next(&mut parts)?)?.expr),
            Rule::repeat_statement => {
                let mut part = next(&mut parts)?;
                let mut var = None;
                if part.as_rule() == Rule::name {
                    var = Some(self.name(&part));
                    part = next(&mut parts)?;
                }
                let range = self.expr(part)?.expr;
                StmtKind::Repeat { var, range, body: self.body(next(&mut parts)?, depth + 1)? }
            }
            Rule::if_statement => {
                let parts: Vec<_> = parts.collect();
                return self.conditional(&parts, span, depth);
            }
            _ => {
                self.check_call_space(span)?;
                StmtKind::Chain(self.steps(next(&mut parts)?)?.0)
            }
        };
        Ok(Stmt { kind, span: IgnoredSpan(span) })
    }

    /// `condition body (condition body)* body?`; each `else if` nests one level deeper.
    fn conditional(&self, parts: &[Pair<'a, Rule>], span: Span, depth: usize) -> Built<Stmt> {
        let n_branches = parts.len() / 2;
        let deepest = depth + n_branches;
        if deepest > MAX_DEPTH {
            return Err(SyntaxError::TooDeep { what: Nesting::Brackets, span });
        }
        let mut otherwise = match parts.get(n_branches * 2) {
            Some(last) => self.body(last.clone(), deepest)?,
            None => vec![],
        };
        for i in (0..n_branches).rev() {
            let condition = self.condition(parts[2 * i].clone())?.expr;
            let then = self.body(parts[2 * i + 1].clone(), depth + i + 1)?;
            let span = if i == 0 { span } else { Span { start: condition.span.start, ..span } };
            let kind = StmtKind::If { condition, then, otherwise };
            otherwise = vec![Stmt { kind, span: IgnoredSpan(span) }];
        }
        otherwise.pop().ok_or_else(|| self.broken(0))
    }

    /// A condition, which is one operation.
    fn condition(&self, pair: Pair<'a, Rule>) -> Built<Deep> {
        self.operation(first(pair)?)
    }

    /// `condition side (condition side)* side`; each `else if` nests one level deeper.
    fn choice(&self, pair: Pair<'a, Rule>) -> Built<Deep> {
        let span = self.span(&pair);
        let mut parts: Vec<_> = parts(pair).collect();
        let side = |part: Option<Pair<'a, Rule>>| self.chain(first(part.ok_or_else(missing)?)?);
        let mut value = side(parts.pop())?;
        while let (Some(then), Some(condition)) = (parts.pop(), parts.pop()) {
            let (then, condition) = (side(Some(then))?, self.condition(condition)?);
            let depth = value.depth.max(then.depth).max(condition.depth);
            let start = if parts.is_empty() { span.start } else { condition.expr.span.start };
            let kind = ExprKind::If {
                condition: Box::new(condition.expr),
                then: Box::new(then.expr),
                otherwise: Box::new(value.expr),
            };
            value = Deep::above(depth, Spanned::new(kind, Span { start, ..span }), span)?;
        }
        Ok(value)
    }

    /// Refuses `conv (6)`: as two statements on one line it would lose the arguments silently.
    fn check_call_space(&self, statement: Span) -> Built<()> {
        let at = self.tokens.partition_point(|token| token.start < statement.start as usize);
        let Some([name, paren]) = at.checked_sub(1).and_then(|i| self.tokens.get(i..=i + 1)) else {
            return Ok(());
        };
        let text = |token: &Token| &self.text[token.start - self.base..token.end - self.base];
        let word = text(name);
        let apart = paren.newlines == 0 && paren.start > name.end;
        if text(paren) == "(" && apart && is_word(word) && !is_reserved(word) {
            return Err(SyntaxError::SpaceBeforeParenthesis {
                name: word.to_owned(),
                span: Span::new(self.file, name.start, paren.end),
            });
        }
        Ok(())
    }

    /// The steps of a chain and the depth of the deepest one.
    fn steps(&self, pair: Pair<'a, Rule>) -> Built<(Vec<Step>, usize)> {
        let mut deepest = 0;
        let steps = parts(pair)
            .map(|step| {
                // The argument of a call starts with a bare expression.
                let mut parts = parts(step);
                let mut part = next(&mut parts)?;
                let mut label = None;
                if part.as_rule() == Rule::name {
                    label = Some(self.name(&part));
                    part = next(&mut parts)?;
                }
                let built = self.expr(part)?;
                deepest = deepest.max(built.depth);
                Ok(Step { label, expr: built.expr })
            })
            .collect::<Built<Vec<_>>>()?;
        Ok((steps, deepest))
    }

    /// A chain as a value; a single step without a label is its expression.
    fn chain(&self, pair: Pair<'a, Rule>) -> Built<Deep> {
        let span = self.span(&pair);
        let (mut steps, depth) = self.steps(pair)?;
        if steps.len() == 1
            && steps[0].label.is_none()
            && let Some(step) = steps.pop()
        {
            return Ok(Deep { expr: step.expr, depth });
        }
        Deep::above(depth, Spanned::new(ExprKind::Chain(steps), span), span)
    }

    fn expr(&self, pair: Pair<'a, Rule>) -> Built<Deep> {
        let span = self.span(&pair);
        let mut parts = parts(pair);
        let part = next(&mut parts)?;
        if part.as_rule() == Rule::conditional {
            return self.choice(part);
        }
        let from = self.operation(part)?;
        let Some(to) = parts.next() else { return Ok(from) };
        let to = self.operation(to)?;
        let depth = from.depth.max(to.depth);
        let kind = ExprKind::Range(Box::new(from.expr), Box::new(to.expr));
        Deep::above(depth, Spanned::new(kind, span), span)
    }

    fn operation(&self, pair: Pair<'a, Rule>) -> Built<Deep> {
        let mut operators = Operators::default();
        for part in parts(pair) {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::prefix => {
                    let op = if part.as_str() == "-" { UnaryOp::Neg } else { UnaryOp::Not };
                    operators.prefix(op, span);
                }
                Rule::operator => {
                    let op = super::ast::BinaryOp::from_symbol(part.as_str())
                        .ok_or_else(|| self.broken(part.as_span().start()))?;
                    operators.infix(op, span)?;
                }
                _ => operators.value(self.postfix(part)?),
            }
        }
        operators.finish()?.ok_or_else(|| self.broken(0))
    }

    fn postfix(&self, pair: Pair<'a, Rule>) -> Built<Deep> {
        let mut parts = parts(pair);
        let mut value = self.primary(next(&mut parts)?)?;
        for index in parts {
            let end = self.span(&index);
            let index = self.expr(first(index)?)?;
            let depth = value.depth.max(index.depth);
            let span = value.expr.span.to(end);
            let kind = ExprKind::Index(Box::new(value.expr), Box::new(index.expr));
            value = Deep::above(depth, Spanned::new(kind, span), span)?;
        }
        Ok(value)
    }

    fn primary(&self, pair: Pair<'a, Rule>) -> Built<Deep> {
        let span = self.span(&pair);
        let at = pair.as_span().start();
        let mut depth = 0;
        let kind = match pair.as_rule() {
            Rule::int => parse_int(pair.as_str()).map(ExprKind::Int),
            Rule::float => parse_float(pair.as_str()).map(ExprKind::Float),
            Rule::string => Some(ExprKind::Str(self.string(&pair)?)),
            Rule::boolean => Some(ExprKind::Bool(pair.as_str() == "true")),
            Rule::group => {
                let mut inner = self.chain(first(pair)?)?;
                inner.expr.span = span;
                return Ok(inner);
            }
            Rule::list => {
                let mut values = vec![];
                for value in parts(pair) {
                    let built = self.expr(value)?;
                    depth = depth.max(built.depth);
                    values.push(built.expr);
                }
                Some(ExprKind::List(values))
            }
            _ => {
                let (call, deepest) = self.call(pair)?;
                depth = deepest;
                Some(ExprKind::Call(call))
            }
        };
        let kind = kind.ok_or_else(|| self.broken(at))?;
        Deep::above(depth, Spanned::new(kind, span), span)
    }

    /// A call and the depth of its deepest argument.
    fn call(&self, pair: Pair<'a, Rule>) -> Built<(Call, usize)> {
        let mut parts = parts(pair);
        let callee = self.name(&next(&mut parts)?);
        let list = parts.next();
        let parens = list.is_some();
        let (args, deepest) = list.map_or(Ok((vec![], 0)), |list| self.args(list))?;
        Ok((Call { callee, args, parens }, deepest))
    }

    /// Arguments, and how deep the deepest one is.
    fn args(&self, list: Pair<'a, Rule>) -> Built<(Vec<Arg>, usize)> {
        let mut deepest = 0;
        let mut args = vec![];
        for arg in parts(list) {
            let mut parts = parts(arg);
            let mut part = next(&mut parts)?;
            let mut key = None;
            if part.as_rule() == Rule::name {
                key = Some(self.name(&part));
                part = next(&mut parts)?;
            }
            let value = self.chain(part)?;
            deepest = deepest.max(value.depth);
            args.push(Arg { key, value: value.expr });
        }
        Ok((args, deepest))
    }

    fn name(&self, pair: &Pair<'_, Rule>) -> Name {
        Spanned::new(pair.as_str().to_owned(), self.span(pair))
    }

    fn string(&self, pair: &Pair<'_, Rule>) -> Built<String> {
        unescape(pair.as_str()).ok_or_else(|| self.broken(pair.as_span().start()))
    }

    /// The grammar and this file disagree; told as unexpected text rather than by a panic.
    fn broken(&self, at: usize) -> SyntaxError {
        let at = self.base + at;
        SyntaxError::Unexpected {
            found: "this text".to_owned(),
            expected: "a construct of the language".to_owned(),
            help: None,
            span: Span::new(self.file, at, at),
        }
    }
}

/// The parts of a pair that carry meaning: no keywords, no punctuation.
fn parts(pair: Pair<'_, Rule>) -> impl Iterator<Item = Pair<'_, Rule>> {
    pair.into_inner().filter(|part| {
        !matches!(
            part.as_rule(),
            Rule::EOI
                | Rule::arrow
                | Rule::dots
                | Rule::comma
                | Rule::colon
                | Rule::equals
                | Rule::open_paren
                | Rule::close_paren
                | Rule::open_bracket
                | Rule::close_bracket
                | Rule::open_brace
                | Rule::close_brace
                | Rule::kw_data
                | Rule::kw_net
                | Rule::kw_block
                | Rule::kw_loss
                | Rule::kw_train
                | Rule::kw_analyze
                | Rule::kw_let
                | Rule::kw_import
                | Rule::kw_assert
                | Rule::kw_sweep
                | Rule::kw_where
                | Rule::kw_claim
                | Rule::kw_of
                | Rule::within
                | Rule::or
                | Rule::and
                | Rule::not
                | Rule::kw_out
                | Rule::kw_repeat
                | Rule::kw_in
                | Rule::kw_if
                | Rule::kw_else
                | Rule::value_if
        )
    })
}

fn next<'a>(parts: &mut impl Iterator<Item = Pair<'a, Rule>>) -> Built<Pair<'a, Rule>> {
    parts.next().ok_or_else(missing)
}

fn first(pair: Pair<'_, Rule>) -> Built<Pair<'_, Rule>> {
    next(&mut parts(pair))
}

/// A part that the grammar always gives is not there.
fn missing() -> SyntaxError {
    SyntaxError::Unexpected {
        found: "an incomplete construct".to_owned(),
        expected: "a complete one".to_owned(),
        help: None,
        span: Span::new(FileId(0), 0, 0),
    }
}
