//! Keys out of bytes: UTF-8, control characters and the escape sequences of terminals.
//!
//! ```text
//!            ESC          [                     letter or ~
//!   Text ─────────▶ Escape ─────▶ Control ───────────────────▶ Text
//!                     │ O                       letter
//!                     ├────────▶ Shifted ────────────────────▶ Text
//!                     │ ] P X ^ _               BEL, ESC \
//!                     ├────────▶ Message ────────────────────▶ Text
//!                     │ space to /              0 to ~
//!                     └────────▶ Designation ────────────────▶ Text
//! ```
//!
//! # Laws
//!
//! * A sequence that means nothing here is swallowed whole.
//! * A control character ends any sequence and is itself obeyed: Enter and Ctrl-C always work.
//! * There is no clock, so a lone Escape key waits for the next byte and swallows it.
//! * Bytes that are not UTF-8 yield no character; the fault is told with the byte that reveals it.
//! * CR, LF, CR LF are one Enter each.

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    Enter,
    Tab,
    Interrupt,
    /// Ctrl-D: delete forward, or the end of input on an empty line.
    DeleteOrEnd,
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    Older,
    Newer,
    Backspace,
    Delete,
    KillHead,
    KillTail,
    KillWord,
    Transpose,
    ClearScreen,
}

/// What one byte brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    /// This byte shows that it, or what came just before it, is not UTF-8.
    pub(super) broken: bool,
    /// The key that this byte completes.
    pub(super) key: Option<Key>,
}

/// The decoder, between two bytes.
#[derive(Debug)]
pub(super) struct Decoder {
    state: State,
    /// The bytes of an unfinished character, and how many it needs. Only in `State::Text`.
    partial: [u8; 4],
    length: usize,
    needed: usize,
    /// The byte before was a CR that was taken for Enter.
    after_return: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    /// After ESC.
    Escape,
    /// After ESC and an intermediate byte: a choice of character set and the like.
    Designation,
    /// After ESC [.
    Control(Parameters),
    /// After ESC [ [: a function key of the Linux console, one byte follows.
    Function,
    /// After ESC O.
    Shifted(Parameters),
    /// After ESC ]: an answer of the terminal, up to its terminator.
    Message,
}

/// The first two numbers of a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Parameters {
    numbers: [u8; 2],
    index: u8,
    /// Nothing has come since the introducer.
    started: bool,
    /// A private or intermediate byte was seen: the sequence is no key's.
    foreign: bool,
}

impl Parameters {
    fn take(mut self, byte: u8) -> Self {
        self.started = true;
        match byte {
            b'0'..=b'9' => {
                if let Some(number) = self.numbers.get_mut(usize::from(self.index)) {
                    *number = number.saturating_mul(10).saturating_add(byte - b'0');
                }
            }
            b';' => self.index = self.index.saturating_add(1),
            _ => self.foreign = true,
        }
        self
    }

    /// The key of a sequence that ends in `last`.
    fn key(self, last: u8) -> Option<Key> {
        let [number, modifier] = self.numbers;
        if self.foreign {
            return None;
        }
        Some(match (last, number) {
            (b'A', _) => Key::Older,
            (b'B', _) => Key::Newer,
            (b'C', _) if modifier > 1 => Key::WordRight,
            (b'D', _) if modifier > 1 => Key::WordLeft,
            (b'C', _) => Key::Right,
            (b'D', _) => Key::Left,
            (b'H', _) | (b'~', 1 | 7) => Key::Home,
            (b'F', _) | (b'~', 4 | 8) => Key::End,
            (b'~', 3) => Key::Delete,
            _ => return None,
        })
    }
}

impl Decoder {
    pub(super) const fn new() -> Self {
        Self { state: State::Text, partial: [0; 4], length: 0, needed: 0, after_return: false }
    }

