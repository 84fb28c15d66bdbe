//! Enums: a variant by its name, and its content.

use postcard_schema::schema::{DataModelVariant, NamedType, NamedVariant};

use super::{Encoder, Place};
use crate::wire::text::{
    cursor::Name,
    error::{TextError, TextErrorKind, Wanted},
};

impl Encoder<'_, '_> {
    pub(super) fn variant(
        &mut self,
        schema: &NamedType,
        variants: &'static [&'static NamedVariant],
        place: Place,
    ) -> Result<(), TextError> {
        if self.cursor.eat(b'{') {
            return self.tagged(schema, variants, place.inside());
        }
        if self.cursor.eat_type_before(schema.name, "::") {
            self.cursor.eat(b':');
            self.cursor.eat(b':');
        }
        match self.variant_name(schema, variants)? {
            DataModelVariant::UnitVariant => {
                let mut ahead = self.cursor;
                if ahead.eat(b'(') && ahead.eat(b')') {
                    self.cursor = ahead;
                }
                Ok(())
            }
            DataModelVariant::NewtypeVariant(held) | DataModelVariant::TupleVariant([held]) => {
                self.argument(held, place)
            }
            DataModelVariant::TupleVariant(elements) => {
                let is_bare = elements.is_empty() && self.cursor.peek() != Some(b'(');
                if is_bare { Ok(()) } else { self.elements(elements, Wanted::Token("`(`"), place) }
            }
            DataModelVariant::StructVariant(fields) => {
                let is_bare = fields.is_empty() && self.cursor.peek() != Some(b'{');
                if is_bare { Ok(()) } else { self.fields(fields, Wanted::Token("`{`"), place) }
            }
        }
    }

    /// JSON's way: an object whose one key is the name of the variant.
    fn tagged(
        &mut self,
        schema: &NamedType,
        variants: &'static [&'static NamedVariant],
        place: Place,
    ) -> Result<(), TextError> {
        let ty = self.variant_name(schema, variants)?;
        self.cursor.colon()?;
        match ty {
            DataModelVariant::UnitVariant => self.unit(schema, place)?,
            DataModelVariant::NewtypeVariant(held) | DataModelVariant::TupleVariant([held]) => {
                self.value(held, place)?;
            }
            DataModelVariant::TupleVariant(elements) => {
                self.elements(elements, Wanted::Token("`[`"), place)?;
            }
            DataModelVariant::StructVariant(fields) => self.fields(fields, Wanted::Token("`{`"), place)?,
        }
        self.cursor.eat(b',');
        self.cursor.expect(b"}", "`}`")
    }

    /// Reads the name of a variant and writes its number; returns what it contains.
    fn variant_name(
        &mut self,
        schema: &NamedType,
        variants: &'static [&'static NamedVariant],
    ) -> Result<&'static DataModelVariant, TextError> {
        let Some(name) = self.cursor.name()? else { return Err(self.cursor.expected_value(schema)) };
        let Some((number, variant)) = find(variants, name) else {
            let kind = TextErrorKind::UnknownVariant { variants, found: name.found() };
            return Err(TextError { at: name.at, kind });
        };
        let put = self.sink.put_varint(number as u128);
        self.check(put)?;
        Ok(variant.ty)
    }
}

/// The variant of that name; otherwise the only one whose name differs in case alone.
fn find(
    variants: &'static [&'static NamedVariant],
    name: Name<'_>,
) -> Option<(usize, &'static NamedVariant)> {
    let mut numbered = variants.iter().copied().enumerate();
    if let Some(exact) = numbered.find(|(_, variant)| name.is(variant.name)) {
        return Some(exact);
    }
    let mut alike =
        variants.iter().copied().enumerate().filter(|(_, variant)| name.is_ignoring_case(variant.name));
    alike.next().filter(|_| alike.next().is_none())
}
