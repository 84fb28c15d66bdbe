//! The text of one line and the place of the cursor in it.

use core::ops::Range;

use super::complete::Candidates;

/// A line in storage of fixed size. It holds whole characters only, and the cursor stands between two of them.
#[derive(Debug)]
pub(super) struct Line<B> {
    bytes: B,
    len: usize,
    cursor: usize,
}

/// What the candidates for a word have in common, after the part already typed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Common {
    /// How many candidates begin with the word.
    pub(super) count: usize,
    /// How many bytes more they share; they wait in the room behind the line.
    len: usize,
    /// They share more than there is room for.
    pub(super) too_long: bool,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Line<B> {
    pub(super) const fn new(bytes: B) -> Self {
        Self { bytes, len: 0, cursor: 0 }
    }

    pub(super) fn text(&self) -> &str {
        self.slice(0..self.len)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where the cursor stands, in bytes.
    pub(super) fn cursor(&self) -> usize {
        self.cursor
    }

    pub(super) fn head(&self) -> &str {
        self.slice(0..self.cursor)
    }

    /// What follows the cursor.
    pub(super) fn tail(&self) -> &str {
        self.slice(self.cursor..self.len)
    }

    fn slice(&self, range: Range<usize>) -> &str {
        let bytes = self.bytes.as_ref().get(range).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
        self.cursor = 0;
    }

    /// Replaces the line, with the cursor at its end; or refuses, and nothing changes.
    #[must_use]
    pub(super) fn set(&mut self, text: &str) -> bool {
        let Some(place) = self.bytes.as_mut().get_mut(..text.len()) else { return false };
        place.copy_from_slice(text.as_bytes());
        self.len = text.len();
        self.cursor = text.len();
        true
    }

    /// Inserts `c` at the cursor; or refuses, for lack of room.
    #[must_use]
    pub(super) fn insert(&mut self, c: char) -> bool {
        let mut encoded = [0; 4];
        let encoded = c.encode_utf8(&mut encoded).as_bytes();
        let Some(place) = self.bytes.as_mut().get_mut(self.cursor..self.len + encoded.len()) else {
            return false;
        };
        place.rotate_right(encoded.len());
        for (to, from) in place.iter_mut().zip(encoded) {
            *to = *from;
        }
        self.len += encoded.len();
        self.cursor += encoded.len();
        true
    }

    /// Removes the text from `start` to the cursor, or from the cursor to `start`.
    pub(super) fn remove_to(&mut self, start: usize) {
        let (from, to) = (start.min(self.cursor), start.max(self.cursor).min(self.len));
        if let Some(rest) = self.bytes.as_mut().get_mut(from..self.len) {
            rest.rotate_left(to - from);
            self.len -= to - from;
            self.cursor = from;
        }
    }

    /// Exchanges the characters on either side of the cursor, or at the end of the line the last two.
    ///
    /// Answers where the change begins.
    pub(super) fn transpose(&mut self) -> Option<usize> {
        // At the end, the last two; elsewhere, the one before and the one after, and the cursor moves on.
        let end = if self.cursor == self.len { self.cursor } else { self.right() };
        let middle = self.before(end);
        let start = self.before(middle);
        if start == middle {
            return None;
        }
        self.bytes.as_mut().get_mut(start..end)?.rotate_left(middle - start);
        self.cursor = end;
        Some(start)
    }

    pub(super) fn move_to(&mut self, place: usize) {
        self.cursor = place.min(self.len);
    }

    pub(super) fn end(&self) -> usize {
        self.len
    }

    /// Where the character before the cursor begins.
    pub(super) fn left(&self) -> usize {
        self.before(self.cursor)
    }

    /// Where the character after the cursor ends.
    pub(super) fn right(&self) -> usize {
        self.cursor + self.tail().chars().next().map_or(0, char::len_utf8)
    }

    fn before(&self, place: usize) -> usize {
        place - self.slice(0..place).chars().next_back().map_or(0, char::len_utf8)
    }

    /// Where the word before the cursor begins, white space between them skipped.
    pub(super) fn word_left(&self) -> usize {
        word_start(self.head().trim_end())
    }

    /// Where the word after the cursor ends, white space between them skipped.
    pub(super) fn word_right(&self) -> usize {
        let word = self.tail().trim_start();
        let after = word.find(char::is_whitespace).map_or("", |end| word.get(end..).unwrap_or_default());
        self.len - after.len()
    }

    /// Where the word that touches the cursor from the left begins.
    pub(super) fn word(&self) -> usize {
        word_start(self.head())
    }

    /// Learns what the candidates that begin with the word before the cursor have in common, and keeps it in
    /// the room behind the line.
    pub(super) fn common(&mut self, candidates: &Candidates<'_>) -> Common {
        let mut common = Common { count: 0, len: 0, too_long: false };
        let (word, cursor) = (self.word(), self.cursor);
        let Some((text, room)) = self.bytes.as_mut().split_at_mut_checked(self.len) else { return common };
        let word = text.get(word..cursor).unwrap_or_default();
        candidates(&mut |candidate| {
            let Some(more) = completes(candidate, word) else { return };
            if common.count == 0 {
                common.len = boundary(more, room.len());
                common.too_long = common.len < more.len();
                for (to, from) in room.iter_mut().zip(more.bytes().take(common.len)) {
                    *to = from;
                }
            } else {
                let shared =
                    room.iter().take(common.len).zip(more.bytes()).take_while(|(a, b)| **a == *b).count();
                if shared < common.len {
                    common.len = boundary(more, shared);
                    common.too_long = false;
                }
            }
            common.count += 1;
        });
        common
    }

    /// Inserts at the cursor what [`Line::common`] found.
    pub(super) fn accept(&mut self, common: Common) {
        if let Some(place) = self.bytes.as_mut().get_mut(self.cursor..self.len + common.len) {
            place.rotate_right(common.len);
            self.len += common.len;
            self.cursor += common.len;
        }
    }
}

impl Common {
    /// Nothing can be added.
    pub(super) fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// What `candidate` adds to `word`. A candidate that holds control characters is none: it would be typed.
pub(super) fn completes<'c>(candidate: &'c str, word: &[u8]) -> Option<&'c str> {
    let more = candidate.strip_prefix(core::str::from_utf8(word).ok()?)?;
    (!candidate.contains(char::is_control)).then_some(more)
}

fn word_start(text: &str) -> usize {
    text.char_indices().rev().find(|(_, c)| c.is_whitespace()).map_or(0, |(at, c)| at + c.len_utf8())
}

/// The last place at or before `place` that stands between two characters of `text`.
fn boundary(text: &str, place: usize) -> usize {
    (0..=place.min(text.len())).rev().find(|place| text.is_char_boundary(*place)).unwrap_or(0)
}
