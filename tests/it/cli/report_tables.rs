//! Tables in the file of a report: the numbers of its figures, of the files beside it, and of `summary.json`.

use serde_json::Value;
use specc::chart::short;

use super::{Sandbox, TINY};

/// Significant digits of numbers in a page.
const DIGITS: usize = 6;

/// Two losses of two seeds.
const SWEEP: &str = "\
data digits(subset=48, test_subset=24)
net tiny { flatten  linear(classes) }
train sgd(lr=0.05) { batch = 8  epochs = 2 }
sweep study { loss in [single: single_scale, two: two_scale(delta=0.01, size=weights)]  seeds in 0..2 }
claim \"two is no worse\" { test.accuracy of two - test.accuracy of single >= -0.5 }
";

/// A row of cells.
type Row = Vec<String>;

/// The rows of the first table in a piece of a page, headings first.
fn rows(html: &str) -> Vec<Row> {
    let (_, table) = html.split_once("<table>").unwrap();
    let (table, _) = table.split_once("</table>").unwrap();
    let cell = |cell: &str| {
        let text = cell.rsplit('>').next().unwrap();
        let marks =
            [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
        marks.iter().fold(text.to_owned(), |text, (mark, c)| text.replace(mark, c))
    };
    let row = |row: &str| {
        let (row, _) = row.split_once("</tr>").unwrap();
        let row = row.replace("</th>", "</td>");
        let cells: Vec<&str> = row.split("</td>").collect();
        cells[..cells.len() - 1].iter().map(|text| cell(text)).collect()
    };
    table.split("<tr>").skip(1).map(row).collect()
}

/// What a page shows for a cell of its file.
fn shown(cell: &str) -> [String; 2] {
    let number = cell.parse().map_or_else(|_| cell.to_owned(), |number| short(number, DIGITS));
    [number, cell.to_owned()]
}

/// The text of a link to data.
fn decoded(link: &str) -> String {
    let (_, text) = link.split_once(',').unwrap();
    let mut bytes = vec![];
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let (byte, behind) = match first {
            b'%' => {
                let digits = std::str::from_utf8(&behind[..2]).unwrap();
                (u8::from_str_radix(digits, 16).unwrap(), &behind[2..])
            }
            byte => (*byte, behind),
        };
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8(bytes).unwrap()
}

/// Compares every file of numbers in a page with that of `--figures`, and every table with the file of its numbers; says how
/// many tables of figures and of others were compared.
fn compared(page: &str, sandbox: &Sandbox) -> (usize, usize) {
    let (mut figures, mut others) = (0, 0);
    let pieces: Vec<&str> = page.split(" download=\"").collect();
    for pair in pieces.windows(2) {
        let (before, link) = (pair[0], pair[1]);
        let (name, link) = link.split_once("\" href=\"").unwrap();
        let text = decoded(&link.split_once('"').unwrap().0.replace("&amp;", "&"));
        assert_eq!(text, sandbox.text(&format!("figures/{name}")), "{name}");
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let wanted = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
        let wanted: Vec<Row> = wanted.collect();
        // The table of a figure stands behind its link, another one before it.
        let is_figure = before.rfind("<figure") > before.rfind("</figure>");
        let found =
            if is_figure { rows(link) } else { rows(&before[before.rfind("<table>").unwrap()..]) };
        if !is_figure && found[0] != wanted[0] {
            // Readers see another table, such as intervals in brackets.
            continue;
        }
        assert_eq!(found.len(), wanted.len(), "{name}");
        assert_eq!(found[0], wanted[0], "{name}");
        for (found, wanted) in found[1..].iter().zip(&wanted[1..]) {
            for (found, wanted) in found.iter().zip(wanted) {
                let is_gap = wanted.is_empty() && (found.is_empty() || found == "–");
                assert!(is_gap || shown(wanted).contains(found), "{name}: {found} for {wanted}");
            }
        }
        *(if is_figure { &mut figures } else { &mut others }) += 1;
    }
    (figures, others)
}

#[test]
fn tables_of_a_run_are_those_of_its_figures_and_of_its_summary() {
    let sandbox = Sandbox::with(TINY);
    sandbox.specc(&["train", "spec.net", "-o", "r", "-q"]).exits(0);
    sandbox.specc(&["report", "r", "-o", "page.html", "--figures", "figures"]).exits(0);
    let page = sandbox.text("page.html");
    let (figures, others) = compared(&page, &sandbox);
    assert!(figures >= 10 && others >= 4, "{figures} and {others} tables");
    let summary = sandbox.json("r/summary.json");
    let table = |caption: &str| {
        let caption = format!("<table><caption>{caption}</caption>");
        rows(&page[page.find(&caption).unwrap_or_else(|| panic!("{caption}"))..])
    };
    let is_shown = |rows: &[Row], name: &str, of: &dyn Fn(&Value) -> Value| {
        let row = rows.iter().find(|row| row[0] == name).unwrap_or_else(|| panic!("{name}"));
        for (column, split) in [(1, "train"), (2, "test")] {
            let wanted = of(&summary[split]).as_f64().unwrap_or_else(|| panic!("{split} {name}"));
            assert_eq!(row[column], short(wanted, DIGITS), "{split} {name}");
        }
    };
    let keys = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let (measures, test) = (table("Measures"), &summary["test"]);
    for (name, key) in [("samples", "n"), ("loss", "loss"), ("accuracy", "accuracy")] {
        is_shown(&measures, name, &|split| split[key].clone());
    }
    for k in keys(&test["top_k"]) {
        is_shown(&measures, &format!("top-{k}"), &|split| split["top_k"][&k].clone());
    }
    for a in keys(&test["close_enough"]) {
        let name = format!("close enough, a = {a}");
        is_shown(&measures, &name, &|split| split["close_enough"][&a].clone());
    }
    let margins = table("Margins");
    for (name, key) in [("margin", "margin"), ("m / R", "normalized_margin")] {
        is_shown(&margins, &format!("{name}, mean"), &|split| split[key]["mean"].clone());
        for level in keys(&test[key]["quantiles"]) {
            let row = format!("{name}, quantile {level}");
            is_shown(&margins, &row, &|split| split[key]["quantiles"][&level].clone());
        }
    }
    let masses = table("Masses of the normalised margin");
    for (i, mass) in test["masses"].as_array().unwrap().iter().enumerate() {
        for state in ["well", "marginal", "poor"] {
            let row = format!("{state}, μ = {}", mass["mu"].as_f64().unwrap());
            is_shown(&masses, &row, &|split| split["masses"][i][state].clone());
        }
    }
}

#[test]
fn tables_of_groups_are_those_of_their_figures() {
    let sandbox = Sandbox::with(SWEEP);
    sandbox.specc(&["sweep", "spec.net", "-o", "s", "--jobs", "1", "-q"]).exits(0);
    let groups: [&[&str]; 2] = [&["s"], &["s:single", "s:two", "--match-scale", "--samples"]];
    for paths in groups {
        sandbox.shell("rm -rf figures").exits(0);
        let all = [&["report"], paths, &["-o", "page.html", "--figures", "figures"]].concat();
        sandbox.specc(&all).exits(0);
        let (figures, others) = compared(&sandbox.text("page.html"), &sandbox);
        assert!(figures >= 10 && others >= 2, "{paths:?}: {figures} and {others} tables");
    }
}
