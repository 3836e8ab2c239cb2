//! Data for a run: loaded, after fetching what is missing.

use super::fetch_bar::FetchBar;
use super::outcome::Outcome;
use super::streams::Terminal;
use crate::data::fetch::{Patience, fetch_set};
use crate::data::{self, DataError, DataSpec, Dataset, Locations, Source};

/// As [`load_data`]; what is wrong with the data is shown, and ends the command.
pub(crate) fn sound_data(
    spec: &DataSpec,
    locations: &Locations,
    offline: bool,
    terminal: &mut Terminal,
) -> Result<Dataset, Outcome> {
    let loaded = load_data(spec, locations, offline, terminal);
    terminal.sound(loaded)
}

/// Loads the data of a spec; a known set that is missing is fetched first, unless `offline`.
pub(crate) fn load_data(
    spec: &DataSpec,
    locations: &Locations,
    offline: bool,
    terminal: &mut Terminal,
) -> Result<Dataset, DataError> {
    let missing = match data::load(spec, locations) {
        Err(DataError::NotFound { set, .. }) if !offline => set,
        loaded => return loaded,
    };
    if !matches!(spec.source, Source::Named(_)) {
        return data::load(spec, locations);
    }
    terminal.tell(format!("`{}` is not here yet; fetching it", missing.name()));
    let mut bar = FetchBar::new(Terminal::is_watched(), terminal.is_quiet());
    let fetched = fetch_set(missing, locations, offline, Patience::default(), &mut bar);
    fetched.and_then(|_| data::load(spec, locations))
}
