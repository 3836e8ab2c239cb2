//! How wide text is, without a font.
//!
//! Widths are those of Helvetica and of the fonts made to its measure (Arial, Liberation Sans, Nimbus Sans), which [`FONT`]
//! asks for. Where none of them is installed and a wider font takes their place (DejaVu Sans is about 12 % wider), labels
//! move closer to each other.

/// The font list of every drawing.
pub const FONT: &str = "Helvetica Neue, Helvetica, Arial, Liberation Sans, Nimbus Sans, sans-serif";

/// Advance widths from space to tilde in thousandths of the font size.
const ASCII: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// Bold letters against regular ones, on average.
const BOLD: f64 = 1.1;

/// The width of a line of text in pixels.
pub fn width(text: &str, size: f64, bold: bool) -> f64 {
    let thousandths: u32 = text.chars().map(|c| u32::from(glyph(c))).sum();
    f64::from(thousandths) / 1000.0 * size * if bold { BOLD } else { 1.0 }
}

fn glyph(c: char) -> u16 {
    match c {
        ' '..='~' => ASCII[c as usize - 32],
        '¹' | '²' | '³' => 333,
        '⁰'..='⁻' => 400,
        '–' | 'δ' | 'μ' | 'θ' | '±' | '≤' | '≥' | '≈' | '≠' | '√' => 556,
        '−' | '×' => 584,
        '·' | '\u{a0}' => 278,
        '\u{300}'..='\u{36f}' => 0,
        '\u{a0}'..='\u{17f}' => 620,
        '\u{370}'..='\u{3ff}' => 640,
        '\u{400}'..='\u{4ff}' => 720,
        _ => 1000,
    }
}

/// The text, or as much of it as fits in `room` pixels with an ellipsis behind; empty where not even that fits.
pub fn fit(text: &str, size: f64, bold: bool, room: f64) -> String {
    if width(text, size, bold) <= room {
        return text.to_owned();
    }
    let room = room - width("…", size, bold);
    if room < 0.0 {
        return String::new();
    }
    let mut out = String::new();
    let mut used = 0.0;
    for c in text.chars() {
        used += f64::from(glyph(c)) / 1000.0 * size * if bold { BOLD } else { 1.0 };
        if used > room {
            break;
        }
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    out.push('…');
    out
}

/// Lines of at most `room` pixels, broken at blanks; a word that is too long is cut, and so is the last of `most` lines.
pub fn wrap(text: &str, size: f64, bold: bool, room: f64, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for word in text.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()) {
        if let Some(last) = lines.last_mut() {
            let longer = format!("{last} {word}");
            if width(&longer, size, bold) <= room || lines.len() == most {
                *lines.last_mut().unwrap_or(&mut String::new()) = longer;
                continue;
            }
        }
        lines.push(word.to_owned());
    }
    lines.iter().map(|line| fit(line, size, bold, room)).collect()
}

#[cfg(test)]
mod tests {
    use super::{fit, width, wrap};

    #[test]
    fn text_is_cut_and_wrapped_to_its_room() {
        assert!((width("0123", 10.0, false) - 22.24).abs() < 1e-9);
        assert_eq!(fit("epoch", 10.0, false, 100.0), "epoch");
        assert_eq!(fit("a long label", 10.0, false, 40.0), "a long…");
        assert_eq!(fit("a long label", 10.0, false, 4.0), "");
        let lines = wrap("one two three four five", 10.0, false, 45.0, 2);
        assert_eq!(lines, ["one two", "three fo…"]);
    }
}
