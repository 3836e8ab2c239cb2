//! Verdicts for a reader.

use super::{Judged, JudgedLine, Verdict};

/// All verdicts as text.
pub fn verdicts_text(judged: &[Judged]) -> String {
    let mut lines = vec![];
    for claim in judged {
        lines.push(format!("{:<8} {}", claim.verdict.name(), claim.claim));
        for line in &claim.lines {
            let lead = if claim.lines.len() > 1 { line.verdict.name() } else { "" };
            lines.push(format!("         {lead:<8} {}", line.line).trim_end().to_owned());
            lines.extend(numbers(line).into_iter().map(|text| format!("                  {text}")));
        }
    }
    let count = |verdict: Verdict| judged.iter().filter(|claim| claim.verdict == verdict).count();
    let counts = [Verdict::Holds, Verdict::Refuted, Verdict::Open]
        .map(|verdict| (count(verdict), verdict.name()));
    let counts = counts.iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{n} {name}"));
    lines.push(counts.collect::<Vec<_>>().join(", "));
    lines.join("\n") + "\n"
}

fn numbers(line: &JudgedLine) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let interval = |name: &str, found: Option<[f64; 2]>| {
        found.map_or(String::new(), |[low, high]| format!(", {name} [{low:.4}, {high:.4}]"))
    };
    let wins = line.wins.map_or(String::new(), |wins| format!(" · wins {wins}/{}", line.n));
    let floor = line.p_floor.map_or(String::new(), |p| format!(", smallest {p:.4}"));
    let family = line.p_family.map_or(String::new(), |p| format!(", family {p:.4}"));
    let mut lines = vec![
        format!(
            "left {}, right {}, diff {}{}{}",
            number(line.left),
            number(line.right),
            number(line.difference),
            interval("interval", line.interval),
            interval("new images too", line.interval_new_images),
        ),
        format!("n = {}{wins} · p {}{floor}{family}", line.n, number(line.p)),
    ];
    lines.extend(line.notes.iter().cloned());
    lines
}
