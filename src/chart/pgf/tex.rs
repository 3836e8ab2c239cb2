//! Text, numbers, colours and the frame of a picture in TeX.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::axis::Axis;
use super::super::number::{Unit, exact};
use super::super::palette::{Marker, Paint, Slot, Theme};
use super::super::scale::{Domain, linear_ticks};

/// Width and height of a picture as parts of the line.
pub(super) type Extent = (f64, f64);

/// A picture for a whole line, for half of one, and a flat one.
pub(super) const WHOLE: Extent = (0.92, 0.56);
pub(super) const HALF: Extent = (0.43, 0.36);
pub(super) const FLAT: Extent = (0.92, 0.3);

/// A linear axis has at most about so many steps.
const TICKS: usize = 6;

/// Legends of pgfplots have so many columns.
const COLUMNS: usize = 3;

/// Lines of comment, then what the preamble needs.
pub(super) fn comment(lines: &[&str]) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    for line in lines {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(out, "% {line}");
    }
    out.push_str("% Preamble: \\usepackage{pgfplots} \\pgfplotsset{compat=1.16}\n");
    out
}

/// Plain text; characters that TeX's common fonts lack become `?`.
pub(super) fn text(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '<' => out.push_str("\\textless{}"),
            '>' => out.push_str("\\textgreater{}"),
            '|' => out.push_str("\\textbar{}"),
            '"' => out.push_str("''"),
            // Names stand in lists that commas and brackets would end.
            ',' => out.push_str("{,}"),
            '=' => out.push_str("{=}"),
            '[' | ']' => {
                let _ = write!(out, "{{{c}}}");
            }
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            ' '..='\u{7e}' => out.push(c),
            '\u{c0}'..='\u{ff}' if !matches!(c, '×' | '÷') => out.push(c),
            '–' => out.push_str("--"),
            '—' => out.push_str("---"),
            '’' => out.push('\''),
            '…' => out.push_str("\\ldots{}"),
            _ if c.is_whitespace() => out.push(' '),
            _ => out.push_str(symbol(c).unwrap_or("?")),
        }
    }
    out
}

fn symbol(c: char) -> Option<&'static str> {
    const SYMBOLS: [(char, &str); 32] = [
        ('−', "$-$"),
        ('×', "$\\times$"),
        ('±', "$\\pm$"),
        ('·', "$\\cdot$"),
        ('≤', "$\\leq$"),
        ('≥', "$\\geq$"),
        ('≈', "$\\approx$"),
        ('≠', "$\\neq$"),
        ('→', "$\\to$"),
        ('∞', "$\\infty$"),
        ('√', "$\\surd$"),
        ('∥', "$\\|$"),
        ('²', "$^2$"),
        ('³', "$^3$"),
        ('°', "$^\\circ$"),
        ('α', "$\\alpha$"),
        ('β', "$\\beta$"),
        ('γ', "$\\gamma$"),
        ('δ', "$\\delta$"),
        ('ε', "$\\varepsilon$"),
        ('η', "$\\eta$"),
        ('θ', "$\\theta$"),
        ('λ', "$\\lambda$"),
        ('μ', "$\\mu$"),
        ('µ', "$\\mu$"),
        ('π', "$\\pi$"),
        ('ρ', "$\\rho$"),
        ('σ', "$\\sigma$"),
        ('τ', "$\\tau$"),
        ('φ', "$\\varphi$"),
        ('ω', "$\\omega$"),
        ('Δ', "$\\Delta$"),
    ];
    SYMBOLS.iter().find(|(known, _)| *known == c).map(|(_, tex)| *tex)
}

/// A coordinate; what is not finite parts a line.
pub(super) fn number(value: f64) -> String {
    if value.is_finite() { exact(value) } else { "nan".to_owned() }
}

/// `coordinates {(1,2) (3,4)}`.
pub(super) fn coordinates(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let points: Vec<String> =
        points.into_iter().map(|(x, y)| format!("({},{})", number(x), number(y))).collect();
    format!("coordinates {{{}}}", points.join(" "))
}

/// The name of a slot's colour.
pub(super) fn colour(slot: Slot) -> String {
    let letter = char::from(b'A' + (slot.0 % Slot::COLOURS) as u8);
    format!("series{letter}")
}

