//! Reports about data files.

use super::{check, own, trained};
use crate::cli::Sandbox;

/// A table of numbers, three fields a row.
const NUMBERS: &str = "1,2,0\n3,4,1\n5,6,0\n7,8,1\n";

#[test]
fn a_mark_of_byte_order_is_no_part_of_the_first_name() {
    for name in ["y", "\"y\""] {
        let table = format!("\u{feff}{name},a\n0,1\n1,2\n0,3\n1,4\n");
        check(&own(", label=\"y\", test=last(0.5)", table)).exits(0);
    }
    check(&own(", label=\"z\"", "\u{feff}y,a\n0,1\n1,2\n")).exits(6).says(&["`y`, `a`"]);
}

#[test]
fn line_ends_of_two_bytes_and_blank_lines_change_nothing() {
    let saved = NUMBERS.replace('\n', "\r\n\r\n");
    assert_eq!(trained(&own("", saved)), trained(&own("", NUMBERS)));
}

#[test]
fn lines_of_blanks_are_no_rows() {
    let blanks = NUMBERS.replace("3,4", "   \n\t \n3,4");
    assert_eq!(trained(&own("", blanks)), trained(&own("", NUMBERS)));
    let tabs = NUMBERS.replace(',', "\t").replace("3\t4", "\t\t\n3\t4");
    assert_eq!(trained(&own(", delimiter=\"\\t\"", tabs)), trained(&own("", NUMBERS)));
    // A row of delimiters is one whose values are missing.
    check(&own("", NUMBERS.replace("3,4", ",,\n3,4"))).exits(6).says(&["own.csv:2, field 1"]);
}

#[test]
fn quotes_hold_delimiters_and_surround_numbers() {
    let named = "a,b,kind\n\"1\",2,\"fish, dried\"\n3,\"4\",salt\n5,6,\"fish, dried\"\n7,8,salt\n";
    assert_eq!(trained(&own("", named)), trained(&own("", NUMBERS)));
}

#[test]
fn a_quote_that_is_not_closed_swallows_no_rows() {
    for closed_later in ["", "\""] {
        let table = format!("a,y\n1,x\n2,z\n3,\"x\n4,z\n5,x{closed_later}\n6,z\n");
        let done = check(&own("", table)).exits(6);
        done.says(&["error[E0608]: a double quote is not closed", "own.csv:4, field 2"]);
    }
    check(&own("", "\"a,y\n1,x\n2,z\n")).exits(6).says(&["own.csv:1, field 1"]);
}

#[test]
fn a_missing_value_is_named_and_not_taken_for_a_number() {
    for missing in ["", "NA", "NaN", "?"] {
        let table = NUMBERS.replace("3,4", &format!("3,{missing}"));
        let done = check(&own("", table)).exits(6);
        done.says(&["error[E0608]", "own.csv:2, field 2", &format!("`{missing}`")]);
    }
}

#[test]
fn two_columns_of_the_name_of_the_label_are_refused() {
    let table = "y,a,y\n0,1,1\n1,2,0\n0,3,1\n1,4,0\n";
    let done = check(&own(", label=\"y\"", table)).exits(6);
    done.says(&["error[E0608]", "`y` in fields 1 and 3", "rename"]);
    // Features may share a name: they are told apart by their place.
    check(&own(", label=\"y\", test=last(0.5)", "a,a,y\n0,1,1\n1,2,0\n0,3,1\n1,4,0\n")).exits(0);
}

#[test]
fn test_columns_in_another_order_are_refused() {
    let with = |test: &str| {
        let sandbox = own(", label=\"y\", test=\"t.csv\"", "a,b,y\n1,2,0\n3,4,1\n");
        sandbox.write("t.csv", test.as_bytes());
        check(&sandbox)
    };
    let done = with("b,a,y\n2,1,0\n4,3,1\n").exits(6);
    done.says(&[
        "error[E0611]",
        "feature 1 is `a` in training and `b` in test",
        "own.csv",
        "t.csv",
        "into the order of the training table",
    ]);
    with("a,c,y\n1,2,0\n3,4,1\n").exits(6).says(&["feature 2 is `b` in training and `c` in test"]);
    // The label may stand elsewhere, and a table without a header has no names to compare.
    with("y,a,b\n0,1,2\n1,3,4\n").exits(0);
    let unnamed = own(", test=\"t.csv\"", "a,b,y\n1,2,0\n3,4,1\n");
    unnamed.write("t.csv", b"1,2,0\n3,4,1\n");
    check(&unnamed).exits(0);
}

#[test]
fn a_table_in_another_encoding_is_named_with_its_line() {
    for table in [&b"a,y\n1,caf\xe9\n2,tea\n"[..], b"a,y\n1,\xff\n"] {
        let done = check(&own("", table)).exits(6);
        done.says(&["error[E0608]", "own.csv:2", "save the table as CSV in UTF-8"]);
    }
    let wide: Vec<u8> = "\u{feff}a,y\n1,0\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(&own("", wide)).exits(6).says(&["error[E0608]", "own.csv:1", "UTF-8"]);
}

#[test]
fn a_line_of_comment_is_told_as_no_row() {
    for (table, line) in [
        ("# made by hand\na,b,y\n1,2,0\n3,4,1\n", 1),
        ("a,b,y\n1,2,0\n# part two: by; another | hand\n3,4,1\n", 3),
    ] {
        let done = check(&own("", table)).exits(6);
        done.says(&["error[E0608]", &format!("own.csv:{line}, field 1"), "no comments"]);
    }
    // Names of columns behind a `#` are a header.
    check(&own(", test=last(0.5)", "# a,b,y\n1,2,0\n3,4,1\n5,6,0\n7,8,1\n")).exits(0);
}

#[test]
fn a_packed_table_is_told_to_be_packed() {
    for start in [&b"\x1f\x8b\x08\x00\x01\x02\x03"[..], b"PK\x03\x04\x14\x00sheet1.xml"] {
        let done = check(&own("", start)).exits(6);
        done.says(&["error[E0603]", "own.csv", "unpack the file, or save the sheet as CSV"]);
    }
}

#[test]
fn whole_numbers_that_single_precision_makes_one_are_told() {
    let table = |first: u64| {
        let row = |i: u64| {
            format!(
                "{},{}
",
                first + i,
                i % 2
            )
        };
        (0..4).map(row).collect::<String>()
    };
    let told = check(&own(", test=last(0.5)", table(1 << 24))).exits(0);
    told.says(&["warning[W0607]", "1 of 1 features", "0 (16777216 and 16777217)"]);
    let exact = check(&own(", test=last(0.5)", table((1 << 24) - 4))).exits(0);
    assert!(!exact.err.contains("W0607"), "{}", exact.err);
    let sandbox =
        Sandbox::with(&format!("data npy(\"x.npy\", \"y.npy\", test=last(0.5))\n{}", super::REST));
    let times: Vec<u8> =
        [1e9_f64, 1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    sandbox.write("x.npy", &crate::data::npy("<f8", "(4, 1)", &times));
    sandbox.write("y.npy", &crate::data::npy("|u1", "(4,)", &[0, 1, 0, 1]));
    check(&sandbox).exits(0).says(&["warning[W0607]", "(1000000000 and 1000000001)"]);
}
