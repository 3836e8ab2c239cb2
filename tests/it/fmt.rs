//! `specc fmt` on files, folders and stdin.
#![expect(clippy::disallowed_methods, reason = "the command works on files")]

use std::fs;
use std::path::PathBuf;

use specc::cli::fmt::{FmtArgs, run};
use specc::diag::RenderStyle;

fn fmt(files: &[PathBuf], check: bool, input: &[u8]) -> (u8, String, String) {
    let (mut out, mut err) = (vec![], vec![]);
    let args = FmtArgs { files: files.to_vec(), check };
    let style = RenderStyle { color: false, width: 80 };
    let exit_code = run(&args, style, &mut &*input, &mut out, &mut err).unwrap();
    (exit_code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn files_are_checked_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (good, odd, bad) = (
        folder.path().join("good.net"),
        folder.path().join("odd.net"),
        folder.path().join("bad.net"),
    );
    fs::write(&good, "data mnist\n").unwrap();
    fs::write(&odd, "data   mnist // c\r\n").unwrap();
    fs::write(&bad, "data (\n").unwrap();
    let both = [good, odd.clone()];
    assert_eq!(fmt(&both, true, b""), (1, format!("{}\n", odd.display()), String::new()));
    assert_eq!(fmt(&both, false, b""), (0, String::new(), String::new()));
    assert_eq!(fs::read_to_string(&odd).unwrap(), "data mnist // c\n");
    assert_eq!(fmt(&both, true, b"").0, 0);
    let (exit_code, _, err) = fmt(std::slice::from_ref(&bad), false, b"");
    assert_eq!(exit_code, 3);
    assert!(err.contains("error[E01"), "{err}");
    assert_eq!(fs::read_to_string(&bad).unwrap(), "data (\n");
    assert_eq!(fmt(&[folder.path().join("none.net"), bad], true, b"").0, 2);
    assert_eq!(fmt(&[folder.path().to_owned()], true, b"").0, 2);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn stdin_goes_to_stdout() {
    let dash = [PathBuf::from("-")];
    assert_eq!(fmt(&dash, false, b"data  mnist"), (0, "data mnist\n".into(), String::new()));
    assert_eq!(fmt(&dash, true, b"data  mnist"), (1, "<stdin>\n".into(), String::new()));
    assert_eq!(fmt(&dash, false, b"data \xff").0, 3);
    assert_eq!(fmt(&dash, false, &vec![b' '; 11 << 20]).0, 3);
}

#[test]
fn a_sign_of_two_characters_stays_one() {
    let dash = [PathBuf::from("-")];
    let claim = "claim \"c\" {\n  test.accuracy of a == test.accuracy of b +- 0.01\n}\n";
    assert_eq!(fmt(&dash, false, claim.as_bytes()), (0, claim.to_owned(), String::new()));
    let tight = claim.replace(" +- ", "+-");
    assert_eq!(fmt(&dash, false, tight.as_bytes()).1, claim);
    let sum = "let a = 1 +- 2\n";
    assert_eq!(fmt(&dash, false, b"let a = 1+-2\n").1, sum);
}
