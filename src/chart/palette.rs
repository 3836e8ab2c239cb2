//! Colours, dashes and markers: one of each for a label, the same in all drawings.
//!
//! The colours differ under protanopia, deuteranopia and tritanopia and in grey, on light and on dark ground; a test measures
//! it. Dashes and markers say the same again without colour.

/// Hexadecimal colours of the series on light and on dark ground.
const SERIES: [(&str, &str); 8] = [
    ("#0f6cbd", "#5e9ff2"),
    ("#d2741c", "#f59f52"),
    ("#126335", "#a1eaab"),
    ("#6c1b7d", "#a963a7"),
    ("#996804", "#878d2a"),
    ("#aa60ed", "#d6b0fc"),
    ("#04a1c8", "#2dfbfc"),
    ("#b82956", "#d67790"),
];

/// Shades of heat maps, from nothing to everything, on light and on dark ground.
const HEAT: [(&str, &str); 10] = [
    ("#f4f6f9", "#1b2028"),
    ("#e1eaf4", "#1d2c40"),
    ("#c9dcef", "#1e3a59"),
    ("#abcae6", "#204a73"),
    ("#89b4db", "#285c8e"),
    ("#659bcd", "#34699d"),
    ("#3b76b2", "#5087bd"),
    ("#2b64a0", "#7da8d5"),
    ("#1b4a82", "#a8c6e6"),
    ("#0f3162", "#d7e6f6"),
];

/// Light or dark ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark text on white.
    Light,
    /// Light text on nearly black.
    Dark,
}

/// What a mark is painted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Text.
    Ink,
    /// Text that stands back: tick labels, notes.
    Muted,
    /// Axes and reference lines.
    Rule,
    /// Grid lines.
    Grid,
    /// The ground.
    Paper,
    /// What a claim wants.
    Wanted,
    /// The data of a label.
    Series(Slot),
    /// A shade of a heat map from 0 to 9.
    Heat(usize),
}

impl Paint {
    /// Every paint there is, each once.
    pub(super) fn all() -> Vec<Self> {
        let mut all =
            vec![Self::Ink, Self::Muted, Self::Rule, Self::Grid, Self::Paper, Self::Wanted];
        all.extend((0..SERIES.len()).map(|slot| Self::Series(Slot(slot))));
        all.extend((0..HEAT.len()).map(Self::Heat));
        all
    }

    /// The hexadecimal colour on a ground.
    pub fn hex(self, theme: Theme) -> &'static str {
        let (light, dark) = match self {
            Self::Ink => ("#1a1f27", "#e8ebf0"),
            Self::Muted => ("#566070", "#a3adbb"),
            Self::Rule => ("#8b95a3", "#76808f"),
            Self::Grid => ("#e6e9ee", "#2b323c"),
            Self::Paper => ("#ffffff", "#12161c"),
            Self::Wanted => ("#4d8f5c", "#6fbf82"),
            Self::Series(slot) => SERIES[slot.0 % SERIES.len()],
            Self::Heat(shade) => HEAT[shade.min(HEAT.len() - 1)],
        };
        match theme {
            Theme::Light => light,
            Theme::Dark => dark,
        }
    }

    /// The CSS variable that holds it: `--ink`, `--c1`, `--h0`.
    pub(super) fn variable(self) -> String {
        match self {
            Self::Ink => "--ink".to_owned(),
            Self::Muted => "--muted".to_owned(),
            Self::Rule => "--rule".to_owned(),
            Self::Grid => "--grid".to_owned(),
            Self::Paper => "--paper".to_owned(),
            Self::Wanted => "--wanted".to_owned(),
            Self::Series(slot) => format!("--c{}", slot.0 % SERIES.len() + 1),
            Self::Heat(shade) => format!("--h{}", shade.min(HEAT.len() - 1)),
        }
    }
}

/// The highest shade of a heat map.
pub(super) const DARKEST: usize = HEAT.len() - 1;

/// The place of a label in the palette: its colour, dash and marker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(pub usize);

/// The form of a mark for one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// A disc.
    Circle,
    /// A square on its side.
    Square,
    /// A triangle on its base.
    Up,
    /// A square on its corner.
    Diamond,
    /// A triangle on its corner.
    Down,
    /// Five corners.
    Pentagon,
    /// Two crossing bars.
    Plus,
    /// Two crossing diagonals.
    Cross,
}

impl Slot {
    /// The number of colours; slots beyond take them again with other dashes and markers.
    pub const COLOURS: usize = SERIES.len();

    /// The lengths of strokes and gaps in pixels; empty for a line without gaps.
    pub fn dash(self) -> &'static [f64] {
        const DASHES: [&[f64]; 8] = [
            &[],
            &[7.0, 3.0],
            &[2.0, 2.5],
            &[9.0, 3.0, 2.0, 3.0],
            &[4.0, 2.0],
            &[12.0, 3.0],
            &[9.0, 2.5, 2.0, 2.5, 2.0, 2.5],
            &[5.0, 2.0, 1.5, 2.0],
        ];
        DASHES[self.shifted() % DASHES.len()]
    }

    /// The form of its marks.
    pub fn marker(self) -> Marker {
        const MARKERS: [Marker; 8] = [
            Marker::Circle,
            Marker::Square,
            Marker::Up,
            Marker::Diamond,
            Marker::Down,
            Marker::Pentagon,
            Marker::Plus,
            Marker::Cross,
        ];
        MARKERS[self.shifted() % MARKERS.len()]
    }

    /// Moved on by one in each round, so that a colour meets another dash.
    fn shifted(self) -> usize {
        self.0 % (SERIES.len() * SERIES.len()) + self.0 / SERIES.len() % SERIES.len()
    }
}

/// Labels in their order: each keeps its slot through all figures of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    labels: Vec<String>,
}

impl Palette {
    /// The labels in the order in which they take their slots; a label that comes again keeps its first.
    pub fn new<L: Into<String>>(labels: impl IntoIterator<Item = L>) -> Self {
        let mut known: Vec<String> = vec![];
        for label in labels.into_iter().map(Into::into) {
            if !known.contains(&label) {
                known.push(label);
            }
        }
        Self { labels: known }
    }

    /// The slot of a label; labels that the palette does not know share the one behind the last.
    pub fn slot(&self, label: &str) -> Slot {
        let at = self.labels.iter().position(|known| known == label);
        Slot(at.unwrap_or(self.labels.len()))
    }

    /// The labels in the order of their slots.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }
}

#[cfg(test)]
mod tests {
    use super::{Palette, Slot};

    #[test]
    fn slots_with_one_colour_differ_in_dash_and_marker() {
        for round in 1..8 {
            let (first, later) = (Slot(3), Slot(3 + 8 * round));
            assert!(first.dash() != later.dash() && first.marker() != later.marker());
        }
        let palette = Palette::new(["a", "b", "a"]);
        assert_eq!([palette.slot("b"), palette.slot("new")], [Slot(1), Slot(2)]);
    }
}
