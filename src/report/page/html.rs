//! A page as one HTML file that asks nobody for anything.

use super::block::{Block, Claim, Fact, Page, SampleCard, Section, Tone, Weight};
use super::code::code;
use super::encode::{base64, escaped};
use super::figure;
use super::script::SCRIPT;
use super::style::style;
use crate::chart::marked;

/// The whole file.
pub fn html(page: &Page) -> String {
    let sections: Vec<&Section> =
        page.sections.iter().filter(|section| !section.blocks.is_empty()).collect();
    let (title, kind, lead) = (escaped(&page.title), escaped(&page.kind), escaped(&page.lead));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"generator\" content=\"specc\">\n<title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">To the contents</a>\n\
         <header>\n<p class=\"kind\">{kind}</p>\n<h1>{title}</h1>\n<p class=\"lead-text\">{lead}</p>\n\
         <button type=\"button\" id=\"theme\" hidden>Dark</button>\n</header>\n\
         <nav aria-label=\"Sections\"><ul>\n",
        style()
    );
    for section in &sections {
        let name = escaped(&section.title);
        out.extend(["<li><a href=\"#", section.id, "\">", &name, "</a></li>\n"]);
    }
    out.push_str("</ul></nav>\n<main id=\"main\">\n");
    for section in sections {
        let (id, name) = (section.id, escaped(&section.title));
        out.extend([
            "<section id=\"",
            id,
            "\" aria-labelledby=\"",
            id,
            "-title\">\n<h2 id=\"",
            id,
            "-title\">",
            &name,
            "</h2>\n",
        ]);
        if !section.finding.is_empty() {
            out.extend(["<p class=\"finding\">", &marked(&section.finding), "</p>\n"]);
        }
        blocks(&section.blocks, &mut out);
        out.push_str("</section>\n");
    }
    out.extend(["</main>\n<script>\n", SCRIPT, "</script>\n</body>\n</html>\n"]);
    out
}

/// Small figures and tables that follow each other share rows.
fn blocks(all: &[Block], out: &mut String) {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others stand alone")]
    let kind = |block: &Block| match block {
        Block::Figure(figure) if figure.weight == Weight::Small => Some("grid"),
        Block::Table(_) => Some("tables"),
        _ => None,
    };
    for run in all.chunk_by(|a, b| kind(a).is_some() && kind(a) == kind(b)) {
        let class = run.first().and_then(kind);
        let class = class.filter(|class| *class == "grid" || run.len() > 1);
        if let Some(class) = class {
            out.extend(["<div class=\"", class, "\">\n"]);
        }
        run.iter().for_each(|one| block(one, out));
        out.push_str(if class.is_some() { "</div>\n" } else { "" });
    }
}

fn block(block: &Block, out: &mut String) {
    match block {
        Block::Figure(one) => out.push_str(&figure::figure(one)),
        Block::Table(one) => out.push_str(&figure::table(one)),
        Block::Picture(one) => out.push_str(&figure::picture(one)),
        Block::Note(tone, text) => {
            let (class, word) = match tone {
                Tone::Plain => ("note", ""),
                Tone::Warning => ("note warning", "<strong>Note</strong> "),
            };
            out.extend(["<p class=\"", class, "\">", word, &marked(text), "</p>\n"]);
        }
        Block::Facts(facts) => {
            out.push_str("<dl class=\"facts\">\n");
            facts.iter().for_each(|one| fact(one, out));
            out.push_str("</dl>\n");
        }
        Block::List(pairs) => {
            out.push_str("<dl class=\"list\">\n");
            for (name, value) in pairs {
                out.extend(["<dt>", &escaped(name), "</dt><dd>", &escaped(value), "</dd>\n"]);
            }
            out.push_str("</dl>\n");
        }
        Block::Claims(claims) => {
            out.push_str("<ul class=\"claims\">\n");
            claims.iter().for_each(|one| claim(one, out));
            out.push_str("</ul>\n");
        }
        Block::Spec(text) => out.push_str(&code(text)),
        Block::Words(text) => {
            out.extend(["<pre class=\"words\" tabindex=\"0\">", &escaped(text), "</pre>\n"]);
        }
        Block::Heading(text) => out.extend(["<h3 class=\"part\">", &escaped(text), "</h3>\n"]),
        Block::Samples(cards) => {
            out.push_str("<ul class=\"samples\">\n");
            cards.iter().for_each(|one| card(one, out));
            out.push_str("</ul>\n");
        }
        Block::More(summary, inside) => {
            out.extend(["<details class=\"more\"><summary>", &escaped(summary), "</summary>\n"]);
            blocks(inside, out);
            out.push_str("</details>\n");
        }
    }
}

fn fact(fact: &Fact, out: &mut String) {
    let (name, value, about) = (escaped(&fact.name), escaped(&fact.value), escaped(&fact.about));
    out.extend(["<div><dt>", &name, "</dt><dd>", &value]);
    if !about.is_empty() {
        out.extend(["<small>", &about, "</small>"]);
    }
    out.push_str("</dd></div>\n");
}

fn claim(claim: &Claim, out: &mut String) {
    let verdict = escaped(&claim.verdict);
    out.extend([
        "<li><span class=\"verdict ",
        &verdict,
        "\">",
        &verdict,
        "</span><div><p>",
        &escaped(&claim.claim),
        "</p>\n",
    ]);
    for line in &claim.lines {
        out.extend(["<p class=\"claim-line\">", &escaped(line), "</p>\n"]);
    }
    out.push_str("</div></li>\n");
}

fn card(card: &SampleCard, out: &mut String) {
    out.push_str("<li>");
    if let Some(png) = &card.png {
        out.extend([
            "<img alt=\"Sample: ",
            &escaped(&card.title),
            "\" src=\"data:image/png;base64,",
            &base64(png),
            "\">",
        ]);
    }
    out.extend(["<p>", &escaped(&card.title), "</p>"]);
    for line in &card.lines {
        out.extend(["<p class=\"muted\">", &escaped(line), "</p>"]);
    }
    out.push_str("</li>\n");
}
