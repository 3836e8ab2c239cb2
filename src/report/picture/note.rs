//! What a box says below its title.

use std::fmt::{self, Display, Formatter};

/// A line of a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A degree; copies that differ in it have a range.
    Degree {
        /// `quasi-homogeneous degree`.
        noun: &'static str,
        /// That of the first copy.
        first: String,
        /// That of the last copy.
        last: String,
        /// ` in the limit`.
        of: &'static str,
    },
    /// Anything else.
    Text(String),
}

impl Note {
    /// A degree.
    pub(super) fn degree(noun: &'static str, degree: &impl ToString, of: &'static str) -> Self {
        let degree = degree.to_string();
        Self::Degree { noun, first: degree.clone(), last: degree, of }
    }

    /// The note that holds of a box and of a later copy; `None` where they say different things.
    pub(super) fn with(&self, later: &Self) -> Option<Self> {
        let mut joined = self.clone();
        if let (Self::Degree { noun, last, of, .. }, Self::Degree { noun: n, last: l, of: o, .. }) =
            (&mut joined, later)
            && (*noun, *of) == (*n, *o)
        {
            last.clone_from(l);
            return Some(joined);
        }
        (self == later).then_some(joined)
    }
}

impl Display for Note {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Degree { noun, first, last, of } if first == last => {
                write!(f, "{noun} {first}{of}")
            }
            Self::Degree { noun, first, last, of } => write!(f, "{noun} {first} … {last}{of}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}
