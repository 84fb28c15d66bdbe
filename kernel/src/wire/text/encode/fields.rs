//! Structs: named fields in any order.
//!
//! The wire wants the fields in the schema's order. There is no room to keep values until their turn comes, so
//! for each field the text is read anew from the first one; what is not its value is skipped.

use postcard_schema::schema::NamedValue;

use super::{Encoder, Place};
use crate::wire::text::{
    cursor::{Cursor, Name},
    error::{TextError, TextErrorKind, Wanted},
};

/// Where fields stand.
#[derive(Clone, Copy)]
enum Braces {
    /// Between `{` and `}`.
    Written,
    /// Without braces, up to the end of the text.
    Omitted,
}

impl Encoder<'_, '_> {
    /// The fields of a struct, in braces unless they are the rest of the text.
    pub(super) fn fields(
        &mut self,
        fields: &'static [&'static NamedValue],
        wanted: Wanted,
        place: Place,
    ) -> Result<(), TextError> {
        let braces = if self.cursor.eat(b'{') {
            Braces::Written
        } else if place.is_rest && starts_with_field(self.cursor)? {
            Braces::Omitted
        } else {
            return Err(self.cursor.expected(wanted));
        };
        let first = self.cursor;
        let mut end = first;
        while let Some(name) = braces.next_field(&mut end)? {
            if !fields.iter().any(|field| name.is(field.name)) {
                let kind = TextErrorKind::UnknownField { fields, found: name.found() };
                return Err(TextError { at: name.at, kind });
            }
            end.skip_value()?;
            end.eat(b',');
        }
        for field in fields {
            let Some((value, after)) = braces.find(first, field)? else {
                return Err(TextError { at: end.at(), kind: TextErrorKind::MissingField(**field) });
            };
            self.cursor = value;
            self.value(field.ty, place.inside())?;
            if self.cursor.at() != after {
                return Err(self.cursor.expected(braces.separator()));
            }
        }
        self.cursor = end;
        match braces {
            Braces::Written => self.cursor.expect(b"}", "`}`"),
            Braces::Omitted => Ok(()),
        }
    }
}

impl Braces {
    /// Reads the name of the next field and the colon after it; nothing if there is none.
    fn next_field<'t>(self, cursor: &mut Cursor<'t>) -> Result<Option<Name<'t>>, TextError> {
        match (self, cursor.peek()) {
            (Self::Written, Some(b'}')) | (Self::Omitted, None) => return Ok(None),
            _ => {}
        }
        let Some(name) = cursor.name()? else { return Err(cursor.expected(self.separator())) };
        cursor.colon()?;
        Ok(Some(name))
    }

    /// The place of a field's value, and where it ends, among those that start at `cursor`.
    fn find<'t>(
        self,
        mut cursor: Cursor<'t>,
        field: &NamedValue,
    ) -> Result<Option<(Cursor<'t>, usize)>, TextError> {
        let mut found = None;
        while let Some(name) = self.next_field(&mut cursor)? {
            let value = cursor;
            cursor.skip_value()?;
            if name.is(field.name) && found.replace((value, cursor.at())).is_some() {
                return Err(TextError { at: name.at, kind: TextErrorKind::DuplicateField(*field) });
            }
            cursor.eat(b',');
        }
        Ok(found)
    }

    fn separator(self) -> Wanted {
        Wanted::Token(match self {
            Self::Written => "a field or `}`",
            Self::Omitted => "a field or the end",
        })
    }
}

/// Whether fields without braces come next; none at all is a struct without fields.
fn starts_with_field(mut cursor: Cursor<'_>) -> Result<bool, TextError> {
    Ok(cursor.peek().is_none() || (cursor.name()?.is_some() && cursor.is_before_separator()))
}
