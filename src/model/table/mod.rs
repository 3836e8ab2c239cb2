//! Every call of the language in one table: data sources, layers, losses, optimisers, schedules, initialisations.
//!
//! The same rows check arguments, suggest names, state defaults in `resolved.net` and document the language.

mod data;
mod layers;
mod losses;
mod page;
mod train;

pub use page::{page, param_line, row_page};

/// Where a call may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// After `data`.
    Data,
    /// In `augment=`.
    Augment,
    /// In `label_noise=`.
    LabelNoise,
    /// The options of a `net`.
    Net,
    /// A layer in a body.
    Layer,
    /// In `init=`.
    Init,
    /// After `loss`, and in `base=`.
    Loss,
    /// After `train`.
    Optimizer,
    /// In `schedule=`.
    Schedule,
    /// The keys in the braces of `train`.
    Train,
    /// The keys in the braces of `analyze`.
    Analyze,
}

impl Group {
    /// What one row of the group is called in messages.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Data => "data source",
            Self::Augment => "augmentation",
            Self::LabelNoise => "label noise",
            Self::Net => "network option",
            Self::Layer => "layer",
            Self::Init => "initialisation",
            Self::Loss => "loss",
            Self::Optimizer => "optimiser",
            Self::Schedule => "schedule",
            Self::Train => "training setting",
            Self::Analyze => "analysis setting",
        }
    }

    /// The rows of the group.
    pub fn rows(self) -> &'static [CallRow] {
        match self {
            Self::Data => data::SOURCES,
            Self::Augment => data::AUGMENTATIONS,
            Self::LabelNoise => data::NOISES,
            Self::Net => layers::NET,
            Self::Layer => layers::LAYERS,
            Self::Init => layers::INITS,
            Self::Loss => losses::LOSSES,
            Self::Optimizer => train::OPTIMIZERS,
            Self::Schedule => train::SCHEDULES,
            Self::Train => train::TRAIN,
            Self::Analyze => train::ANALYZE,
        }
    }

    /// The row of that name.
    pub fn row(self, name: &str) -> Option<&'static CallRow> {
        self.rows().iter().find(|row| row.name == name)
    }

    /// The names of the group in the order of the table.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.rows().iter().map(|row| row.name)
    }

    /// All groups.
    pub const ALL: [Self; 11] = [
        Self::Data,
        Self::Augment,
        Self::LabelNoise,
        Self::Net,
        Self::Layer,
        Self::Init,
        Self::Loss,
        Self::Optimizer,
        Self::Schedule,
        Self::Train,
        Self::Analyze,
    ];
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub struct CallRow {
    /// The word of the language.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// Its parameters; positional ones first, in order.
    pub params: &'static [ParamRow],
}

impl CallRow {
    /// The parameter of that name.
    pub fn param(&self, name: &str) -> Option<&'static ParamRow> {
        self.params.iter().find(|param| param.name == name)
    }

    /// The parameters that may be given without their name, in order.
    pub fn positional(&self) -> impl Iterator<Item = &'static ParamRow> {
        self.params.iter().filter(|param| param.positional)
    }

    /// The call with its parameters and defaults, as the reference shows it: `linear(out, bias=true)`.
    pub fn signature(&self) -> String {
        let params: Vec<_> = self.params.iter().map(ParamRow::signature).collect();
        if matches!(self.name, "train" | "analyze") {
            let entries: Vec<_> = params.iter().map(|param| param.replace('=', " = ")).collect();
            return format!("{} {{ {} }}", self.name, entries.join("  "));
        }
        if params.is_empty() {
            self.name.to_owned()
        } else {
            format!("{}({})", self.name, params.join(", "))
        }
    }
}

/// One parameter of a call.
#[derive(Clone, Copy, Debug)]
pub struct ParamRow {
    /// The key.
    pub name: &'static str,
    /// Whether it may be given without its key.
    pub positional: bool,
    /// What values it takes.
    pub ty: Type,
    /// What holds when it is not given.
    pub default: Default,
    /// Which of the values are allowed.
    pub range: Range,
    /// What it does.
    pub doc: &'static str,
}

impl ParamRow {
    const fn new(name: &'static str, ty: Type, default: Default, doc: &'static str) -> Self {
        Self { name, positional: false, ty, default, range: Range::Any, doc }
    }

