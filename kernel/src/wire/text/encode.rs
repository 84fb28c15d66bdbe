//! From text to postcard: the dispatch over types, and lists.

mod fields;
mod scalar;
mod variant;

use postcard_schema::schema::{DataModelType, NamedType};

use super::{
    DEPTH_MAX,
    cursor::{Cursor, closing, token},
    error::{TextError, TextErrorKind, Wanted},
    escape::plain,
    wire::{Sink, SinkFull},
};

/// The type of the elements of a byte array.
const BYTE: NamedType = NamedType { name: "u8", ty: &DataModelType::U8 };

/// Writes the value that `text` stands for as postcard into `out`, and returns its length.
///
/// # Errors
/// [`TextError`], with the place in `text`, if the text is no value of the type or the frame does not fit; what
/// `out` then holds means nothing.
pub fn encode(schema: &NamedType, text: &str, out: &mut [u8]) -> Result<usize, TextError> {
    let mut encoder = Encoder { cursor: Cursor::new(text), sink: Sink::new(out) };
    encoder.value(schema, Place { room: DEPTH_MAX, is_rest: true })?;
    if encoder.cursor.peek().is_some() {
        let found = encoder.cursor.found();
        return Err(encoder.error(TextErrorKind::TrailingText(found)));
    }
    Ok(encoder.sink.len())
}

struct Encoder<'t, 'o> {
    cursor: Cursor<'t>,
    sink: Sink<'o>,
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place {
    /// How many more values may be nested here.
    room: usize,
    /// Whether all the rest of the text is this value, so that it needs no brackets.
    is_rest: bool,
}

impl Place {
    /// The place of a value that others may follow.
    fn inside(self) -> Self {
        Self { is_rest: false, ..self }
    }
}

impl Encoder<'_, '_> {
    fn value(&mut self, schema: &NamedType, place: Place) -> Result<(), TextError> {
        let Some(room) = place.room.checked_sub(1) else { return Err(self.error(TextErrorKind::TooDeep)) };
        let place = Place { room, ..place };
        match schema.ty {
            DataModelType::ByteArray => self.byte_array(schema, place),
            DataModelType::Option(held) => self.option(held, place),
            DataModelType::Unit | DataModelType::UnitStruct => self.unit(schema, place),
            DataModelType::NewtypeStruct(held) => self.newtype(schema.name, held, place),
            DataModelType::Seq(element) => self.seq(schema, element, place),
            DataModelType::Tuple(elements) => self.tuple(schema, elements, place),
            DataModelType::TupleStruct(elements) => {
                self.cursor.eat_type_before(schema.name, "(");
                self.tuple(schema, elements, place)
            }
            DataModelType::Map { key, val } => self.map(schema, key, val, place),
            DataModelType::Struct(fields) => {
                self.cursor.eat_type_before(schema.name, "{");
                self.fields(fields, Wanted::Value(*schema), place)
            }
            DataModelType::Enum(variants) => self.variant(schema, variants, place),
            _ => self.scalar(schema),
        }
    }

    fn option(&mut self, held: &NamedType, place: Place) -> Result<(), TextError> {
        if self.cursor.eat_word("None") || self.cursor.eat_word("null") {
            return self.put(&[0]);
        }
        self.put(&[1])?;
        if self.cursor.eat_word("Some") { self.argument(held, place) } else { self.value(held, place) }
    }

    fn unit(&mut self, schema: &NamedType, place: Place) -> Result<(), TextError> {
        let is_omitted = place.is_rest && self.cursor.peek().is_none();
        if is_omitted || self.cursor.eat_word("null") {
            return Ok(());
        }
        let mut ahead = self.cursor;
        if ahead.name()?.is_some_and(|name| name.is_ignoring_case(schema.name)) {
            self.cursor = ahead;
            return Ok(());
        }
        if !self.cursor.eat(b'(') {
            return Err(self.cursor.expected_value(schema));
        }
        self.cursor.expect(b")", "`)`")
    }

    fn newtype(&mut self, name: &str, held: &NamedType, place: Place) -> Result<(), TextError> {
        if !reads_call(held, name) && self.cursor.eat_type_before(name, "(") {
            self.argument(held, place)
        } else {
            self.value(held, place)
        }
    }

    /// The argument of a variant, of `Some` or of a newtype's name; its brackets may be left out.
    fn argument(&mut self, held: &NamedType, place: Place) -> Result<(), TextError> {
        let is_unit = matches!(held.ty, DataModelType::Unit | DataModelType::UnitStruct);
        if is_unit && matches!(self.cursor.peek(), None | Some(b',' | b')' | b']' | b'}')) {
            return Ok(());
        }
        if !self.cursor.eat(b'(') {
            return self.value(held, place);
        }
        if is_unit && self.cursor.eat(b')') {
            return Ok(());
        }
        self.value(held, place.inside())?;
        self.cursor.eat(b',');
        self.cursor.expect(b")", "`)`")
    }

