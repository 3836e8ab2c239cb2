//! Curves in a line of text, for terminals.

use super::number::drawable;

/// The heights of a block.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A curve of at most `width` blocks, between the smallest and the largest value; blanks where no value is finite. More
/// values than blocks are averaged; values that are all the same lie in the middle.
pub fn spark(values: &[f64], width: usize) -> String {
    let n = width.min(values.len());
    let part = |i: usize| i * values.len() / n;
    let means: Vec<Option<f64>> = (0..n)
        .map(|i| {
            let group = values[part(i)..part(i + 1)].iter().copied().filter_map(drawable);
            let (sum, count) =
                group.fold((0.0, 0.0), |(sum, count), v| (sum + v / 1e9, count + 1.0));
            (count > 0.0).then(|| sum / count)
        })
        .collect();
    let finite = means.iter().flatten();
    let low = finite.clone().fold(f64::INFINITY, |low, v| low.min(*v));
    let high = finite.fold(f64::NEG_INFINITY, |high, v| high.max(*v));
    let block = |value: f64| {
        let level = if high > low { (value - low) / (high - low) } else { 0.45 };
        BLOCKS[((level * 8.0) as usize).min(7)]
    };
    means.into_iter().map(|mean| mean.map_or(' ', block)).collect()
}

#[cfg(test)]
mod tests {
    use super::spark;

    #[test]
    fn curves_keep_their_form() {
        let line: Vec<f64> = (0..8).map(f64::from).collect();
        assert_eq!(spark(&line, 20), "▁▂▃▄▅▆▇█");
        assert_eq!(spark(&line, 4), "▁▃▆█");
        assert_eq!(spark(&[1.0, f64::NAN, 1.0], 9), "▄ ▄");
        assert_eq!(spark(&[], 9), "");
        assert_eq!(spark(&[f64::MAX, f64::MIN], 9), "█▁");
    }
}