    const fn positional(self) -> Self {
        Self { positional: true, ..self }
    }

    const fn within(self, range: Range) -> Self {
        Self { range, ..self }
    }

    /// The parameter with its default, as signatures show it.
    pub fn signature(&self) -> String {
        let name = self.name;
        match self.default {
            Default::None if self.ty == Type::Flag => name.to_owned(),
            Default::Required if self.positional => name.to_owned(),
            Default::Required => format!("{name}="),
            Default::None => format!("{name}=…"),
            Default::Int(value) => format!("{name}={value}"),
            Default::Float(value) if value != 0.0 && value.abs() < 1e-3 => {
                format!("{name}={value:e}")
            }
            Default::Float(value) => format!("{name}={value}"),
            Default::Bool(value) => format!("{name}={value}"),
            Default::Word(value) | Default::Like(value) | Default::Formula(value) => {
                format!("{name}={value}")
            }
        }
    }
}

/// What values a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `128`.
    Int,
    /// `0.5`.
    Float,
    /// `true` or `false`.
    Bool,
    /// `"own.csv"`.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// `3` or `[3, 5]`: rows and columns.
    Pair,
    /// A pair, or `same`.
    Pad,
    /// `[16, 5, 5]`.
    Shape,
    /// `[30, 60]`, or one integer.
    Ints,
    /// `[0, 0.1]`, or one number.
    Floats,
    /// `trainable`, `trainable(R)`, `fixed`, `fixed(2)`, or a number.
    Scale,
    /// A call of [`Group::Init`].
    Init,
    /// A call of [`Group::Loss`] without scales, or a loss defined in the file.
    Loss,
    /// A call of [`Group::Optimizer`].
    Optimizer,
    /// A call of [`Group::Schedule`].
    Schedule,
    /// A list of calls of [`Group::Augment`], or one of them.
    Augment,
    /// A call of [`Group::LabelNoise`].
    LabelNoise,
    /// `0.1`, `random(0.1)`, `first(0.1)` or `last(0.1)`.
    Part,
    /// `last`, or `best(val.accuracy)`.
    Keep,
    /// `0..10`, `[0, 3]`, or `7`.
    Seeds,
    /// A list of permissions.
    Permissions,
    /// `"test.csv"`, `0.2`, `random(0.2)`, `first(0.2)` or `last(0.2)`.
    TestTable,
    /// `["images.npy", "labels.npy"]`, `0.2`, `random(0.2)`, `first(0.2)` or `last(0.2)`.
    TestArrays,
    /// No value: the key alone.
    Flag,
}

impl Type {
    /// The words of its values, beyond calls of a group.
    pub fn choices(self) -> &'static [&'static str] {
        match self {
            Self::Word(words) => words,
            Self::Permissions => &["nonhomogeneous"],
            Self::TestTable | Self::TestArrays | Self::Part => &["first", "last", "random"],
            Self::Keep => &["last", "best"],
            Self::Int
            | Self::Float
            | Self::Bool
            | Self::Text
            | Self::Pair
            | Self::Pad
            | Self::Shape
            | Self::Ints
            | Self::Floats
            | Self::Scale
            | Self::Init
            | Self::Loss
            | Self::Optimizer
            | Self::Schedule
            | Self::Augment
            | Self::LabelNoise
            | Self::Seeds
            | Self::Flag => &[],
        }
    }

    /// The values in words: `an integer`.
    pub fn words(self) -> String {
        match self {
            Self::Int => "an integer".into(),
            Self::Float => "a number".into(),
            Self::Bool => "`true` or `false`".into(),
            Self::Text => "a text in quotes".into(),
            Self::Word(words) => alternatives(words.iter().copied()),
            Self::Pair => "an integer, or `[rows, columns]`".into(),
            Self::Pad => "an integer, `[rows, columns]` or `same`".into(),
            Self::Shape => "a list of integers such as `[16, 5, 5]`".into(),
            Self::Ints => "a list of integers, or one".into(),
            Self::Floats => "a list of numbers, or one".into(),
            Self::Scale => "`trainable`, `trainable(…)`, `fixed`, `fixed(…)` or a number".into(),
            Self::Init => "an initialisation such as `he_normal`".into(),
            Self::Loss => "a loss such as `cross_entropy`".into(),
            Self::Optimizer => "an optimiser such as `sgd(lr=0.1)`".into(),
            Self::Schedule => alternatives(Group::Schedule.names()),
            Self::Augment => "a list of `crop(…)`, `flip` and `cutout(…)`".into(),
            Self::LabelNoise => "`symmetric(…)` or `pairs(…)`".into(),
            Self::Keep => "`last` or `best(val.accuracy)`".into(),
            Self::Part => "a fraction, `random(…)`, `first(…)` or `last(…)`".into(),
            Self::Seeds => "seeds such as `0..10`, `[0, 3]` or `7`".into(),
            Self::Permissions => "a list of `nonhomogeneous`".into(),
            Self::TestTable => {
                "a file in quotes, a fraction, `random(…)`, `first(…)` or `last(…)`".into()
            }
            Self::TestArrays => {
                "`[\"images.npy\", \"labels.npy\"]`, a fraction, `random(…)`, `first(…)` or `last(…)`"
                    .into()
            }
            Self::Flag => "no value".into(),
        }
    }
}

