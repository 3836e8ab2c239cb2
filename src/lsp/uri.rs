//! Paths and the addresses that the protocol has for them.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use lsp_types::Uri;

/// The path of a `file:` address; `None` for buffers that are no file.
pub(super) fn path(uri: &Uri) -> Option<PathBuf> {
    let text = uri.as_str();
    let rest = text.strip_prefix("file://")?;
    let rest = &rest[rest.find('/')?..];
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let mut bytes = vec![];
    let mut all = rest.bytes();
    while let Some(byte) = all.next() {
        let mut digit = || char::from(all.next()?).to_digit(16);
        bytes.push(if byte == b'%' { (digit()? * 16 + digit()?) as u8 } else { byte });
    }
    Some(normal(Path::new(&String::from_utf8(bytes).ok()?)))
}

/// The address of a path from the root.
pub(super) fn uri(path: &Path) -> Option<Uri> {
    let mut text = "file://".to_owned();
    for byte in path.to_str()?.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    Uri::from_str(&text).ok()
}

/// The path without `.` and `..`, as far as its text says.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_addresses_are_the_same_things() {
        for text in ["/a/b.net", "/with blank/λ%.net", "/c:/x+y.net"] {
            let address = uri(Path::new(text)).unwrap();
            assert_eq!(path(&address).as_deref(), Some(Path::new(text)), "{}", address.as_str());
        }
        for text in ["untitled:Untitled-1", "file:///%zz", "file:///%ff", "file:x"] {
            let address = Uri::from_str(text);
            assert_eq!(address.ok().and_then(|address| path(&address)), None, "{text}");
        }
    }
}
