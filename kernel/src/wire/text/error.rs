//! Why a text or a frame was refused, and where.

use core::fmt;

use postcard_schema::schema::{DataModelType, NamedType, NamedValue, NamedVariant};

use super::{DEPTH_MAX, EMPTY_MAX, describe::brief, escape};
use crate::inline::Text;

/// How much of the offending text an error repeats, in bytes.
pub const FOUND_MAX: usize = 24;

/// Why a text or a frame was refused, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextError {
    /// The offset in bytes, counted from zero, into the text ([`encode()`](super::encode())) or into the frame
    /// ([`decode()`](super::decode())).
    pub at: usize,
    /// What is wrong there.
    pub kind: TextErrorKind,
}

/// What is wrong with a text or a frame.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextErrorKind {
    /// Something else should stand here.
    Expected {
        /// What should stand here.
        wanted: Wanted,
        /// What does.
        found: Found,
    },
    /// The number is not one of this type.
    OutOfRange {
        /// The type.
        wanted: NamedType,
        /// The number as it was written.
        found: Found,
    },
    /// A literal has not as many bytes as the array.
    WrongLength {
        /// The length of the array.
        wanted: usize,
        /// The length of the literal.
        found: usize,
    },
    /// The struct lacks this field.
    MissingField(NamedValue),
    /// This field is given twice.
    DuplicateField(NamedValue),
    /// The struct has no such field.
    UnknownField {
        /// The fields that it has.
        fields: &'static [&'static NamedValue],
        /// The name that was given.
        found: Found,
    },
    /// The enum has no such variant, or several that differ in case only.
    UnknownVariant {
        /// The variants that it has.
        variants: &'static [&'static NamedVariant],
        /// The name that was given.
        found: Found,
    },
    /// A backslash is followed by nothing that it could mean.
    BadEscape,
    /// A quote that is never closed opens here.
    Unclosed,
    /// The text goes on after the value.
    TrailingText(Found),
    /// The frame goes on after the value, by this many bytes.
    TrailingBytes(usize),
    /// The bytes of the frame are no value of this type.
    Frame {
        /// What is wrong with them.
        fault: WireFault,
        /// The type.
        wanted: NamedType,
    },
    /// Values are nested deeper than [`DEPTH_MAX`].
    TooDeep,
    /// The frame announces more empty values than [`EMPTY_MAX`].
    TooManyEmpty,
    /// This type has no text form.
    Unsupported(NamedType),
    /// The room for the result is used up.
    OutputFull,
}

/// What should have stood in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A value of this type.
    Value(NamedType),
    /// One of these tokens.
    Token(&'static str),
}

/// What stood in a text instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing: the text is over.
    End,
    /// This.
    Text(Text<FOUND_MAX>),
    /// This and more.
    Start(Text<FOUND_MAX>),
}

/// What is wrong with the bytes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireFault {
    /// They end before the value does.
    Ended,
    /// No value looks like this.
    Invalid,
}

/// What a person counts to find a place.
enum Place {
    /// In a text, from one.
    Column,
    /// In a frame, from zero.
    Byte,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        match self.kind.place() {
            Some(Place::Column) => write!(f, " at column {}", self.at.saturating_add(1))?,
            Some(Place::Byte) => write!(f, " at byte {}", self.at)?,
            None => {}
        }
        match self.kind {
            TextErrorKind::Expected { found, .. } => write!(f, ", found {found}"),
            TextErrorKind::UnknownField { fields, .. } => {
                f.write_str("; there is ")?;
                names(f, fields.iter().map(|field| field.name))
            }
            TextErrorKind::UnknownVariant { variants, .. } => {
                f.write_str("; there is ")?;
                names(f, variants.iter().map(|variant| variant.name))
            }
            _ => Ok(()),
        }
    }
}

impl core::error::Error for TextError {}

impl TextErrorKind {
    /// How a person is told the place; not at all if both texts and frames can be at fault.
    fn place(&self) -> Option<Place> {
        match self {
            Self::TrailingBytes(_) | Self::Frame { .. } | Self::TooManyEmpty => Some(Place::Byte),
            Self::TooDeep | Self::Unsupported(_) | Self::OutputFull => None,
            _ => Some(Place::Column),
        }
    }
}

impl fmt::Display for TextErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected { wanted, .. } => write!(f, "expected {wanted}"),
            Self::OutOfRange { wanted, found } => {
                write!(f, "{found} is out of range for ")?;
                brief(wanted, f)
            }
            Self::WrongLength { wanted, found } => write!(f, "expected {wanted} bytes but got {found}"),
            Self::MissingField(field) => {
                f.write_str("missing field ")?;
                field_and_type(field, f)
            }
            Self::DuplicateField(field) => {
                f.write_str("repeated field ")?;
                escape::name(field.name, f)
            }
            Self::UnknownField { found, .. } => write!(f, "unknown field {found}"),
            Self::UnknownVariant { found, .. } => write!(f, "unknown variant {found}"),
            Self::BadEscape => f.write_str("unknown escape"),
            Self::Unclosed => f.write_str("unclosed quote"),
            Self::TrailingText(found) => write!(f, "unexpected {found} after the value"),
            Self::TrailingBytes(count) => write!(f, "{count} bytes too many"),
            Self::Frame { fault, wanted } => {
                f.write_str(match fault {
                    WireFault::Ended => "the frame ends inside ",
                    WireFault::Invalid => "the frame holds no ",
                })?;
                brief(wanted, f)
            }
            Self::TooDeep => write!(f, "more than {DEPTH_MAX} values inside one another"),
            Self::TooManyEmpty => write!(f, "more than {EMPTY_MAX} values without content"),
            Self::Unsupported(schema) => {
                f.write_str("there is no text form of ")?;
                brief(schema, f)
            }
            Self::OutputFull => f.write_str("no room left for the result"),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(schema) => brief(schema, f),
            Self::Token(token) => f.write_str(token),
        }
    }
}

impl Found {
    /// The start of what stands there.
    pub(super) fn new(text: &str) -> Self {
        match (text, Text::try_from(text)) {
            ("", _) => Self::End,
            (_, Ok(whole)) => Self::Text(whole),
            (_, Err(_)) => Self::Start(Text::cut(text)),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => f.write_str("the end"),
            Self::Text(text) => escape::quoted(text, '`', f),
            Self::Start(text) => {
                escape::quoted(text, '`', f)?;
                f.write_str("...")
            }
        }
    }
}

fn field_and_type(field: &NamedValue, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    escape::name(field.name, f)?;
    f.write_str(": ")?;
    brief(field.ty, f)
}

fn names(f: &mut fmt::Formatter<'_>, names: impl Iterator<Item = &'static str>) -> fmt::Result {
    let mut some = false;
    for name in names {
        f.write_str(if some { ", " } else { "" })?;
        escape::name(name, f)?;
        some = true;
    }
    f.write_str(if some { "" } else { "none" })
}

/// The error "a value of this type should stand here".
pub(super) fn wanted(ty: &NamedType) -> Wanted {
    // Transparent wrappers say less about the text than what they hold.
    let mut inner = *ty;
    for _ in 0..DEPTH_MAX {
        match inner.ty {
            DataModelType::NewtypeStruct(held) => inner = **held,
            _ => break,
        }
    }
    Wanted::Value(inner)
}