/// Every word that a value may consist of: names of calls, choices, and the values of the language.
pub fn words() -> impl Iterator<Item = &'static str> {
    let rows = Group::ALL.into_iter().flat_map(Group::rows);
    let choices = rows.clone().flat_map(|row| row.params).flat_map(|param| param.ty.choices());
    rows.map(|row| row.name).chain(choices.copied()).chain(RESERVED_VALUES)
}

/// What holds when a parameter is not given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// It must be given.
    Required,
    /// Nothing: the feature is off, or the data say it.
    None,
    /// An integer.
    Int(i64),
    /// A number.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A word.
    Word(&'static str),
    /// The value of another parameter of the call.
    Like(&'static str),
    /// A formula of the language.
    Formula(&'static str),
}

/// Which numbers are allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// All.
    Any,
    /// x ≥ low.
    AtLeast(f64),
    /// x > low.
    Above(f64),
    /// low < x < high.
    Inside(f64, f64),
    /// low ≤ x < high.
    From(f64, f64),
    /// low < x ≤ high.
    Until(f64, f64),
    /// low ≤ x ≤ high.
    Within(f64, f64),
}

impl Range {
    /// Whether `x` is allowed.
    pub fn holds(self, x: f64) -> bool {
        match self {
            Self::Any => true,
            Self::AtLeast(low) => x >= low,
            Self::Above(low) => x > low,
            Self::Inside(low, high) => low < x && x < high,
            Self::From(low, high) => low <= x && x < high,
            Self::Until(low, high) => low < x && x <= high,
            Self::Within(low, high) => low <= x && x <= high,
        }
    }

    /// The range in words: `at least 1`.
    pub fn words(self) -> String {
        match self {
            Self::Any => "any number".into(),
            Self::AtLeast(low) => format!("at least {low}"),
            Self::Above(low) => format!("above {low}"),
            Self::Inside(low, high) => format!("above {low} and below {high}"),
            Self::From(low, high) => format!("at least {low} and below {high}"),
            Self::Until(low, high) => format!("above {low} and at most {high}"),
            Self::Within(low, high) => format!("from {low} to {high}"),
        }
    }
}

/// `a`, `b` or `c`, each in backticks.
pub fn alternatives<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// Functions that ask for the shape of a branch at compile time.
pub const QUERIES: [&str; 4] = ["channels", "height", "width", "features"];

/// Layers that join branches; their arguments are branches, not values.
pub const JOINS: [&str; 3] = ["add", "mul", "concat"];

/// Words that stand for values of the language and are never free for definitions.
pub const RESERVED_VALUES: [&str; 11] =
    ["in", "classes", "logits", "label", "R", "r1", "r2", "lambda", "trainable", "fixed", "same"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_positional_parameters_come_first() {
        for group in Group::ALL {
            let mut names: Vec<_> = group.names().collect();
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{group:?}");
            for row in group.rows() {
                let order: Vec<_> = row.params.iter().map(|param| param.positional).collect();
                assert!(order.is_sorted_by(|a, b| a >= b), "{}", row.name);
            }
        }
    }

    #[test]
    fn a_signature_shows_defaults() {
        let row = Group::Layer.row("linear").unwrap();
        assert_eq!(row.signature(), "linear(features, bias=true, init=default)");
    }
}
