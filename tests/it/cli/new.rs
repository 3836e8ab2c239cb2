//! `specc new`.

use super::Sandbox;

#[test]
fn a_template_is_written_once() {
    let sandbox = Sandbox::with("");
    let written = sandbox.specc(&["new", "quickstart", "-o", "my.net"]).exits(0);
    assert_eq!(written.out, "wrote my.net; next: specc train my.net\n");
    let text = sandbox.text("my.net");
    assert!(text.len() > 100);
    let again = sandbox.specc(&["new", "quickstart", "-o", "my.net"]).exits(2);
    again.says(&["error: cannot write `my.net`", "give another file by `-o FILE`"]);
    assert_eq!(sandbox.specc(&["new", "-o", "-"]).exits(0).out, text);
    sandbox.specc(&["check", "my.net"]).exits(0);
}

#[test]
fn a_misspelt_template_gets_a_suggestion() {
    let sandbox = Sandbox::with("");
    sandbox.specc(&["new", "quickstrat"]).exits(2).says(&["did you mean `quickstart`?"]);
    sandbox.specc(&["new", "zzzzzzzz"]).exits(2).says(&["`specc new --list` lists the templates"]);
    let list = sandbox.specc(&["new", "--list"]).exits(0).out;
    assert!(list.lines().any(|line| line.starts_with("mlp_mnist ")), "{list}");
}