/// The dash pattern of a slot as an option.
pub(super) fn dash(slot: Slot) -> String {
    let dash = slot.dash();
    if dash.is_empty() {
        return "solid".to_owned();
    }
    let word = |i: usize| if i.is_multiple_of(2) { "on" } else { "off" };
    let parts: Vec<String> =
        dash.iter().enumerate().map(|(i, length)| format!("{} {length}pt", word(i))).collect();
    format!("dash pattern={}", parts.join(" "))
}

/// The marker of a slot as options.
pub(super) fn marker(slot: Slot, filled: bool) -> String {
    let (name, options) = match slot.marker() {
        Marker::Circle => ("*", ""),
        Marker::Square => ("square*", ""),
        Marker::Up => ("triangle*", ""),
        Marker::Down => ("triangle*", ",rotate=180"),
        Marker::Diamond => ("diamond*", ""),
        Marker::Pentagon => ("pentagon*", ""),
        Marker::Plus => ("+", ""),
        Marker::Cross => ("x", ""),
    };
    let fill = if filled { String::new() } else { ",fill=white".to_owned() };
    format!("mark={name},mark size=1.8pt,mark options={{solid{fill}{options}}}")
}

/// The options of an axis along `x` or `y`.
pub(super) fn axis(name: char, axis: &Axis, domain: Domain) -> Vec<String> {
    let mut out = vec![
        format!("{name}label={{{}}}", text(axis.title())),
        format!("{name}min={}", number(domain.low)),
        format!("{name}max={}", number(domain.high)),
    ];
    if domain.log {
        out.push(format!("{name}mode=log"));
        return out;
    }
    let (ticks, _) = linear_ticks(domain, TICKS, axis.unit() == Unit::Count);
    let ticks: Vec<String> = ticks.into_iter().map(number).collect();
    out.push(format!("{name}tick={{{}}}, scaled {name} ticks=false", ticks.join(",")));
    if axis.unit() == Unit::Percent {
        out.push(format!(
            "{name}ticklabel={{\\pgfmathparse{{100*\\tick}}\\pgfmathprintnumber{{\\pgfmathresult}}\\,\\%}}"
        ));
    } else if domain.most() < 1e5 && domain.most() > 1e-3 {
        let precise = "/pgf/number format/.cd, fixed, precision=5";
        out.push(format!("{name}ticklabel style={{{precise}}}"));
    }
    out
}

/// A picture with one axis; colours are defined inside.
pub(super) fn picture(
    options: &[String],
    slots: &BTreeSet<Slot>,
    extent: Extent,
    body: &[String],
) -> String {
    let mut out = "\\begin{tikzpicture}\n".to_owned();
    // Writing to a string cannot fail.
    let mut known = BTreeSet::new();
    for slot in slots {
        if known.insert(colour(*slot)) {
            let hex = Paint::Series(*slot).hex(Theme::Light).trim_start_matches('#');
            let _ = writeln!(
                out,
                "\\definecolor{{{}}}{{HTML}}{{{}}}",
                colour(*slot),
                hex.to_uppercase()
            );
        }
    }
    let _ = writeln!(
        out,
        "\\begin{{axis}}[\n  width={}\\linewidth, height={}\\linewidth,\n  axis lines*=left, \
         tick align=outside, grid=major, grid style={{black!10}},\n  legend style={{draw=none, \
         at={{(0.5,1.03)}}, anchor=south, font=\\small}}, legend columns={COLUMNS}, legend cell \
         align=left,\n  unbounded coords=jump,",
        extent.0, extent.1
    );
    for option in options {
        let _ = writeln!(out, "  {option},");
    }
    out.push_str("]\n");
    for line in body {
        out.push_str(line);
        out.push('\n');
    }
    out.push_str("\\end{axis}\n\\end{tikzpicture}\n");
    out
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn markup_of_tex_is_escaped() {
        assert_eq!(text("5 % of x_1, δ ≥ 2"), "5 \\% of x\\_1{,} $\\delta$ $\\geq$ 2");
        assert_eq!(text("a\\b^{2}"), "a\\textbackslash{}b\\textasciicircum{}\\{2\\}");
    }
}
