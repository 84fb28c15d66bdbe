//! The lines entered before.

/// Past lines in a buffer of fixed size, oldest first, each followed by a newline.
///
/// The oldest are dropped to make room. They are moved rather than wrapped round, so that every line is one
/// piece: a move of some hundred bytes for each line a person enters costs nothing.
#[derive(Debug)]
pub struct History<B> {
    bytes: B,
    used: usize,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> History<B> {
    pub(super) const fn new(bytes: B) -> Self {
        Self { bytes, used: 0 }
    }

    /// The lines, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let bytes = self.bytes.as_ref().get(..self.used).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default().rsplit_terminator('\n')
    }

    /// Remembers `line`, unless it is blank, the same as the newest, or longer than the whole buffer.
    pub(super) fn push(&mut self, line: &str) {
        let needed = line.len() + 1;
        if line.trim().is_empty() || needed > self.bytes.as_ref().len() || self.iter().next() == Some(line) {
            return;
        }
        self.make_room(needed);
        let Some(place) = self.bytes.as_mut().get_mut(self.used..self.used + needed) else { return };
        for (to, from) in place.iter_mut().zip(line.bytes().chain([b'\n'])) {
            *to = from;
        }
        self.used += needed;
    }

    /// Drops the oldest lines until `needed` bytes are free.
    fn make_room(&mut self, needed: usize) {
        let bytes = self.bytes.as_mut();
        let excess = (self.used + needed).saturating_sub(bytes.len());
        if excess == 0 {
            return;
        }
        let kept = bytes.get(..self.used).unwrap_or_default();
        let mut ends = kept.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let dropped = ends.find(|end| *end >= excess).unwrap_or(self.used);
        bytes.copy_within(dropped..self.used, 0);
        self.used -= dropped;
    }
}
