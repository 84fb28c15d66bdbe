//! From postcard to text.

use core::fmt;

use postcard_schema::schema::{DataModelType, DataModelVariant, NamedType, NamedValue, NamedVariant};

use super::{
    DEPTH_MAX, EMPTY_MAX,
    error::{TextError, TextErrorKind, WireFault},
    escape,
    float::{F32, F64},
    number::Integer,
    wire::Source,
};

/// Prints the value at the start of `bytes` to `out` in its canonical form, and returns how many bytes it took.
///
/// # Errors
/// [`TextError`], with the place in `bytes`, if they are no value of the type or `out` refuses the text. What
/// precedes the place may have been printed.
pub fn decode(schema: &NamedType, bytes: &[u8], out: &mut dyn fmt::Write) -> Result<usize, TextError> {
    let mut decoder = Decoder { source: Source::new(bytes), out, empties: 0 };
    decoder.value(schema, DEPTH_MAX)?;
    Ok(decoder.source.at())
}

/// Prints the value that all of `bytes` are to `out`, in its canonical form.
///
/// # Errors
/// As [`decode()`], and [`TextErrorKind::TrailingBytes`] if the value, which has then been printed, ends early.
pub fn decode_all(schema: &NamedType, bytes: &[u8], out: &mut dyn fmt::Write) -> Result<(), TextError> {
    let at = decode(schema, bytes, out)?;
    match bytes.len() - at {
        0 => Ok(()),
        more => Err(TextError { at, kind: TextErrorKind::TrailingBytes(more) }),
    }
}

struct Decoder<'b, 'o> {
    source: Source<'b>,
    out: &'o mut dyn fmt::Write,
    /// How many values without bytes have been printed.
    empties: usize,
}

impl Decoder<'_, '_> {
    /// Prints a value in which at most `room` values are nested, counting itself.
    fn value(&mut self, schema: &NamedType, room: usize) -> Result<(), TextError> {
        let start = self.source.at();
        let Some(room) = room.checked_sub(1) else { return Err(self.error(TextErrorKind::TooDeep)) };
        match schema.ty {
            DataModelType::Option(held) => match self.byte(schema)? {
                0 => self.print("None")?,
                1 => self.enclosed("Some(", ")", |decoder| decoder.value(held, room))?,
                _ => return Err(invalid(schema, start)),
            },
            DataModelType::NewtypeStruct(held) => self.value(held, room)?,
            DataModelType::Seq(element) => {
                let count = self.count(schema)?;
                self.enclosed("[", "]", |decoder| {
                    decoder.list(0..count, |decoder, _| decoder.value(element, room))
                })?;
            }
            DataModelType::Tuple(elements) | DataModelType::TupleStruct(elements) => {
                let (open, close) = if is_array(schema) { ("[", "]") } else { ("(", ")") };
                self.elements(elements, open, close, room)?;
            }
            DataModelType::Map { key, val } => {
                let count = self.count(schema)?;
                self.enclosed("{", "}", |decoder| {
                    decoder.list(0..count, |decoder, _| {
                        decoder.value(key, room)?;
                        decoder.print(": ")?;
                        decoder.value(val, room)
                    })
                })?;
            }
            DataModelType::Struct(fields) => self.fields(fields, room)?,
            DataModelType::Enum(variants) => self.variant(schema, variants, room)?,
            _ => self.scalar(schema)?,
        }
        if self.source.at() == start {
            self.empties += 1;
            if self.empties > EMPTY_MAX {
                return Err(self.error(TextErrorKind::TooManyEmpty));
            }
        }
        Ok(())
    }

    /// Prints a value in which no other is nested.
    ///
    /// Not inlined, so that what it keeps on the stack is not kept once for each level of nesting.
    #[inline(never)]
    fn scalar(&mut self, schema: &NamedType) -> Result<(), TextError> {
        let start = self.source.at();
        match schema.ty {
            DataModelType::Bool => {
                let word = match self.byte(schema)? {
                    0 => "false",
                    1 => "true",
                    _ => return Err(invalid(schema, start)),
                };
                self.print(word)?;
            }
            DataModelType::F32 => {
                let bytes = self.source.take_array();
                let bits = u32::from_le_bytes(self.check(schema, bytes)?);
                let printed = F32.print(bits.into(), self.out);
                self.printed(printed)?;
            }
            DataModelType::F64 => {
                let bytes = self.source.take_array();
                let bits = u64::from_le_bytes(self.check(schema, bytes)?);
                let printed = F64.print(bits, self.out);
                self.printed(printed)?;
            }
            DataModelType::Char => {
                let char = self.str(schema)?;
                let mut chars = char.chars();
                if chars.next().is_none() || chars.next().is_some() {
                    return Err(invalid(schema, start));
                }
                let printed = escape::quoted(char, '\'', self.out);
                self.printed(printed)?;
            }
            DataModelType::String => {
                let text = self.str(schema)?;
                let printed = escape::quoted(text, '"', self.out);
                self.printed(printed)?;
            }
            DataModelType::ByteArray => {
                let bytes = self.counted(schema)?;
                let printed = escape::bytes(bytes, self.out);
                self.printed(printed)?;
            }
            DataModelType::Unit => self.print("()")?,
            DataModelType::UnitStruct => {
                let printed = escape::name(schema.name, self.out);
                self.printed(printed)?;
            }
            ty => match Integer::of(ty) {
                Some(integer) => self.integer(schema, integer)?,
                None => return Err(self.error(TextErrorKind::Unsupported(*schema))),
            },
        }
        Ok(())
    }

