//! Lists of things: a table for people, or one JSON object per line for programs.
//!
//! What is told of a thing is declared once, field by field, and a command hands over the values. So how a list prints is
//! compiled once, not for each list.

use core::fmt::{self, Display, Write};

use super::{
    json::Json,
    table::{Column, Line, Size},
};
use crate::time::Duration;

/// What is told of each thing on a list.
#[derive(Clone, Copy)]
pub(super) struct Field {
    /// Its key in JSON, if it is told there.
    key: Option<&'static str>,
    /// Its column, if it is told in the table.
    column: Option<Column>,
}

impl Field {
    /// A field that is told everywhere.
    pub(super) const fn new(key: &'static str, column: Column) -> Self {
        Self { key: Some(key), column: Some(column) }
    }

    /// A field that only programs are told.
    pub(super) const fn hidden(key: &'static str) -> Self {
        Self { key: Some(key), column: None }
    }

    /// A field that only people are told.
    pub(super) const fn shown(column: Column) -> Self {
        Self { key: None, column: Some(column) }
    }
}

/// The value of a field. JSON has numbers as numbers, without the units that people need.
#[derive(Clone, Copy)]
pub(super) enum Value<'v> {
    Text(&'v dyn Display),
    Number(u64),
    Bytes(u64),
    Micros(u64),
    Truth(bool),
    Nothing,
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Bytes(bytes) => Size(*bytes).fmt(f),
            Self::Micros(us) => Duration::from_micros(*us).fmt(f),
            Self::Truth(truth) => f.write_str(if *truth { "yes" } else { "no" }),
            Self::Nothing => f.write_str("-"),
        }
    }
}

/// Writes the titles of a table.
pub(super) fn titles(fields: &[Field], out: &mut dyn Write) -> fmt::Result {
    let mut line = Line::new(out);
    for column in fields.iter().filter_map(|field| field.column) {
        line.cell(&column, &column.title())?;
    }
    line.end()
}

/// Writes a thing's values, one for each field, and ends the line.
pub(super) fn row(fields: &[Field], values: &[Value<'_>], json: bool, out: &mut dyn Write) -> fmt::Result {
    debug_assert_eq!(fields.len(), values.len(), "each field has a value");
    let fields = fields.iter().zip(values);
    if !json {
        let mut line = Line::new(out);
        for (field, value) in fields {
            if let Some(column) = &field.column {
                line.cell(column, value)?;
            }
        }
        return line.end();
    }
    let mut json = Json::new(out);
    json.begin_object()?;
    for (field, value) in fields {
        let Some(key) = field.key else { continue };
        json.key(key)?;
        match value {
            Value::Text(text) => json.string(text)?,
            Value::Number(number) | Value::Bytes(number) | Value::Micros(number) => json.number(*number)?,
            Value::Truth(truth) => json.boolean(*truth)?,
            Value::Nothing => json.null()?,
        };
    }
    json.end()?;
    out.write_char('\n')
}
