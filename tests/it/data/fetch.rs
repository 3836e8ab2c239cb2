//! Fetching against servers that break, lie and refuse.

use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use specc::data::fetch::{
    Content, FetchEvent, FetchProgress, Package, Patience, RemoteFile, fetch, fetch_set,
};
use specc::data::{DataError, Locations, NamedSet, counts, load, verify};

use super::server::{Reply, Request, Server};
use super::{at, named, read, told, write};

/// Three tries and no waiting.
fn patience() -> Patience {
    Patience { tries: 3, progress: 1000, silence: Duration::from_secs(20), wait: |_| {} }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// 5,000 bytes that no part of repeats.
fn content() -> Vec<u8> {
    (0..5000_u32).map(|i| (i * i % 251) as u8).collect()
}

fn package(name: &str, bytes: &[u8], urls: Vec<String>) -> Package {
    let file = RemoteFile {
        name: name.to_owned(),
        bytes: bytes.len() as u64,
        sha256: sha256(bytes),
        urls,
    };
    Package { folder: "set".to_owned(), files: vec![file], content: Content::Files }
}

#[derive(Default)]
struct Log(Vec<String>);

impl FetchProgress for Log {
    fn event(&mut self, event: FetchEvent<'_>) {
        match event {
            FetchEvent::Served { url, .. } => self.0.push(format!("served {url}")),
            FetchEvent::MirrorFailed(attempt) => self.0.push(format!("failed {}", attempt.url)),
            FetchEvent::Started { .. }
            | FetchEvent::Position(_)
            | FetchEvent::Retry { .. }
            | FetchEvent::Unpacking(_)
            | FetchEvent::MovedAside { .. } => {}
        }
    }
}

struct Run {
    dir: tempfile::TempDir,
    result: Result<PathBuf, DataError>,
    log: Vec<String>,
}

impl Run {
    fn file(&self) -> PathBuf {
        self.dir.path().join("set/f.bin")
    }

    fn part(&self) -> PathBuf {
        self.dir.path().join("set/f.bin.part")
    }

    /// The error as told; nothing bears the final name.
    fn failed(&self) -> String {
        assert!(!self.file().exists());
        told(self.result.as_ref().unwrap_err())
    }

    fn succeeded(&self) {
        self.result.as_ref().unwrap();
        assert_eq!(read(&self.file()), content());
        assert!(!self.part().exists());
    }
}

/// Fetches `f.bin` from these mirrors; `part` is what an earlier fetch left.
fn run(servers: &[&Server], part: Option<&[u8]>) -> Run {
    let dir = tempfile::tempdir().unwrap();
    if let Some(part) = part {
        write(&dir.path().join("set/f.bin.part"), part);
    }
    let urls = servers.iter().map(|server| server.url("f.bin")).collect();
    let mut log = Log::default();
    let result = fetch(&package("f.bin", &content(), urls), dir.path(), patience(), &mut log);
    Run { dir, result, log: log.0 }
}

#[test]
fn a_good_mirror_serves() {
    let server = Server::start(|_, request| Reply::range(request, &content(), usize::MAX));
    let run = run(&[&server], None);
    run.succeeded();
    assert!(run.log.contains(&format!("served {}", server.url("f.bin"))), "{:?}", run.log);
}

#[test]
fn a_broken_connection_is_continued_where_it_broke() {
    // Ten breaks are more than three tries, but each brings 500 bytes and every second one counts as progress.
    let server = Server::start(|_, request| Reply::range(request, &content(), 500));
    let run = run(&[&server], None);
    run.succeeded();
    let from: Vec<_> = server.requests().iter().filter_map(|request| request.from).collect();
    assert_eq!(from, (1..10).map(|i| i * 500).collect::<Vec<_>>());
}

#[test]
fn the_next_call_continues_what_is_there() {
    let server = Server::start(|_, request| Reply::range(request, &content(), usize::MAX));
    run(&[&server], Some(&content()[..1234])).succeeded();
    assert_eq!(server.requests(), [Request { path: "f.bin".into(), from: Some(1234) }]);
    // A part file that is complete needs no request.
    let idle = Server::start(|_, _| Reply::status("500 Oops"));
    run(&[&idle], Some(&content())).succeeded();
    assert!(idle.requests().is_empty());
}

#[test]
fn wrong_bytes_of_an_earlier_fetch_cost_a_fresh_start() {
    let server = Server::start(|_, request| Reply::range(request, &content(), usize::MAX));
    run(&[&server], Some(&[7; 100])).succeeded();
    run(&[&server], Some(&[7; 5000])).succeeded();
    run(&[&server], Some(&[7; 9000])).succeeded();
}

#[test]
fn a_server_that_ignores_ranges_sends_everything() {
    let server = Server::start(|_, _| Reply::whole(&content(), usize::MAX));
    run(&[&server], Some(&content()[..1234])).succeeded();
}

#[test]
fn a_server_that_starts_over_each_time_is_given_up() {
    let server = Server::start(|_, _| Reply::whole(&content(), 4000));
    let text = run(&[&server], None).failed();
    assert!(text.contains("E0614") && text.contains("tries: 3"), "{text}");
    assert!(server.requests().len() <= 5, "{}", server.requests().len());
}

#[test]
fn a_wrong_range_is_not_believed() {
    let server = Server::start(|number, request| {
        if number == 0 {
            let shifted = Request { from: Some(10), ..request.clone() };
            return Reply::range(&shifted, &content(), usize::MAX);
        }
        Reply::range(request, &content(), usize::MAX)
    });
    run(&[&server], Some(&content()[..1234])).succeeded();
}

#[test]
fn lies_about_the_length_lead_to_the_next_mirror() {
    let body = content();
    let announce = |length: usize, body: Vec<u8>| Reply {
        head: format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n"),
        body,
    };
    let good = Server::start(|_, request| Reply::range(request, &content(), usize::MAX));
    let long = Server::start({
        let body = body.clone();
        move |_, _| announce(6000, body.clone())
    });
    let short = Server::start({
        let body = body.clone();
        move |_, _| announce(4000, body.clone())
    });
    // No length at all, and more bytes than published.
    let endless = Server::start(move |_, _| Reply {
        head: "HTTP/1.1 200 OK\r\n".to_owned(),
        body: [body.clone(), vec![0; 100_000]].concat(),
    });
    for liar in [&long, &short, &endless] {
        run(&[liar, &good], None).succeeded();
        let text = run(&[liar], None).failed();
        assert!(text.contains("E0615") && text.contains("expected 5000"), "{text}");
    }
    let text = run(&[&long], None).failed();
    assert!(text.contains("6000 bytes, expected 5000"), "{text}");
}

#[test]
fn wrong_bytes_lead_to_the_next_mirror() {
    let wrong = Server::start(|_, request| Reply::range(request, &[9; 5000], usize::MAX));
    let good = Server::start(|_, request| Reply::range(request, &content(), usize::MAX));
    let both = run(&[&wrong, &good], None);
    both.succeeded();
    assert!(both.log.contains(&format!("failed {}", wrong.url("f.bin"))), "{:?}", both.log);
    let alone = run(&[&wrong], None);
    let text = alone.failed();
    assert!(text.contains("E0615") && text.contains(&sha256(&[9; 5000])), "{text}");
    assert!(!alone.part().exists(), "wrong bytes are not kept");
}

#[test]
fn one_mirror_finishes_what_another_began() {
    let lazy = Server::start(|number, request| match number {
        0 => Reply::range(request, &content(), 2000),
        _ => Reply::status("503 Busy"),
    });
    let good = Server::start(|_, request| Reply::range(request, &content(), usize::MAX));
    run(&[&lazy, &good], None).succeeded();
    assert_eq!(good.requests()[0].from, Some(2000));
}

#[test]
fn refusals_are_told() {
    let missing = Server::start(|_, _| Reply::status("404 Not Found"));
    let broken = Server::start(|_, _| Reply::status("500 Oops"));
    let text = run(&[&missing, &broken], None).failed();
    assert!(text.contains("E0614") && text.contains("status 404"), "{text}");
    assert!(text.contains("status 500 (tries: 3)"), "{text}");
    assert_eq!((missing.requests().len(), broken.requests().len()), (1, 3));
    let good = Server::start(|_, request| Reply::range(request, &content(), usize::MAX));
    run(&[&missing, &broken, &good], None).succeeded();
}

#[test]
fn redirections_are_followed_and_bounded() {
    let good = Server::start(|_, request| Reply::range(request, &content(), usize::MAX));
    let target = good.url("f.bin");
    let moved = Server::start(move |_, _| Reply {
        head: format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n"),
        body: vec![],
    });
    run(&[&moved], Some(&content()[..100])).succeeded();
    let circle = Server::start(|_, _| Reply {
        head: "HTTP/1.1 302 Found\r\nLocation: /f.bin\r\nContent-Length: 0\r\n".to_owned(),
        body: vec![],
    });
    assert!(run(&[&circle], None).failed().contains("E0614"));
}

#[test]
fn nobody_there() {
    let dir = tempfile::tempdir().unwrap();
    let urls = vec!["http://127.0.0.1:1/f.bin".to_owned()];
    let error =
        fetch(&package("f.bin", &content(), urls), dir.path(), patience(), &mut ()).unwrap_err();
    assert!(told(&error).contains("E0614"), "{}", told(&error));
}

#[test]
fn a_refusing_disk_is_told_and_leaves_nothing() {
    let server = Server::start(|_, request| Reply::range(request, &content(), usize::MAX));
    let package = package("f.bin", &content(), vec![server.url("f.bin")]);
    let dir = tempfile::tempdir().unwrap();
    // A file where the folder should be.
    write(&dir.path().join("set"), b"in the way");
    let error = fetch(&package, dir.path(), patience(), &mut ()).unwrap_err();
    assert!(told(&error).contains("E0618"), "{}", told(&error));
    // A disk that is always full.
    #[cfg(target_os = "linux")]
    {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("set")).unwrap();
        let part = dir.path().join("set/f.bin.part");
        std::os::unix::fs::symlink("/dev/full", &part).unwrap();
        let error = fetch(&package, dir.path(), patience(), &mut ()).unwrap_err();
        let text = told(&error);
        assert!(text.contains("E0618") && text.contains("No space left"), "{text}");
        assert!(std::fs::symlink_metadata(&part).is_err(), "the part file is gone");
    }
}

