//! A place in a text, and what can be read there: words, quotes, punctuation.

use postcard_schema::schema::NamedType;

use super::{
    NESTING_MAX,
    error::{Found, TextError, TextErrorKind, Wanted, wanted},
    escape::{is_word, plain},
};
use crate::inline::Text;

/// A place in a text. A copy of it is a bookmark.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    /// Always between two characters.
    at: usize,
}

/// Something between quotes, with its escapes.
#[derive(Clone, Copy)]
pub(super) struct Quoted<'t> {
    body: &'t str,
    /// Where the body starts.
    at: usize,
}

/// What one character or escape of a quoted text stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Char(char),
    /// From `\xNN`.
    Byte(u8),
}

/// The name of a field or a variant.
#[derive(Clone, Copy)]
pub(super) struct Name<'t> {
    pub(super) at: usize,
    pub(super) spelling: Quoted<'t>,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The first byte of the next token, if the text is not over.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte(0) {
            self.at += 1;
        }
        self.byte(0)
    }

    /// Where the next token starts.
    pub(super) fn at(&mut self) -> usize {
        self.peek();
        self.at
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Reads one of `tokens`, which an error names as `token`.
    pub(super) fn expect(&mut self, tokens: &[u8], token: &'static str) -> Result<(), TextError> {
        if tokens.iter().any(|byte| self.eat(*byte)) {
            return Ok(());
        }
        Err(self.expected(Wanted::Token(token)))
    }

    /// Reads what stands between a name or key and its value.
    pub(super) fn colon(&mut self) -> Result<(), TextError> {
        self.expect(b":=", "`:`")
    }

    /// The next word, if one comes next.
    pub(super) fn word(&mut self) -> Option<&'t str> {
        self.peek();
        let word = self.word_ahead();
        self.at += word.len();
        (!word.is_empty()).then_some(word)
    }

    /// Reads `word` if it comes next, in whatever case.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let start = *self;
        let is_next = self.word().is_some_and(|next| next.eq_ignore_ascii_case(word));
        if !is_next {
            *self = start;
        }
        is_next
    }

    /// Reads the name of a type if it comes next and is followed by `open`; stops before that.
    pub(super) fn eat_type_before(&mut self, name: &str, open: &str) -> bool {
        let start = *self;
        let named = self.word() == Some(plain(name)) && {
            self.peek();
            self.rest().starts_with(open)
        };
        if !named {
            *self = start;
        }
        named
    }

    /// The next text between quotes, if one comes next.
    pub(super) fn quoted(&mut self) -> Result<Option<Quoted<'t>>, TextError> {
        let Some(quote @ (b'"' | b'\'')) = self.peek() else { return Ok(None) };
        let at = self.at + 1;
        let mut end = at;
        loop {
            match self.text.as_bytes().get(end) {
                None => return Err(TextError { at: self.at, kind: TextErrorKind::Unclosed }),
                Some(b'\\') => end += 2,
                Some(byte) if *byte == quote => break,
                Some(_) => end += 1,
            }
        }
        self.at = end + 1;
        // Quotes are ASCII, so both ends are between two characters.
        Ok(Some(Quoted { body: self.text.get(at..end).unwrap_or_default(), at }))
    }

    /// The next literal of bytes whose prefix is `prefix`, if one comes next.
    pub(super) fn bytes_literal(&mut self, prefix: u8) -> Result<Option<Quoted<'t>>, TextError> {
        if self.peek() != Some(prefix) || !matches!(self.byte(1), Some(b'"' | b'\'')) {
            return Ok(None);
        }
        self.at += 1;
        self.quoted()
    }

    /// The next name, quoted or not, if one comes next.
    pub(super) fn name(&mut self) -> Result<Option<Name<'t>>, TextError> {
        let at = self.at();
        let spelling = match self.quoted()? {
            Some(quoted) => Some(quoted),
            None => self.word().map(|body| Quoted { body, at }),
        };
        Ok(spelling.map(|spelling| Name { at, spelling }))
    }

    /// Reads past one value without knowing its type.
    ///
    /// The value goes on until a comma, a colon or a bracket that it did not open, or until a name of which a
    /// colon shows that it is the next field's.
    pub(super) fn skip_value(&mut self) -> Result<(), TextError> {
        let mut closers = [0; NESTING_MAX];
        let mut open = 0_usize;
        let start = self.at();
        while let Some(byte) = self.peek() {
            match byte {
                b'(' | b'[' | b'{' => {
                    let closer = closers
                        .get_mut(open)
                        .ok_or(TextError { at: self.at, kind: TextErrorKind::TooDeep })?;
                    *closer = closing(byte);
                    open += 1;
                    self.at += 1;
                }
                b')' | b']' | b'}' => {
                    let Some(innermost) = open.checked_sub(1) else { return Ok(()) };
                    let closer = closers.get(innermost).copied().unwrap_or_default();
                    self.expect(&[closer], token(closer))?;
                    open = innermost;
                }
                b':' if self.byte(1) == Some(b':') => self.at += 2,
                b',' | b':' | b'=' if open == 0 => return Ok(()),
                b'"' | b'\'' => {
                    let before = *self;
                    self.quoted()?;
                    if open == 0 && before.at != start && self.is_before_separator() {
                        *self = before;
                        return Ok(());
                    }
                }
                byte if is_word(byte) => {
                    let before = *self;
                    self.word();
                    if open == 0 && before.at != start && self.is_before_separator() {
                        *self = before;
                        return Ok(());
                    }
                }
                _ => self.at += 1,
            }
        }
        match open.checked_sub(1).and_then(|innermost| closers.get(innermost)) {
            Some(closer) => self.expect(&[*closer], token(*closer)),
            None => Ok(()),
        }
    }

    /// The error that something of type `schema` should come next.
    pub(super) fn expected_value(&mut self, schema: &NamedType) -> TextError {
        self.expected(wanted(schema))
    }

    /// The error that something else should come next.
    pub(super) fn expected(&mut self, wanted: Wanted) -> TextError {
        TextError { at: self.at(), kind: TextErrorKind::Expected { wanted, found: self.found() } }
    }

    /// What comes next, for an error.
    pub(super) fn found(&mut self) -> Found {
        self.peek();
        let word = self.word_ahead();
        if !word.is_empty() {
            return Found::new(word);
        }
        let start = self.at;
        let mut ahead = *self;
        match ahead.quoted() {
            Ok(Some(_)) => Found::new(self.text.get(start..ahead.at).unwrap_or_default()),
            Ok(None) => {
                let len = self.rest().chars().next().map_or(0, char::len_utf8);
                Found::new(self.text.get(start..start + len).unwrap_or_default())
            }
            Err(_) => Found::new(self.rest()),
        }
    }

    /// Whether what comes next stands between the name of a field and its value.
    pub(super) fn is_before_separator(&self) -> bool {
        let mut ahead = *self;
        match ahead.peek() {
            Some(b':') => ahead.byte(1) != Some(b':'),
            next => next == Some(b'='),
        }
    }

    fn word_ahead(&self) -> &'t str {
        let rest = self.rest();
        let len = rest.bytes().position(|byte| !is_word(byte)).unwrap_or(rest.len());
        rest.get(..len).unwrap_or_default()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }
}

