//! The pages of the codes, and the command that prints them.

use specc::cli::explain::{ExplainArgs, run};
use specc::diag::Code;

/// The texts of all ```` ```net ```` fences of a Markdown text.
pub(crate) fn net_fences(markdown: &str) -> Vec<&str> {
    let bodies = markdown.split("```net\n").skip(1);
    bodies.map(|rest| rest.split("```").next().unwrap_or(rest)).collect()
}

#[test]
fn every_page_says_something() {
    for code in Code::ALL {
        let page = code.explanation();
        assert!(page.lines().count() > 3, "the page of {code} is a placeholder");
        assert!(!page.starts_with('#'), "the page of {code} repeats its heading");
        assert!(page.contains("```"), "the page of {code} has no example");
    }
}

fn explain(code: Option<&str>, list: bool) -> (u8, String, String) {
    let (mut out, mut err) = (vec![], vec![]);
    let args = ExplainArgs { code: code.map(str::to_owned), list };
    let exit_code = run(&args, &mut out, &mut err).unwrap();
    (exit_code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn the_command_prints_pages_and_the_list() {
    let (exit_code, out, _) = explain(Some("e0103"), false);
    assert_eq!(exit_code, 0);
    assert!(out.starts_with("# E0103"));
    let (exit_code, out, _) = explain(None, true);
    assert_eq!((exit_code, out.lines().count()), (0, Code::ALL.len()));
    let (exit_code, out, err) = explain(Some("E0193"), false);
    assert_eq!((exit_code, out.as_str()), (2, ""));
    assert!(
        err.contains("`E0193` is not a known code") && err.contains("the nearest code is `E01")
    );
}
