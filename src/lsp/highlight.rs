//! Semantic tokens: what each word means, as far as its item parses; by its looks elsewhere.

use lsp_types::{
    SemanticToken, SemanticTokenModifier, SemanticTokenType, SemanticTokens, SemanticTokensParams,
    SemanticTokensResult,
};

use super::names::{Kind, Names, Target};
use super::workspace::Workspace;
use crate::model::table::Group;
use crate::syntax::{Token, TokenKind, is_reserved};

/// The types, in the order of their numbers.
pub(super) const TYPES: [SemanticTokenType; 13] = [
    SemanticTokenType::KEYWORD,
    SemanticTokenType::COMMENT,
    SemanticTokenType::STRING,
    SemanticTokenType::NUMBER,
    SemanticTokenType::OPERATOR,
    SemanticTokenType::FUNCTION,
    SemanticTokenType::TYPE,
    SemanticTokenType::PARAMETER,
    SemanticTokenType::VARIABLE,
    SemanticTokenType::PROPERTY,
    SemanticTokenType::CLASS,
    SemanticTokenType::ENUM_MEMBER,
    SemanticTokenType::DECORATOR,
];

/// The modifiers, in the order of their bits.
pub(super) const MODIFIERS: [SemanticTokenModifier; 3] = [
    SemanticTokenModifier::DEFINITION,
    SemanticTokenModifier::DEFAULT_LIBRARY,
    SemanticTokenModifier::DOCUMENTATION,
];

const DEFINITION: u32 = 1;
const LIBRARY: u32 = 2;
const DOCUMENTATION: u32 = 4;

/// `textDocument/semanticTokens/full`.
pub(super) fn tokens(
    workspace: &Workspace,
    params: &SemanticTokensParams,
) -> Option<SemanticTokensResult> {
    let (document, analysis) = workspace.analysis(&params.text_document.uri)?;
    let text = &*document.text;
    let known = Known::of(&analysis.names);
    let mut data = vec![];
    let (mut line, mut character) = (0, 0);
    for token in &analysis.tokens {
        let Some((ty, modifiers)) = class(token, text, &known) else { continue };
        // Tokens lie on one line but for comments of another language.
        let end = token.text(text).find(['\n', '\r']).map_or(token.end, |len| token.start + len);
        let start = document.lines.position(text, token.start);
        let end = document.lines.position(text, end);
        if start.line != end.line || start.character == end.character {
            continue;
        }
        let delta_line = start.line - line;
        let from = if delta_line == 0 { character } else { 0 };
        data.push(SemanticToken {
            delta_line,
            delta_start: start.character - from,
            length: end.character - start.character,
            token_type: TYPES.iter().position(|known| *known == ty).unwrap_or_default() as u32,
            token_modifiers_bitset: modifiers,
        });
        (line, character) = (start.line, start.character);
    }
    Some(SemanticTokensResult::Tokens(SemanticTokens { result_id: None, data }))
}

/// Names by their first bytes, so that each token is looked up at once.
struct Known<'a> {
    names: &'a Names,
    definitions: std::collections::BTreeMap<usize, Kind>,
    uses: std::collections::BTreeMap<usize, &'a Target>,
}

impl<'a> Known<'a> {
    fn of(names: &'a Names) -> Self {
        let definitions = names.definitions.iter().filter(|definition| definition.renamable);
        Self {
            names,
            definitions: definitions.map(|one| (one.range.start, one.kind)).collect(),
            uses: names.uses.iter().map(|used| (used.range.start, &used.target)).collect(),
        }
    }
}

fn class(token: &Token, text: &str, known: &Known<'_>) -> Option<(SemanticTokenType, u32)> {
    let word = token.text(text);
    Some(match token.kind {
        TokenKind::Comment if word.starts_with("///") => {
            (SemanticTokenType::COMMENT, DOCUMENTATION)
        }
        TokenKind::Comment => (SemanticTokenType::COMMENT, 0),
        TokenKind::Str => (SemanticTokenType::STRING, 0),
        TokenKind::Number => (SemanticTokenType::NUMBER, 0),
        TokenKind::Symbol if "(){}[],:".contains(word) => return None,
        TokenKind::Symbol => (SemanticTokenType::OPERATOR, 0),
        TokenKind::Unknown => return None,
        TokenKind::Word => {
            if let Some(kind) = known.definitions.get(&token.start) {
                return Some((of_kind(*kind), DEFINITION));
            }
            match known.uses.get(&token.start) {
                Some(target) => return of_target(target, known.names),
                None if is_reserved(word) => (SemanticTokenType::KEYWORD, 0),
                None => return None,
            }
        }
    })
}

fn of_kind(kind: Kind) -> SemanticTokenType {
    match kind {
        Kind::Net | Kind::Sweep => SemanticTokenType::CLASS,
        Kind::Block | Kind::Loss => SemanticTokenType::FUNCTION,
        Kind::Let | Kind::Local | Kind::Turn => SemanticTokenType::VARIABLE,
        Kind::Param => SemanticTokenType::PARAMETER,
        Kind::Label => SemanticTokenType::DECORATOR,
        Kind::Axis => SemanticTokenType::PROPERTY,
        Kind::Choice => SemanticTokenType::ENUM_MEMBER,
    }
}

fn of_target(target: &Target, names: &Names) -> Option<(SemanticTokenType, u32)> {
    Some(match target {
        Target::Here(idx) => (of_kind(names.definitions[*idx].kind), 0),
        Target::Outer(_) => return None,
        Target::OuterParam { .. } => (SemanticTokenType::PARAMETER, 0),
        Target::Row(Group::Layer | Group::Data | Group::Optimizer, _) => {
            (SemanticTokenType::TYPE, LIBRARY)
        }
        Target::Row(..) => (SemanticTokenType::FUNCTION, LIBRARY),
        Target::Key(..) => (SemanticTokenType::PROPERTY, LIBRARY),
        Target::Word(_) | Target::Measure(_) => (SemanticTokenType::VARIABLE, LIBRARY),
    })
}
