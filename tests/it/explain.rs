//! The pages of the codes, and the command that prints them.

use specc::diag::Code;

#[cfg(feature = "exec")]
use crate::cli::Sandbox;

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

#[test]
#[cfg(feature = "exec")]
fn the_command_prints_pages_and_the_list() {
    let sandbox = Sandbox::with("");
    let page = sandbox.specc(&["explain", "e0103"]).exits(0);
    assert!(page.out.starts_with("# E0103"), "{}", page.out);
    let list = sandbox.specc(&["explain", "--list"]).exits(0);
    assert_eq!(list.out.lines().count(), Code::ALL.len());
    let unknown = sandbox.specc(&["explain", "E0193"]).exits(2);
    let unknown = unknown.says(&["`E0193` is not a known code", "the nearest code is `E01"]);
    assert_eq!(unknown.out, "");
}
