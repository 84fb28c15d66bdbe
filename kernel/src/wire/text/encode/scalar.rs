//! Values without parts: truths, numbers, characters, strings, byte arrays.

use postcard_schema::schema::{DataModelType, NamedType};

use super::{BYTE, Encoder, Place};
use crate::wire::text::{
    cursor::{Piece, Quoted},
    error::{Found, TextError, TextErrorKind, Wanted},
    float::{F32, F64, Format},
    number::{Integer, NoNumber},
};

impl Encoder<'_, '_> {
    /// A value in which no other is nested.
    ///
    /// Not inlined, so that what it keeps on the stack is not kept once for each level of nesting.
    #[inline(never)]
    pub(super) fn scalar(&mut self, schema: &NamedType) -> Result<(), TextError> {
        match schema.ty {
            DataModelType::Bool => self.bool(schema),
            DataModelType::F32 => self.float(schema, F32, 4),
            DataModelType::F64 => self.float(schema, F64, 8),
            DataModelType::Char => self.char(schema),
            DataModelType::String => self.string(schema),
            ty => match Integer::of(ty) {
                Some(integer) => self.integer(schema, integer),
                None => Err(self.error(TextErrorKind::Unsupported(*schema))),
            },
        }
    }

    fn bool(&mut self, schema: &NamedType) -> Result<(), TextError> {
        if self.cursor.eat_word("true") {
            self.put(&[1])
        } else if self.cursor.eat_word("false") {
            self.put(&[0])
        } else {
            Err(self.cursor.expected_value(schema))
        }
    }

    fn integer(&mut self, schema: &NamedType, integer: Integer) -> Result<(), TextError> {
        let value = self.number(schema, |word| integer.parse(word))?;
        let put = match integer {
            Integer { wire_bits: 8, .. } => self.sink.put(&[value as u8]),
            Integer { signed: true, .. } => self.sink.put_zigzag(value),
            Integer { signed: false, .. } => self.sink.put_varint(value),
        };
        self.check(put)
    }

    fn float(&mut self, schema: &NamedType, format: Format, bytes: usize) -> Result<(), TextError> {
        let bits = self.number(schema, |word| format.read(word))?;
        self.put(&bits.to_le_bytes()[..bytes])
    }

    fn number<T>(
        &mut self,
        schema: &NamedType,
        parse: impl FnOnce(&str) -> Result<T, NoNumber>,
    ) -> Result<T, TextError> {
        let mut ahead = self.cursor;
        match parse(ahead.word().unwrap_or_default()) {
            Ok(value) => {
                self.cursor = ahead;
                Ok(value)
            }
            Err(NoNumber::Malformed) => Err(self.cursor.expected_value(schema)),
            Err(NoNumber::OutOfRange) => {
                let found = self.cursor.found();
                Err(self.error(TextErrorKind::OutOfRange { wanted: *schema, found }))
            }
        }
    }

    fn char(&mut self, schema: &NamedType) -> Result<(), TextError> {
        let mut ahead = self.cursor;
        let mut chars = ahead.quoted()?.into_iter().flat_map(Quoted::chars);
        let (Some(char), None) = (chars.next().transpose()?, chars.next().transpose()?) else {
            return Err(self.cursor.expected_value(schema));
        };
        drop(chars);
        self.cursor = ahead;
        let start = self.sink.len();
        self.put_char(char)?;
        self.count(start, char.len_utf8())
    }

    fn string(&mut self, schema: &NamedType) -> Result<(), TextError> {
        let start = self.sink.len();
        let Some(name) = self.cursor.name()? else { return Err(self.cursor.expected_value(schema)) };
        for char in name.spelling.chars() {
            self.put_char(char?)?;
        }
        self.count(start, self.sink.len() - start)
    }

    pub(super) fn byte_array(&mut self, schema: &NamedType, place: Place) -> Result<(), TextError> {
        let start = self.sink.len();
        // Literals with a prefix are read there too.
        let Some(quoted) = self.cursor.quoted()? else { return self.seq(schema, &BYTE, place) };
        self.pieces(quoted)?;
        self.count(start, self.sink.len() - start)
    }

    /// Writes the bytes of `b"..."` or `x"..."`, without a count, if one comes next; returns how many.
    pub(super) fn bytes_literal(&mut self) -> Result<Option<usize>, TextError> {
        let start = self.sink.len();
        if let Some(quoted) = self.cursor.bytes_literal(b'x')? {
            self.hexadecimal(quoted)?;
        } else if let Some(quoted) = self.cursor.bytes_literal(b'b')? {
            self.pieces(quoted)?;
        } else {
            return Ok(None);
        }
        Ok(Some(self.sink.len() - start))
    }

    fn pieces(&mut self, quoted: Quoted<'_>) -> Result<(), TextError> {
        for (_, piece) in quoted.pieces() {
            match piece? {
                Piece::Byte(byte) => self.put(&[byte])?,
                Piece::Char(char) => self.put_char(char)?,
            }
        }
        Ok(())
    }

    /// Writes pairs of digits; spaces, colons and underscores may stand between the pairs.
    fn hexadecimal(&mut self, quoted: Quoted<'_>) -> Result<(), TextError> {
        let body = quoted.body();
        let mut high = None;
        for (offset, char) in body.char_indices() {
            match (high, char.to_digit(16)) {
                (None, Some(digit)) => high = Some(digit),
                (Some(digit), Some(low)) => {
                    self.put(&[(digit << 4 | low) as u8])?;
                    high = None;
                }
                (None, None) if matches!(char, ' ' | ':' | '_') => {}
                (_, None) => return Err(no_digit(quoted, offset)),
            }
        }
        if high.is_some() { Err(no_digit(quoted, body.len())) } else { Ok(()) }
    }

    fn put_char(&mut self, char: char) -> Result<(), TextError> {
        self.put(char.encode_utf8(&mut [0; 4]).as_bytes())
    }
}

fn no_digit(quoted: Quoted<'_>, offset: usize) -> TextError {
    let mut rest = quoted.body().get(offset..).unwrap_or_default().char_indices();
    let first =
        rest.next().map_or("", |_| quoted.body().get(offset..offset + rest.offset()).unwrap_or_default());
    let wanted = Wanted::Token("a pair of hexadecimal digits");
    TextError { at: quoted.at() + offset, kind: TextErrorKind::Expected { wanted, found: Found::new(first) } }
}