#[test]
fn files_that_are_there_are_kept_and_others_moved_aside() {
    let server = Server::start(|_, request| Reply::range(request, &content(), usize::MAX));
    let package = package("f.bin", &content(), vec![server.url("f.bin")]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("set/f.bin");
    write(&file, b"mine");
    fetch(&package, dir.path(), patience(), &mut ()).unwrap();
    assert_eq!(read(&dir.path().join("set/f.bin.old")), b"mine");
    assert_eq!(read(&file), content());
    fetch(&package, dir.path(), patience(), &mut ()).unwrap();
    assert_eq!(server.requests().len(), 1, "the second time nothing is fetched");
}

fn tar_gz(build: impl FnOnce(&mut tar::Builder<GzEncoder<Vec<u8>>>)) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(vec![], Compression::fast()));
    build(&mut tar);
    tar.into_inner().unwrap().finish().unwrap()
}

fn add(tar: &mut tar::Builder<GzEncoder<Vec<u8>>>, path: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_ustar();
    // Written directly, since the library refuses paths that escape.
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    tar.append(&header, bytes).unwrap();
}

/// A tiny CIFAR-100 archive.
fn cifar_archive(tar: &mut tar::Builder<GzEncoder<Vec<u8>>>) {
    let record = [&[4, 0][..], &[1; 3072]].concat();
    add(tar, "cifar-100-binary/train.bin", &[&record[..], &record].concat());
    add(tar, "cifar-100-binary/test.bin", &record);
    add(tar, "cifar-100-binary/fine_label_names.txt", b"apple\n");
    add(tar, "cifar-100-binary/coarse_label_names.txt", b"fruit\n");
}

