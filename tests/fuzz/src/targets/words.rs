//! A console line, cut into words.

use kernel::services::console::words::Words;

use crate::show;

/// Every word lies in the line, behind the one before, and what follows the words is the rest of the line.
pub fn run(bytes: &[u8]) {
    let line = String::from_utf8_lossy(bytes);
    let mut words = Words::new(&line);
    let mut count = 0;
    let mut left = words.rest().len();
    assert!(line.ends_with(words.rest()));
    while let Some(word) = words.next() {
        match word {
            Ok(word) => assert!(line.contains(word)),
            Err(error) => show(error),
        }
        count += 1;
        assert!(count <= line.len() + 1, "more words than bytes");
        assert!(line.ends_with(words.rest()) && words.rest().len() <= left);
        left = words.rest().len();
    }
    assert!(words.next().is_none(), "words go on after their end");
}
