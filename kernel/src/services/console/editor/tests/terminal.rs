//! A terminal that knows what the editor writes, and fails on anything else.

use std::fmt;

pub(super) struct Terminal {
    pub(super) columns: usize,
    /// The rows above the one that the cursor is in.
    pub(super) above: Vec<String>,
    row: Vec<char>,
    pub(super) column: usize,
    pub(super) bells: usize,
    /// Bytes written so far.
    pub(super) received: usize,
    /// An escape sequence begun.
    sequence: Option<String>,
}

impl Terminal {
    pub(super) fn new(columns: usize) -> Self {
        Self { columns, above: vec![], row: vec![], column: 0, bells: 0, received: 0, sequence: None }
    }

    pub(super) fn row(&self) -> String {
        self.row.iter().collect()
    }

    pub(super) fn last_row(&self) -> &str {
        self.above.last().map_or("", String::as_str)
    }

    fn put(&mut self, c: char) {
        assert!(!c.is_control(), "{c:?} is not for a terminal");
        assert!(self.column < self.columns - 1, "the last column is never written");
        if self.row.len() <= self.column {
            self.row.resize(self.column + 1, ' ');
        }
        self.row[self.column] = c;
        self.column += 1;
    }

    fn control(&mut self, sequence: &str) {
        let count = |digits: &str| digits.parse::<usize>().unwrap();
        match sequence {
            "[K" => self.row.truncate(self.column),
            "[H" => self.column = 0,
            "[2J" => {
                self.above.clear();
                self.row.clear();
            }
            _ => match (sequence.strip_prefix('[').unwrap().split_at(sequence.len() - 2), self.column) {
                ((right, "C"), column) => self.column = column + count(right),
                ((left, "D"), column) => self.column = column.checked_sub(count(left)).unwrap(),
                _ => panic!("unknown sequence {sequence:?}"),
            },
        }
        assert!(self.column < self.columns);
    }
}

impl fmt::Write for Terminal {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.received += text.len();
        for c in text.chars() {
            if let Some(mut sequence) = self.sequence.take() {
                sequence.push(c);
                if c.is_ascii_alphabetic() {
                    self.control(&sequence)
                } else {
                    self.sequence = Some(sequence)
                }
                continue;
            }
            match c {
                '\r' => self.column = 0,
                '\n' => {
                    self.above.push(self.row());
                    self.row.clear();
                }
                '\x07' => self.bells += 1,
                '\x08' => self.column = self.column.checked_sub(1).unwrap(),
                '\x1b' => self.sequence = Some(String::new()),
                c => self.put(c),
            }
        }
        Ok(())
    }
}
