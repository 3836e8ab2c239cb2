//! Reports about labels.

use super::{arrays, check, own};

#[test]
fn labels_from_one_are_told_with_the_setting_that_mends_them() {
    let table = "1,1\n2,2\n3,1\n4,2\n";
    let held = ", test=last(0.5)";
    check(&own(held, table)).exits(0).says(&["warning[W0601]", "`label_base=1`"]);
    check(&arrays(held, &[1, 2, 1, 2])).exits(0).says(&["warning[W0601]", "`label_base=1`"]);
    for sandbox in [
        own(&format!("{held}, label_base=1"), table),
        arrays(&format!("{held}, label_base=1"), &[1, 2, 1, 2]),
    ] {
        let done = check(&sandbox).exits(0);
        assert!(!done.err.contains("W06"), "{}", done.err);
    }
}

#[test]
fn the_largest_label_as_the_number_of_classes_names_the_setting() {
    let done = check(&own(", classes=3", "1,1\n2,2\n3,3\n4,1\n")).exits(6);
    done.says(&["error[E0608]", "own.csv:3, field 2", "`label_base=1`"]);
    let done = check(&arrays(", classes=3", &[1, 2, 3, 1])).exits(6);
    done.says(&["error[E0604]", "3 at byte", "(sample 2)", "`label_base=1`"]);
}

#[test]
fn a_label_of_zero_where_labels_count_from_one_names_the_sample() {
    let done = check(&own(", label_base=1", "1,1\n2,2\n3,0\n4,2\n")).exits(6);
    done.says(&["error[E0608]", "own.csv:3, field 2", "leave it out if labels count from 0"]);
    let done = check(&arrays(", label_base=1", &[1, 2, 0, 2])).exits(6);
    done.says(&["error[E0604]", "(sample 2)", "leave out `label_base=1`"]);
}

#[test]
fn gaps_between_labels_are_classes_without_samples() {
    let done = check(&own(", test=last(0.5)", "1,3\n2,5\n3,3\n4,5\n")).exits(0);
    done.says(&["warning[W0602]", "4 of 6 classes in neither part: 0, 1, 2, 4", "without gaps"]);
}

#[test]
fn marks_for_samples_without_a_label_are_no_class() {
    let done = check(&arrays("", &[0, -1, 1, 0])).exits(6);
    done.says(&["error[E0604]", "(sample 1)", "drop the samples without a label"]);
    let done = check(&own("", "1,0\n2,1\n3,-100\n4,1\n")).exits(6);
    done.says(&["error[E0608]", "own.csv:3, field 2", "a whole number from 0"]);
    let done = check(&arrays(", test=last(0.5)", &[0, 255, 0, 1])).exits(0);
    done.says(&["warning[W0602]", "253 of 256 classes in neither part"]);
}

#[test]
fn labels_with_a_decimal_point_are_no_classes() {
    for label in ["0.0", "1.5", "1e0"] {
        let done = check(&own("", format!("1,0\n2,{label}\n3,1\n"))).exits(6);
        done.says(&["error[E0608]", "own.csv:2, field 2", "a whole number from 0, or a name"]);
    }
}

#[test]
fn a_missing_label_is_no_class_of_its_own() {
    for (label, says) in [("NaN", "a whole number from 0, or a name"), ("", "a label")] {
        let done = check(&own("", format!("a,y\n1,no\n2,yes\n3,{label}\n4,yes\n"))).exits(6);
        done.says(&["error[E0608]", "own.csv:4, field 2", says]);
    }
}

#[test]
fn the_last_part_of_a_sorted_table_misses_classes_and_the_warning_says_how_not() {
    let sorted = "1,0\n2,0\n3,0\n4,0\n5,0\n6,0\n7,1\n8,1\n";
    let done = check(&own(", test=last(0.25)", sorted)).exits(0);
    done.says(&["warning[W0602]", "in the training part", "`test=random(0.25)`"]);
    let drawn = check(&own(", test=random(0.25)", sorted)).exits(0);
    assert!(!drawn.err.contains("W0602"), "{}", drawn.err);
}

#[test]
fn labels_of_a_single_class_are_told_as_such() {
    for (table, label) in
        [("1,0\n2,0\n3,0\n4,0\n", "`0`"), ("1,ham\n2,ham\n3,ham\n4,ham\n", "`ham`")]
    {
        let done = check(&own("", table)).exits(3);
        done.says(&["error[E0612]: the labels are of a single class", "every label is", label]);
    }
    let done = check(&arrays(", label_base=1", &[1, 1, 1, 1])).exits(3);
    done.says(&["error[E0612]", "every label is `1`", "state `classes`"]);
    let stated = check(&own(", classes=2, test=last(0.5)", "1,0\n2,0\n3,0\n4,0\n")).exits(0);
    stated.says(&["warning[W0602]"]);
}