    pub(super) fn feed(&mut self, byte: u8) -> Decoded {
        let after_return = core::mem::take(&mut self.after_return);
        let continues = (0x80..0xc0).contains(&byte);
        let mut broken = false;
        if self.needed > 0 && !continues {
            self.needed = 0;
            broken = true;
        }
        let key = match (self.state, byte) {
            (_, b'\n') if after_return => None,
            (State::Message, 0x07) => {
                self.state = State::Text;
                None
            }
            (_, 0x1b) => {
                self.state = State::Escape;
                None
            }
            (_, 0..0x20) => {
                self.state = State::Text;
                self.after_return = byte == b'\r';
                control(byte)
            }
            (State::Message, _) => None,
            (State::Text, 0x20..0x7f) => Some(Key::Char(char::from(byte))),
            (State::Text, 0x7f) => Some(Key::Backspace),
            (_, 0x80..) => {
                self.state = State::Text;
                let (wrong, key) = self.text(byte, continues);
                broken |= wrong;
                key
            }
            (State::Escape, _) => self.escape(byte),
            (State::Designation, _) => {
                if byte >= 0x30 {
                    self.state = State::Text;
                }
                None
            }
            (State::Function, _) => {
                self.state = State::Text;
                None
            }
            (State::Control(parameters), b'[') if !parameters.started => {
                self.state = State::Function;
                None
            }
            (State::Control(parameters), 0x20..0x40) => {
                self.state = State::Control(parameters.take(byte));
                None
            }
            (State::Shifted(parameters), b'0'..=b'9' | b';') => {
                self.state = State::Shifted(parameters.take(byte));
                None
            }
            (State::Control(parameters), _) => {
                self.state = State::Text;
                parameters.key(byte)
            }
            (State::Shifted(parameters), _) => {
                self.state = State::Text;
                // The Enter of a keypad in application mode.
                if byte == b'M' { Some(Key::Enter) } else { parameters.key(byte) }
            }
        };
        Decoded { broken, key }
    }

    fn escape(&mut self, byte: u8) -> Option<Key> {
        self.state = match byte {
            b'[' => State::Control(Parameters::default()),
            b'O' => State::Shifted(Parameters::default()),
            b']' | b'P' | b'X' | b'^' | b'_' => State::Message,
            0x20..0x30 => State::Designation,
            _ => State::Text,
        };
        match byte {
            b'b' => Some(Key::WordLeft),
            b'f' => Some(Key::WordRight),
            0x7f => Some(Key::KillWord),
            _ => None,
        }
    }

    /// A byte above 127: is it wrong, and which character does it complete?
    fn text(&mut self, byte: u8, continues: bool) -> (bool, Option<Key>) {
        if !continues {
            self.needed = match byte {
                0xc2..0xe0 => 2,
                0xe0..0xf0 => 3,
                0xf0..0xf5 => 4,
                _ => 0,
            };
            self.length = 0;
        }
        if self.needed == 0 {
            return (true, None);
        }
        if let Some(place) = self.partial.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
        if self.length < self.needed {
            return (false, None);
        }
        let bytes = self.partial.get(..self.needed).unwrap_or_default();
        self.needed = 0;
        match core::str::from_utf8(bytes).ok().and_then(|text| text.chars().next()) {
            None => (true, None),
            // Control characters above 127 are ignored like their kin below.
            Some(c) if c.is_control() => (false, None),
            Some(c) => (false, Some(Key::Char(c))),
        }
    }
}

/// The key of a control character.
fn control(byte: u8) -> Option<Key> {
    Some(match byte {
        b'\r' | b'\n' => Key::Enter,
        b'\t' => Key::Tab,
        0x01 => Key::Home,
        0x02 => Key::Left,
        0x03 => Key::Interrupt,
        0x04 => Key::DeleteOrEnd,
        0x05 => Key::End,
        0x06 => Key::Right,
        0x08 => Key::Backspace,
        0x0b => Key::KillTail,
        0x0c => Key::ClearScreen,
        0x0e => Key::Newer,
        0x10 => Key::Older,
        0x14 => Key::Transpose,
        0x15 => Key::KillHead,
        0x17 => Key::KillWord,
        _ => return None,
    })
}
