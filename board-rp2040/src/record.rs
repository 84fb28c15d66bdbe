//! What a run that panics leaves behind for the next one: where, why and when.
//!
//! The record stays in RAM across a reset, but after power-on RAM holds anything. So it is kept as words of which every
//! value can be read, with a magic number and a checksum that random words do not have:
//!
//! ```text
//!   0 magic │ 1 checksum of all that follows │ 2, 3 time in us │ 4 length │ 5... text
//! ```

use core::fmt::{self, Write};

use kernel::inline::Text;

/// Bytes of text at most; the rest of a longer one is cut.
pub const TEXT: usize = 240;

/// Words of a record.
pub const WORDS: usize = HEADER + TEXT / 4;

const HEADER: usize = 5;
const MAGIC: u32 = u32::from_le_bytes(*b"mnOS");

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// When, in microseconds since boot.
    pub at_us: u64,
    /// What the panic said.
    pub text: Text<TEXT>,
}

impl Record {
    /// The words to keep.
    pub fn to_words(&self) -> [u32; WORDS] {
        let mut words = [0; WORDS];
        let text = self.text.as_str().as_bytes();
        let (header, body) = words.split_at_mut(HEADER);
        header.copy_from_slice(&[MAGIC, 0, self.at_us as u32, (self.at_us >> 32) as u32, text.len() as u32]);
        for (word, bytes) in body.iter_mut().zip(text.chunks(4)) {
            let mut whole = [0; 4];
            whole[..bytes.len()].copy_from_slice(bytes);
            *word = u32::from_le_bytes(whole);
        }
        words[1] = checksum(&words[2..]);
        words
    }

    /// As [`from_words`](Self::from_words), of words whose first was overwritten to mark them as read.
    pub fn from_taken(mut words: [u32; WORDS]) -> Option<Record> {
        words[0] = MAGIC;
        Self::from_words(&words)
    }

    /// The record that was kept as these words; `None` if it was none, or is damaged.
    pub fn from_words(words: &[u32; WORDS]) -> Option<Record> {
        let [MAGIC, sum, low, high, len, body @ ..] = words else { return None };
        if *sum != checksum(&words[2..]) {
            return None;
        }
        let mut bytes = [0; TEXT];
        for (place, word) in bytes.chunks_mut(4).zip(body) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        let text = core::str::from_utf8(bytes.get(..*len as usize)?).ok()?;
        Some(Record { at_us: u64::from(*high) << 32 | u64::from(*low), text: Text::cut(text) })
    }
}

/// The CRC-32 of the words, bit by bit: it is needed once a run.
fn checksum(words: &[u32]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    let step = |crc: u32, _| crc >> 1 ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
    !words.iter().fold(!0, |crc, word| (0..u32::BITS).fold(crc ^ word, step))
}

/// What a panic says, in one line.
pub fn describe(message: impl fmt::Display, at: Option<(&str, u32)>) -> Text<TEXT> {
    let mut text = Text::new();
    // What does not fit is cut.
    let _ = match at {
        Some((file, line)) => write!(text, "{message} ({file}:{line})"),
        None => write!(text, "{message}"),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::{HEADER, Record, TEXT, WORDS, checksum, describe};

    fn record() -> Record {
        Record { at_us: 0x1_2345_6789, text: describe("index out of bounds", Some(("kernel/src/x.rs", 17))) }
    }

    #[test]
    fn a_record_comes_back_as_it_was_left() {
        let records = [record(), Record { text: describe("é".repeat(TEXT), None), ..record() }];
        for record in records {
            assert_eq!(Record::from_words(&record.to_words()), Some(record));
        }
        assert_eq!(record().text, "index out of bounds (kernel/src/x.rs:17)");
    }

    #[test]
    fn a_record_that_was_read_can_be_read_again_but_is_none_to_the_next_run() {
        let mut words = record().to_words();
        words[0] = 0;
        assert_eq!(Record::from_words(&words), None);
        assert_eq!(Record::from_taken(words), Some(record()));
    }

    #[test]
    fn a_record_with_any_bit_flipped_is_refused() {
        let words = record().to_words();
        for word in 0..WORDS {
            for bit in 0..32 {
                let mut damaged = words;
                damaged[word] ^= 1 << bit;
                assert_eq!(Record::from_words(&damaged), None, "word {word}, bit {bit}");
            }
        }
    }

    #[test]
    fn whatever_ram_holds_after_power_on_is_no_record() {
        for word in [0, !0, 0x5555_5555, 0xdead_beef] {
            assert_eq!(Record::from_words(&[word; WORDS]), None);
        }
        let mut state = 1_u32;
        for _ in 0..1_000 {
            let words = core::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state
            });
            assert_eq!(Record::from_words(&words), None);
        }
    }

    #[test]
    fn a_text_that_lies_about_itself_is_refused_in_spite_of_its_checksum() {
        let with = |change: fn(&mut [u32; WORDS])| {
            let mut words = record().to_words();
            change(&mut words);
            words[1] = checksum(&words[2..]);
            Record::from_words(&words)
        };
        assert_eq!(with(|words| words[4] = TEXT as u32 + 1), None, "longer than there is room");
        assert_eq!(with(|words| words[HEADER] = 0xffff_ffff), None, "no text");
    }
}