fn fetch_archive(archive: Vec<u8>, folder: &Path) -> Result<PathBuf, DataError> {
    let bytes = archive.clone();
    let server = Server::start(move |_, request| Reply::range(request, &archive, 700));
    let mut package = Package::published(NamedSet::Cifar100).unwrap();
    package.files[0].bytes = bytes.len() as u64;
    package.files[0].sha256 = sha256(&bytes);
    package.files[0].urls = vec![server.url("cifar-100-binary.tar.gz")];
    let patience = Patience { progress: 1, ..patience() };
    fetch(&package, folder, patience, &mut ())
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn an_archive_becomes_a_set() {
    let dir = tempfile::tempdir().unwrap();
    let archive = tar_gz(|tar| {
        cifar_archive(tar);
        add(tar, "cifar-100-binary/notes.txt", b"left out");
    });
    fetch_archive(archive.clone(), dir.path()).unwrap();
    assert_eq!(entries(dir.path()), ["cifar-100-binary"]);
    let here = at(dir.path());
    assert_eq!(counts(NamedSet::Cifar100, &here).unwrap(), (2, 1));
    assert_eq!(load(&named(NamedSet::Cifar100), &here).unwrap().train.labels(), [0, 0]);
    let verified = verify(NamedSet::Cifar100, &here).unwrap();
    assert_eq!(verified.hashed, ["train.bin", "test.bin"]);

    // A change that leaves the structure sound is seen by `verify`, and does not disturb training.
    let file = dir.path().join("cifar-100-binary/test.bin");
    let mut bytes = read(&file);
    bytes[100] ^= 1;
    write(&file, &bytes);
    let text = told(&verify(NamedSet::Cifar100, &here).unwrap_err());
    assert!(text.contains("E0619"), "{text}");
    assert!(load(&named(NamedSet::Cifar100), &here).is_ok());

    fetch_archive(archive, dir.path()).unwrap();
    assert_eq!(entries(dir.path()), ["cifar-100-binary", "cifar-100-binary.old"]);
    assert!(verify(NamedSet::Cifar100, &here).is_ok());
}

#[test]
fn archives_that_do_not_belong() {
    type Build = fn(&mut tar::Builder<GzEncoder<Vec<u8>>>);
    let cases: [(Build, &str); 6] = [
        (|tar| add(tar, "../evil", b"x"), "`../evil`"),
        (|tar| add(tar, "/evil", b"x"), "`/evil`"),
        (|tar| add(tar, "cifar-100-binary/../../evil", b"x"), "evil"),
        (
            |tar| add(tar, "cifar-100-binary/fine_label_names.txt", &vec![b'a'; 70_000]),
            "70000 bytes",
        ),
        (
            |tar| {
                let mut header = tar::Header::new_gnu();
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                tar.append_link(&mut header, "cifar-100-binary/train.bin", "/etc/passwd").unwrap();
            },
            "train.bin",
        ),
        (|tar| add(tar, "cifar-100-binary/train.bin", &[0; 3074]), "is missing"),
    ];
    for (build, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        let text = told(&fetch_archive(tar_gz(build), dir.path()).unwrap_err());
        assert!(text.contains("E0617") && text.contains(expected), "{expected} not in\n{text}");
        assert!(entries(dir.path()).is_empty(), "{:?}", entries(dir.path()));
    }
    let dir = tempfile::tempdir().unwrap();
    let mut cut = tar_gz(cifar_archive);
    cut.truncate(cut.len() / 2);
    let text = told(&fetch_archive(cut, dir.path()).unwrap_err());
    assert!(text.contains("E0617"), "{text}");
    assert!(entries(dir.path()).is_empty());
}

#[test]
fn offline_refuses_with_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let error =
        fetch_set(NamedSet::Cifar10, &at(dir.path()), true, patience(), &mut ()).unwrap_err();
    let help = specc::diag::ToDiagnostic::to_diagnostic(&error).help.join("");
    assert!(help.contains("specc data fetch cifar10"), "{help}");
    assert!(told(&error).starts_with("E0616"));
    let nowhere = Locations::default();
    let error = fetch_set(NamedSet::Cifar10, &nowhere, false, patience(), &mut ()).unwrap_err();
    assert!(told(&error).starts_with("E0616"));
}
