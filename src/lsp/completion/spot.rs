//! What may stand at a place of a text, by the tokens before it: it works where nothing parses.
//!
//! In: the tokens of the item up to the word that is being written. Out: a [`Want`]. Brackets that are still open are read one
//! inside the other; each says what stands in it from what stands before it.

use crate::model::table::{CallRow, Group, JOINS, ParamRow, QUERIES, Type};
use crate::syntax::{Token, TokenKind};

/// What may stand at a place.
#[derive(Clone, Debug)]
pub(super) enum Want {
    /// Nothing that is known.
    Nothing,
    /// The keyword of an item.
    Item,
    /// A layer, a block or a branch; also a statement.
    Layer { statement: bool },
    /// A term of the formula of a loss; also a statement.
    Term { statement: bool },
    /// A call of a group.
    Call(Group),
    /// A net of the file.
    Net,
    /// A value, for a parameter where it is one.
    Value(Option<&'static ParamRow>),
    /// An argument of a call of the language: a key that is not given yet, or the value of the next position.
    Argument { row: &'static CallRow, given: Vec<String>, next: Box<Want> },
    /// An argument of a call of the file's.
    OwnArgument { owner: String, given: Vec<String> },
    /// A setting in the braces of an item.
    Entry(&'static CallRow),
    /// The key of an axis.
    Axis,
    /// A key in a bundle.
    Setting,
    /// The value of a key.
    Of(String),
    /// A condition on cells.
    Condition,
    /// A label, of one axis where it is named.
    Label(Option<String>),
    /// A measure.
    Measure,
    /// A statement about the net.
    Statement,
    /// A layer or tensor by name.
    Subject,
}

impl Want {
    /// The same in a body, where a statement may or may not begin.
    fn as_statement(&self, statement: bool) -> Self {
        if matches!(self, Self::Term { .. }) {
            Self::Term { statement }
        } else {
            Self::Layer { statement }
        }
    }
}

/// What an open bracket holds.
#[derive(Clone, Debug)]
enum Inside {
    /// Values of one kind.
    Same(Want),
    /// Arguments of a call of the language.
    Call(&'static CallRow),
    /// Arguments of a call of the file's.
    Own(String),
    /// Settings of an item.
    Entries(&'static CallRow),
    /// Lines of a sweep.
    Axes,
    /// Settings of a bundle.
    Bundle,
    /// Lines of a claim.
    Claim,
    /// Statements of a net or block, or of a loss.
    Body(Want),
}

struct Frame {
    open: char,
    inside: Inside,
    /// The key whose value is being written.
    key: Option<String>,
    given: Vec<String>,
    positions: usize,
}

/// What may stand behind the tokens of an item, the first of which is its keyword.
pub(super) fn want(tokens: &[Token], text: &str, new_line: bool) -> Want {
    let Some((head, rest)) = tokens.split_first() else { return Want::Item };
    let reader = Reader { text, tokens, keyword: head.text(text) };
    let mut frames: Vec<Frame> = vec![];
    for i in 1..=rest.len() {
        reader.step(i, &mut frames);
    }
    reader.end(&frames, new_line)
}

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
    keyword: &'a str,
}

impl Reader<'_> {
    fn word(&self, i: usize) -> &str {
        self.tokens.get(i).map_or("", |token| token.text(self.text))
    }

    fn step(&self, i: usize, frames: &mut Vec<Frame>) {
        let token = &self.tokens[i];
        if token.kind != TokenKind::Symbol {
            return;
        }
        let text = token.text(self.text);
        match text {
            "(" | "[" | "{" => {
                let inside = self.opened(i, frames);
                let open = text.chars().next().unwrap_or('(');
                frames.push(Frame { open, inside, key: None, given: vec![], positions: 0 });
            }
            ")" | "]" | "}" => {
                let open = match text {
                    ")" => '(',
                    "]" => '[',
                    _ => '{',
                };
                if let Some(at) = frames.iter().rposition(|frame| frame.open == open) {
                    frames.truncate(at);
                }
            }
            "," => {
                if let Some(frame) = frames.last_mut() {
                    frame.positions += usize::from(frame.key.is_none());
                    frame.key = None;
                }
            }
            "=" => {
                let key = self.key_before(i);
                if let Some(frame) = frames.last_mut() {
                    frame.given.extend(key.clone());
                    frame.key = key;
                }
            }
            _ => {}
        }
    }

    /// The dotted key that ends before a token.
    fn key_before(&self, i: usize) -> Option<String> {
        let mut first = i.checked_sub(1)?;
        if self.tokens[first].kind != TokenKind::Word {
            return None;
        }
        while first >= 2
            && self.word(first - 1) == "."
            && self.tokens[first - 2].kind == TokenKind::Word
        {
            first -= 2;
        }
        Some(self.text[self.tokens[first].start..self.tokens[i - 1].end].to_owned())
    }

    /// What the bracket at a token holds.
    fn opened(&self, i: usize, frames: &[Frame]) -> Inside {
        let around = self.value(frames);
        let bracket = self.word(i);
        if bracket == "{" {
            return match (frames.last().map(|frame| &frame.inside), self.keyword) {
                (None, "train" | "analyze") => {
                    let group = if self.keyword == "train" { Group::Train } else { Group::Analyze };
                    group.row(self.keyword).map_or(Inside::Same(Want::Nothing), Inside::Entries)
                }
                (None, "net" | "block") => Inside::Body(Want::Layer { statement: true }),
                (None, "loss") => Inside::Body(Want::Term { statement: true }),
                (None, "sweep") => Inside::Axes,
                (None, "claim") => Inside::Claim,
                (Some(Inside::Body(want)), _) => Inside::Body(want.clone()),
                (Some(Inside::Same(Want::Of(_))), "sweep") => Inside::Bundle,
                _ => Inside::Same(around),
            };
        }
        if bracket == "[" {
            let axis = matches!(frames.last().map(|frame| &frame.inside), Some(Inside::Axes));
            return match self.key_before(i.saturating_sub(1)).filter(|_| axis) {
                Some(key) => Inside::Same(Want::Of(key)),
                None => Inside::Same(around),
            };
        }
        let callee = self.tokens[..i]
            .last()
            .filter(|before| before.kind == TokenKind::Word && before.end == self.tokens[i].start);
        let Some(name) = callee.map(|callee| callee.text(self.text)) else {
            return match self.word(i.saturating_sub(1)) {
                "of" => Inside::Same(Want::Label(None)),
                _ => Inside::Same(around),
            };
        };
        if frames.is_empty() && i == 2 {
            match self.keyword {
                "net" => {
                    let row = Group::Net.row("net");
                    return row.map_or(Inside::Same(Want::Nothing), Inside::Call);
                }
                "block" => return Inside::Same(Want::Nothing),
                _ => {}
            }
        }
        arguments(name, &around)
    }

    /// What a value at the present place is.
    fn value(&self, frames: &[Frame]) -> Want {
        let Some(frame) = frames.last() else {
            return match self.keyword {
                "data" => Want::Call(Group::Data),
                "loss" => Want::Call(Group::Loss),
                "train" => Want::Call(Group::Optimizer),
                "let" => Want::Value(None),
                "assert" => Want::Statement,
                _ => Want::Nothing,
            };
        };
        match &frame.inside {
            Inside::Same(want) => want.clone(),
            Inside::Body(want) => want.as_statement(false),
            Inside::Call(row) => {
                let param = match &frame.key {
                    Some(key) => row.param(key),
                    None => row.positional().nth(frame.positions),
                };
                of_param(param)
            }
            Inside::Entries(row) => of_param(frame.key.as_deref().and_then(|key| row.param(key))),
            Inside::Own(_) => Want::Value(None),
            Inside::Bundle => match &frame.key {
                Some(key) => Want::Of(key.clone()),
                None => Want::Setting,
            },
            Inside::Axes => Want::Condition,
            Inside::Claim => Want::Measure,
        }
    }

    fn end(&self, frames: &[Frame], new_line: bool) -> Want {
        let last = self.tokens.last();
        let is = |word: &str| last.is_some_and(|last| last.is(self.text, word));
        let operator = last.is_some_and(|last| {
            last.kind == TokenKind::Symbol && !matches!(last.text(self.text), ")" | "]" | "}")
        });
        let Some(frame) = frames.last() else {
            let alone = self.tokens.len() == 1;
            if new_line && !operator && !alone {
                return Want::Item;
            }
            return match (self.keyword, alone) {
                ("let", true) | ("net" | "block" | "sweep" | "claim" | "import" | "analyze", _) => {
                    Want::Nothing
                }
                (_, true) => self.value(frames),
                ("let" | "assert", false) if operator => self.value(frames),
                _ => Want::Nothing,
            };
        };
        let at_start = is("(") || is("[") || is("{") || is(",");
        match &frame.inside {
            Inside::Body(want) => {
                let statement = !operator || is("{");
                let statement = statement && !is("out") && !is("if") && !is("repeat") && !is("in");
                want.as_statement(statement)
            }
            Inside::Call(row) if at_start => {
                let next = Box::new(self.value(frames));
                Want::Argument { row, given: frame.given.clone(), next }
            }
            Inside::Own(owner) if at_start => {
                Want::OwnArgument { owner: owner.clone(), given: frame.given.clone() }
            }
            Inside::Entries(row) => {
                if operator && !is("{") {
                    self.value(frames)
                } else {
                    Want::Entry(row)
                }
            }
            Inside::Bundle => {
                if operator && !is("{") {
                    self.value(frames)
                } else {
                    Want::Setting
                }
            }
            Inside::Same(Want::Label(_)) => Want::Label(frame.key.clone()),
            Inside::Axes => self.in_sweep(&is, operator),
            Inside::Claim if is("of") => Want::Label(None),
            Inside::Claim | Inside::Call(_) | Inside::Own(_) | Inside::Same(_) => {
                self.value(frames)
            }
        }
    }

    /// Between the lines of a sweep.
    fn in_sweep(&self, is: &dyn Fn(&str) -> bool, operator: bool) -> Want {
        let i = self.tokens.len().saturating_sub(1);
        if ["==", "!=", "<", "<=", ">", ">="].iter().any(|op| is(op)) {
            return Want::Label(self.key_before(i));
        }
        if is("where") || is("&&") || is("||") || is("!") {
            return Want::Condition;
        }
        if is("in") || (operator && !is("{")) { Want::Nothing } else { Want::Axis }
    }
}

/// What the parentheses of a call hold.
fn arguments(name: &str, around: &Want) -> Inside {
    let value = Want::Value(None);
    match around {
        Want::Layer { .. } if JOINS.contains(&name) || QUERIES.contains(&name) => {
            Inside::Same(Want::Layer { statement: false })
        }
        Want::Layer { .. } => match Group::Layer.row(name) {
            Some(row) => Inside::Call(row),
            None => Inside::Own(name.to_owned()),
        },
        Want::Term { .. } => Inside::Same(Want::Term { statement: false }),
        Want::Call(group) => match group.row(name) {
            Some(row) => Inside::Call(row),
            None => Inside::Own(name.to_owned()),
        },
        Want::Of(key) => {
            if let Want::Call(group) = of_key(key) {
                arguments(name, &Want::Call(group))
            } else {
                Inside::Own(name.to_owned())
            }
        }
        Want::Net => Inside::Own(name.to_owned()),
        Want::Statement => Inside::Same(Want::Subject),
        Want::Measure => Inside::Same(Want::Measure),
        Want::Nothing
        | Want::Item
        | Want::Value(_)
        | Want::Argument { .. }
        | Want::OwnArgument { .. }
        | Want::Entry(_)
        | Want::Axis
        | Want::Setting
        | Want::Condition
        | Want::Label(_)
        | Want::Subject => Inside::Same(value),
    }
}

/// What the value of a parameter is.
fn of_param(param: Option<&'static ParamRow>) -> Want {
    match param.map(|param| param.ty) {
        Some(Type::Init) => Want::Call(Group::Init),
        Some(Type::Loss) => Want::Call(Group::Loss),
        Some(Type::Optimizer) => Want::Call(Group::Optimizer),
        Some(Type::Schedule) => Want::Call(Group::Schedule),
        Some(Type::Augment) => Want::Call(Group::Augment),
        Some(Type::LabelNoise) => Want::Call(Group::LabelNoise),
        Some(_) | None => Want::Value(param),
    }
}

/// What the value of a key of an axis or a bundle is.
pub(super) fn of_key(key: &str) -> Want {
    let groups: &[Group] = match key {
        "data" => return Want::Call(Group::Data),
        "net" => return Want::Net,
        "loss" => return Want::Call(Group::Loss),
        "train" => return Want::Call(Group::Optimizer),
        _ => match key.split_once('.').map(|(section, _)| section) {
            Some("data") => &[Group::Data],
            Some("net") => &[Group::Net],
            Some("loss") => &[Group::Loss],
            Some("train") => &[Group::Train, Group::Optimizer],
            _ => &[],
        },
    };
    let name = key.rsplit('.').next().unwrap_or(key);
    let mut rows = groups.iter().flat_map(|group| group.rows());
    of_param(rows.find_map(|row| row.param(name)))
}