    fn seq(&mut self, schema: &NamedType, element: &NamedType, place: Place) -> Result<(), TextError> {
        let start = self.sink.len();
        if matches!(element.ty, DataModelType::U8)
            && let Some(count) = self.bytes_literal()?
        {
            return self.count(start, count);
        }
        let close = self.open(Wanted::Value(*schema))?;
        let mut count = 0;
        while !self.cursor.eat(close) {
            self.value(element, place.inside())?;
            self.separator(close)?;
            count += 1;
        }
        self.count(start, count)
    }

    fn map(
        &mut self,
        schema: &NamedType,
        key: &NamedType,
        val: &NamedType,
        place: Place,
    ) -> Result<(), TextError> {
        let start = self.sink.len();
        if !self.cursor.eat(b'{') {
            return Err(self.cursor.expected_value(schema));
        }
        let mut count = 0;
        while !self.cursor.eat(b'}') {
            self.value(key, place.inside())?;
            self.cursor.colon()?;
            self.value(val, place.inside())?;
            self.separator(b'}')?;
            count += 1;
        }
        self.count(start, count)
    }

    fn tuple(&mut self, schema: &NamedType, elements: &[&NamedType], place: Place) -> Result<(), TextError> {
        let is_bytes = elements.iter().all(|element| matches!(element.ty, DataModelType::U8));
        if is_bytes && !elements.is_empty() {
            let at = self.cursor.at();
            if let Some(found) = self.bytes_literal()? {
                let kind = TextErrorKind::WrongLength { wanted: elements.len(), found };
                return if found == elements.len() { Ok(()) } else { Err(TextError { at, kind }) };
            }
        }
        self.elements(elements, Wanted::Value(*schema), place)
    }

    /// The elements of a tuple or the arguments of a variant, in brackets unless they are the rest of the text.
    fn elements(&mut self, elements: &[&NamedType], wanted: Wanted, place: Place) -> Result<(), TextError> {
        if place.is_rest && !matches!(self.cursor.peek(), Some(b'(' | b'[')) {
            for element in elements {
                self.value(element, place.inside())?;
                self.cursor.eat(b',');
            }
            return Ok(());
        }
        let close = self.open(wanted)?;
        for element in elements {
            self.value(element, place.inside())?;
            self.separator(close)?;
        }
        self.cursor.expect(&[close], token(close))
    }

    /// Reads the bracket that opens a list, and returns the one that closes it.
    fn open(&mut self, wanted: Wanted) -> Result<u8, TextError> {
        match self.cursor.peek() {
            Some(bracket @ (b'(' | b'[')) => {
                self.cursor.eat(bracket);
                Ok(closing(bracket))
            }
            _ => Err(self.cursor.expected(wanted)),
        }
    }

    /// Reads the comma after an element, or sees that `close` follows.
    fn separator(&mut self, close: u8) -> Result<(), TextError> {
        if self.cursor.eat(b',') || self.cursor.peek() == Some(close) {
            return Ok(());
        }
        Err(self.cursor.expected(Wanted::Token(match close {
            b')' => "`,` or `)`",
            b']' => "`,` or `]`",
            _ => "`,` or `}`",
        })))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), TextError> {
        let put = self.sink.put(bytes);
        self.check(put)
    }

    /// Puts a count before what has been written since `start`.
    fn count(&mut self, start: usize, count: usize) -> Result<(), TextError> {
        let put = self.sink.put_count_at(start, count);
        self.check(put)
    }

    fn check(&mut self, put: Result<(), SinkFull>) -> Result<(), TextError> {
        put.map_err(|SinkFull| self.error(TextErrorKind::OutputFull))
    }

    fn error(&mut self, kind: TextErrorKind) -> TextError {
        TextError { at: self.cursor.at(), kind }
    }
}

/// Whether `name(...)` would be read as a value of type `schema` itself, so that it cannot name a wrapper of it.
fn reads_call(schema: &NamedType, name: &str) -> bool {
    let mut held = schema;
    for _ in 0..DEPTH_MAX {
        match held.ty {
            DataModelType::NewtypeStruct(inner) => held = inner,
            DataModelType::Option(_) => return name.eq_ignore_ascii_case("Some"),
            DataModelType::Enum(variants) => {
                return variants.iter().any(|variant| plain(variant.name).eq_ignore_ascii_case(plain(name)));
            }
            _ => break,
        }
    }
    false
}
