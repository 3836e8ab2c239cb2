//! The verdict on every spec of the repository, and the error of every code.

use std::path::Path;

use specc::check::{Mode, Options};
use specc::compile::Compiled;
use specc::data::Locations;
use specc::report::check::text;
use specc::report::picture::{dot, picture, svg};

use crate::pipeline::{compile, compile_at, no_imports, rendered};

fn check(text: &str) -> Compiled {
    compile(Path::new("spec.net"), text, &[])
}

#[test]
fn specs() {
    insta::glob!("../../../specs", "*.net", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let compiled = check(&text);
        let checked = compiled.checked.as_ref().unwrap();
        let report = text::report(checked, &compiled.sources, text::WIDEST);
        for width in [66, text::WIDEST] {
            let report = text::report(checked, &compiled.sources, width);
            assert!(report.lines().all(|line| line.chars().count() <= width), "{report}");
        }
        insta::assert_snapshot!(format!("{report}\n{}", rendered(&compiled)));
        assert!(dot(&picture(checked, false)).starts_with("digraph"));
        assert!(svg(&picture(checked, false)).starts_with("<svg"));
    });
}

#[test]
fn a_residual_net_of_many_blocks_is_drawn() {
    // A layout that follows every path would look at 2^100 of them.
    let text = "data digits\n\
        block residual { out in + (in -> linear(64) -> relu) }\n\
        net deep { flatten  repeat 100 { residual }  linear(classes) }\n\
        loss cross_entropy\n\
        train sgd(lr=0.1) { epochs = 1 }\n";
    let drawn = svg(&picture(&check(text).checked.unwrap(), true));
    assert!(drawn.starts_with("<svg") && drawn.contains("linear100"), "{drawn}");
}

#[test]
fn running_statistics() {
    let text = include_str!("../../../specs/wrn16_4_cifar10.net");
    let (path, locations) = (Path::new("spec.net"), Locations::default());
    let options = Options::from(Mode::Eval);
    let compiled = compile_at(path, text, &mut no_imports, &[], &locations, options);
    let checked = compiled.checked.as_ref().unwrap();
    insta::assert_snapshot!(text::verdict(checked, &compiled.sources, text::WIDEST));
}

#[test]
fn pictures() {
    let text = "data digits\nblock part() { out (in -> linear(6) -> relu) + in }\n\
                net n(allow=[nonhomogeneous]) { flatten -> linear(6) -> part -> tanh -> linear(classes) }\n\
                loss cross_entropy\ntrain sgd(lr=0.1) { epochs = 1 }\n";
    insta::assert_snapshot!(dot(&picture(&check(text).checked.unwrap(), false)));
}

#[test]
fn wrong_examples_raise_their_codes() {
    use specc::diag::Code;
    let pages =
        [Code::E0401, Code::E0402, Code::E0403, Code::E0404, Code::W0401, Code::W0402, Code::W0403];
    for code in pages {
        let page = code.explanation();
        let start = page.find("```net").unwrap() + "```net\n".len();
        let example = &page[start..start + page[start..].find("```").unwrap()];
        let compiled = check(example);
        let messages = rendered(&compiled);
        assert!(compiled.diagnostics.iter().any(|d| d.code == code), "{code}: {messages}");
        insta::assert_snapshot!(code.id(), messages);
    }
}
