//! The longest golden run. Tests start in the order of their names: here it runs beside the others and not behind them.

use crate::runs::golden_runs;

#[test]
fn golden_wrn() {
    golden_runs("wrn/");
}
