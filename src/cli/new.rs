//! `specc new`: a first spec from a template, written beside nothing that exists.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use crate::diag::nearest;
use crate::store;
use crate::templates::{TEMPLATES, Template};

/// Write a spec to start from.
#[derive(Args, Clone, Debug)]
pub struct NewArgs {
    /// The template; see `--list`.
    #[arg(default_value = "quickstart")]
    pub template: String,

    /// The file to write; `-` writes to stdout. Default: the name of the template in this folder.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// List the templates with their purpose.
    #[arg(long)]
    pub list: bool,
}

/// Writes the template and returns the exit code: 0, or 2 for an unknown template or a file that cannot be written or exists.
///
/// # Errors
/// `out` or `err` cannot be written to.
pub fn run(args: &NewArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    if args.list {
        for template in TEMPLATES {
            writeln!(out, "{:<24}{}", template.name, template.purpose())?;
        }
        return Ok(0);
    }
    let Some(Template { name, text }) = Template::named(&args.template) else {
        writeln!(err, "error: there is no template `{}`", args.template)?;
        match nearest(&args.template, TEMPLATES.iter().map(|template| template.name)) {
            Some(name) => writeln!(err, "  = help: did you mean `{name}`?")?,
            None => writeln!(err, "  = help: `specc new --list` lists the templates")?,
        }
        return Ok(2);
    };
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.net")));
    if path.as_os_str() == "-" {
        out.write_all(text.as_bytes())?;
        return Ok(0);
    }
    if let Err(error) = store::create(&path, text) {
        writeln!(err, "error: cannot write `{}`: {error}", path.display())?;
        if error.kind() == io::ErrorKind::AlreadyExists {
            writeln!(err, "  = help: give another file by `-o FILE`")?;
        }
        return Ok(2);
    }
    writeln!(out, "wrote {}; next: specc train {}", path.display(), path.display())?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(template: &str, output: Option<PathBuf>) -> (u8, String, String) {
        let (mut out, mut err) = (vec![], vec![]);
        let args = NewArgs { template: template.into(), output, list: false };
        let code = run(&args, &mut out, &mut err).unwrap();
        (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn a_template_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.net");
        assert_eq!(new("quickstart", Some(path.clone())).0, 0);
        assert!(path.metadata().unwrap().len() > 100);
        let (code, _, err) = new("quickstart", Some(path));
        assert_eq!(code, 2);
        assert!(err.contains("-o FILE"), "{err}");
    }

    #[test]
    fn a_misspelt_template_gets_a_suggestion() {
        let (code, _, err) = new("quickstrat", None);
        assert_eq!(code, 2);
        assert!(err.contains("did you mean `quickstart`?"), "{err}");
        assert!(new("mlp_mnist", Some("-".into())).1.contains("data mnist"));
    }
}