/// The bracket that closes `open`.
pub(super) fn closing(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

/// What an error calls a bracket.
pub(super) fn token(bracket: u8) -> &'static str {
    match bracket {
        b')' => "`)`",
        b']' => "`]`",
        _ => "`}`",
    }
}

impl Name<'_> {
    pub(super) fn is(&self, name: &str) -> bool {
        self.matches(name, |a, b| a == b)
    }

    pub(super) fn is_ignoring_case(&self, name: &str) -> bool {
        self.matches(name, |a, b| a.eq_ignore_ascii_case(&b))
    }

    /// The name as it was written, for an error.
    pub(super) fn found(&self) -> Found {
        match self.spelling.body {
            "" => Found::Text(Text::new()),
            body => Found::new(body),
        }
    }

    fn matches(&self, name: &str, same: impl Fn(char, char) -> bool) -> bool {
        let mut name = plain(name).chars();
        self.spelling.chars().all(|char| matches!((char, name.next()), (Ok(a), Some(b)) if same(a, b)))
            && name.next().is_none()
    }
}

impl<'t> Quoted<'t> {
    /// Where the text between the quotes starts.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The text between the quotes, as written.
    pub(super) fn body(&self) -> &'t str {
        self.body
    }

    /// The characters that it stands for.
    pub(super) fn chars(self) -> impl Iterator<Item = Result<char, TextError>> {
        self.pieces().map(|(at, piece)| match piece {
            Ok(Piece::Char(char)) => Ok(char),
            Ok(Piece::Byte(byte @ 0..=0x7f)) => Ok(char::from(byte)),
            _ => Err(TextError { at, kind: TextErrorKind::BadEscape }),
        })
    }

    /// The characters and bytes that it stands for, or bad escapes, and where each is written.
    pub(super) fn pieces(self) -> impl Iterator<Item = (usize, Result<Piece, TextError>)> {
        let mut rest = self.body;
        core::iter::from_fn(move || {
            let at = self.at + (self.body.len() - rest.len());
            let mut chars = rest.chars();
            let piece = match chars.next()? {
                '\\' => escape(&mut chars).ok_or(TextError { at, kind: TextErrorKind::BadEscape }),
                char => Ok(Piece::Char(char)),
            };
            rest = chars.as_str();
            Some((at, piece))
        })
    }
}

/// Reads what follows a backslash.
fn escape(chars: &mut core::str::Chars<'_>) -> Option<Piece> {
    let char = match chars.next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '0' => '\0',
        'b' => '\u{8}',
        'f' => '\u{c}',
        char @ ('\\' | '"' | '\'' | '/' | '`') => char,
        'x' => return u8::try_from(digits(chars, 2)?).ok().map(Piece::Byte),
        'u' => {
            let code = match chars.as_str().strip_prefix('{') {
                Some(braced) => {
                    let (hex, rest) = braced.split_once('}')?;
                    *chars = rest.chars();
                    if hex.len() > 6 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                        return None;
                    }
                    u32::from_str_radix(hex, 16).ok()?
                }
                None => utf16(chars)?,
            };
            char::from_u32(code)?
        }
        _ => return None,
    };
    Some(Piece::Char(char))
}

/// Reads JSON's four digits, and the other half of a surrogate pair if they are the first.
fn utf16(chars: &mut core::str::Chars<'_>) -> Option<u32> {
    let high = digits(chars, 4)?;
    if !(0xd800..0xdc00).contains(&high) {
        return Some(high);
    }
    *chars = chars.as_str().strip_prefix("\\u")?.chars();
    let low = digits(chars, 4)?;
    (0xdc00..0xe000).contains(&low).then(|| 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
}

fn digits(chars: &mut core::str::Chars<'_>, count: usize) -> Option<u32> {
    (0..count).try_fold(0, |number, _| Some(number * 16 + chars.next()?.to_digit(16)?))
}
