//! Every name of a file: where it is defined, and what each use of one means.
//!
//! In: the tree of one text. Out: [`Names`], definitions and uses with their bytes. What a use means is found in the file
//! itself or in the tables of the language; a name of neither is [`Target::Outer`], for the imports to explain. Broken items
//! are not in the tree and so have no names.

mod expr;
mod find;
mod sweep;

use std::ops::Range;

use crate::model::table::{CallRow, Group, ParamRow};
use crate::syntax::ast::Spec;
use find::Finder;

/// What a definition defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A network.
    Net,
    /// A block.
    Block,
    /// A loss with a body.
    Loss,
    /// A value of the file.
    Let,
    /// A parameter of a block, a loss or a net.
    Param,
    /// A `let` of a body.
    Local,
    /// The variable of a `repeat`.
    Turn,
    /// The label of a layer.
    Label,
    /// A sweep.
    Sweep,
    /// An axis of a sweep.
    Axis,
    /// A label of an axis, or the value that stands for itself.
    Choice,
}

impl Kind {
    /// The word for it.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Net => "net",
            Self::Block => "block",
            Self::Loss => "loss",
            Self::Let => "let",
            Self::Param => "parameter",
            Self::Local => "local value",
            Self::Turn => "turn of a repeat",
            Self::Label => "label of a layer",
            Self::Sweep => "sweep",
            Self::Axis => "axis",
            Self::Choice => "label of an axis",
        }
    }

    /// Whether files that import this one know it.
    pub(super) fn is_shared(self) -> bool {
        matches!(self, Self::Block | Self::Loss | Self::Let)
    }
}

/// Where a name is defined.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    /// What it is.
    pub(super) kind: Kind,
    /// As written.
    pub(super) name: String,
    /// The name.
    pub(super) range: Range<usize>,
    /// The definition that it belongs to: the block of a parameter, the axis of a label.
    pub(super) owner: Option<usize>,
    /// The item or statement that defines it.
    pub(super) whole: Range<usize>,
    /// Lines of `///`.
    pub(super) docs: Vec<String>,
    /// Whether the name is one that can be written anew; a value that stands for itself is not.
    pub(super) renamable: bool,
}

/// What a use of a name means.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// A definition of this file, by its place in [`Names::definitions`].
    Here(usize),
    /// A name that an import may define.
    Outer(String),
    /// A parameter of something that an import may define.
    OuterParam {
        /// What has the parameter.
        owner: String,
        /// The parameter.
        key: String,
    },
    /// A call of the language.
    Row(Group, &'static CallRow),
    /// A parameter of a call of the language, or a setting.
    Key(&'static CallRow, &'static ParamRow),
    /// Another word of the language: `classes`, `channels`, `softmax` in a formula, `half`.
    Word(String),
    /// A path of a measure.
    Measure(String),
}

/// A use of a name.
#[derive(Clone, Debug)]
pub(super) struct Use {
    /// The name as written.
    pub(super) range: Range<usize>,
    /// What it means.
    pub(super) target: Target,
}

/// The names of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// In the order found: those of the file first.
    pub(super) definitions: Vec<Definition>,
    /// In the order found.
    pub(super) uses: Vec<Use>,
    /// Imported paths with the places of their texts.
    pub(super) imports: Vec<(Range<usize>, String)>,
}

impl Names {
    /// The names of a tree.
    pub(super) fn of(spec: &Spec) -> Self {
        Finder::default().names_of(spec)
    }

    /// The definition whose name stands at a byte.
    pub(super) fn defined_at(&self, at: usize) -> Option<usize> {
        let holds = |range: &Range<usize>| range.start <= at && at <= range.end;
        let all = self.definitions.iter().enumerate();
        let here = all.filter(|(_, definition)| holds(&definition.range));
        here.min_by_key(|(_, definition)| definition.range.len()).map(|(idx, _)| idx)
    }

    /// The use of a name at a byte; the shortest one, where names are parts of others.
    pub(super) fn used_at(&self, at: usize) -> Option<&Use> {
        let here = self.uses.iter().filter(|used| used.range.start <= at && at <= used.range.end);
        here.min_by_key(|used| used.range.len())
    }

    /// The definition of a name that other files may use.
    pub(super) fn shared(&self, name: &str) -> Option<usize> {
        self.definitions
            .iter()
            .position(|definition| definition.kind.is_shared() && definition.name == name)
    }

    /// A parameter of a definition.
    pub(super) fn param(&self, owner: usize, key: &str) -> Option<usize> {
        self.definitions.iter().position(|definition| {
            definition.kind == Kind::Param
                && definition.owner == Some(owner)
                && definition.name == key
        })
    }

    /// The definitions that belong to one.
    pub(super) fn owned(&self, owner: usize) -> impl Iterator<Item = &Definition> {
        self.definitions.iter().filter(move |definition| definition.owner == Some(owner))
    }
}
