//! Runs the program, and looks at what comes out.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::fd::AsFd,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::Timespec,
};

/// After this long a run hangs. Nothing waits for it while all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim-host"));
    command.args(arguments);
    command
}

/// Runs the program with some input to its end.
pub(crate) fn run(arguments: &[&str], input: &[u8]) -> Ended {
    let mut child = command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    // A program that has ended does not read; that is no failure of the test.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let stdout = read_all(child.stdout.take().expect("piped"));
    let stderr = read_all(child.stderr.take().expect("piped"));
    let status = wait(child);
    writer.join().expect("the writer ends");
    let text = |reader: thread::JoinHandle<String>| reader.join().expect("the reader ends");
    Ended { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

fn read_all(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pty ends with an error once its other side is closed.
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for the program's end.
pub(crate) fn wait(mut child: Child) -> ExitStatus {
    let id = child.id();
    let (ended, has_ended) = mpsc::channel();
    let waiter = thread::spawn(move || {
        let status = child.wait().expect("the program can be waited for");
        let _ = ended.send(());
        status
    });
    if has_ended.recv_timeout(PATIENCE).is_err() {
        let _ = Command::new("kill").arg("-KILL").arg(id.to_string()).status();
        panic!("the program does not end");
    }
    waiter.join().expect("the waiter ends")
}

/// Starts the program, and waits for the line on stderr that says where its serial port is.
pub(crate) fn start(arguments: &[&str]) -> (Child, String) {
    let mut child = command(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    stderr.read_line(&mut line).expect("the program says where its port is");
    thread::spawn(move || {
        let mut rest = String::new();
        let _ = stderr.read_to_string(&mut rest);
    });
    let place = line.trim().rsplit(' ').next().unwrap_or_default().to_owned();
    assert!(!place.is_empty(), "no place in {line:?}");
    (child, place)
}

/// Reads until some text has come.
pub(crate) fn read_until(stream: &mut (impl Read + AsFd), wanted: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    let mut seen = Vec::new();
    let mut byte = [0; 256];
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        if text.contains(wanted) {
            return text;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).expect("a minute is no long time");
        let ready =
            poll(&mut [PollFd::new(stream, PollFlags::IN)], Some(&left)).expect("it can be waited for");
        assert_ne!(ready, 0, "{wanted:?} does not come in {PATIENCE:?}; so far:\n{text}");
        match stream.read(&mut byte) {
            Ok(len @ 1..) => seen.extend(&byte[..len]),
            end => panic!("{wanted:?} does not come ({end:?}); so far:\n{text}"),
        }
    }
}

/// A file for one test.
pub(crate) fn file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("the file can be written");
    path
}