    fn integer(&mut self, schema: &NamedType, integer: Integer) -> Result<(), TextError> {
        let start = self.source.at();
        let read = match integer {
            Integer { signed: true, wire_bits: 8, .. } => {
                self.source.take_byte().map(|byte| i128::from(byte.cast_signed()).cast_unsigned())
            }
            Integer { signed: false, wire_bits: 8, .. } => self.source.take_byte().map(u128::from),
            Integer { signed: true, wire_bits, .. } => self.source.take_zigzag(wire_bits),
            Integer { signed: false, wire_bits, .. } => self.source.take_varint(wire_bits),
        };
        let value = self.check(schema, read)?;
        if !integer.holds(value) {
            return Err(invalid(schema, start));
        }
        let printed = integer.print(value, self.out);
        self.printed(printed)
    }

    fn variant(
        &mut self,
        schema: &NamedType,
        variants: &[&NamedVariant],
        room: usize,
    ) -> Result<(), TextError> {
        let start = self.source.at();
        let number = self.source.take_varint(u32::BITS);
        let number = self.check(schema, number)?;
        let variant = usize::try_from(number).ok().and_then(|number| variants.get(number));
        let Some(variant) = variant else { return Err(invalid(schema, start)) };
        let printed = escape::name(variant.name, self.out);
        self.printed(printed)?;
        match variant.ty {
            DataModelVariant::UnitVariant => Ok(()),
            DataModelVariant::NewtypeVariant(held) => self.elements(&[held], "(", ")", room),
            DataModelVariant::TupleVariant(elements) => self.elements(elements, "(", ")", room),
            DataModelVariant::StructVariant(fields) => self.fields(fields, room),
        }
    }

    fn elements(
        &mut self,
        elements: &[&NamedType],
        open: &str,
        close: &str,
        room: usize,
    ) -> Result<(), TextError> {
        self.enclosed(open, close, |decoder| {
            decoder.list(elements, |decoder, element| decoder.value(element, room))
        })
    }

    fn fields(&mut self, fields: &[&NamedValue], room: usize) -> Result<(), TextError> {
        self.enclosed("{", "}", |decoder| {
            decoder.list(fields, |decoder, field| {
                let printed = escape::name(field.name, decoder.out);
                decoder.printed(printed)?;
                decoder.print(": ")?;
                decoder.value(field.ty, room)
            })
        })
    }

    fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut print: impl FnMut(&mut Self, T) -> Result<(), TextError>,
    ) -> Result<(), TextError> {
        let mut separator = "";
        for item in items {
            self.print(separator)?;
            print(self, item)?;
            separator = ", ";
        }
        Ok(())
    }

    fn enclosed(
        &mut self,
        open: &str,
        close: &str,
        print: impl FnOnce(&mut Self) -> Result<(), TextError>,
    ) -> Result<(), TextError> {
        self.print(open)?;
        print(self)?;
        self.print(close)
    }
}

/// Reading.
impl<'b> Decoder<'b, '_> {
    fn byte(&mut self, schema: &NamedType) -> Result<u8, TextError> {
        let byte = self.source.take_byte();
        self.check(schema, byte)
    }

    fn count(&mut self, schema: &NamedType) -> Result<usize, TextError> {
        let count = self.source.take_count();
        self.check(schema, count)
    }

    fn counted(&mut self, schema: &NamedType) -> Result<&'b [u8], TextError> {
        let count = self.count(schema)?;
        let bytes = self.source.take(count);
        self.check(schema, bytes)
    }

    fn str(&mut self, schema: &NamedType) -> Result<&'b str, TextError> {
        let start = self.source.at();
        core::str::from_utf8(self.counted(schema)?).map_err(|_| invalid(schema, start))
    }

    fn check<T>(&self, schema: &NamedType, read: Result<T, WireFault>) -> Result<T, TextError> {
        read.map_err(|fault| self.error(TextErrorKind::Frame { fault, wanted: *schema }))
    }

    fn error(&self, kind: TextErrorKind) -> TextError {
        TextError { at: self.source.at(), kind }
    }
}

/// Printing.
impl Decoder<'_, '_> {
    fn print(&mut self, text: &str) -> Result<(), TextError> {
        let printed = self.out.write_str(text);
        self.printed(printed)
    }

    fn printed(&self, printed: fmt::Result) -> Result<(), TextError> {
        printed.map_err(|_| self.error(TextErrorKind::OutputFull))
    }
}

fn invalid(schema: &NamedType, at: usize) -> TextError {
    TextError { at, kind: TextErrorKind::Frame { fault: WireFault::Invalid, wanted: *schema } }
}

/// Whether a tuple is Rust's array, which the schema tells by its name only.
pub(super) fn is_array(schema: &NamedType) -> bool {
    schema.name.starts_with('[')
}
