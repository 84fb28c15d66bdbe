//! What a type looks like, in one line.

use core::fmt;

use postcard_schema::schema::{DataModelType, DataModelVariant, NamedType, NamedValue};

use super::{DEPTH_MAX, decode::is_array, escape};

/// Prints what a value of the type looks like: `Write{pin: u8, level: bool} | Read{pin: u8}`.
///
/// # Errors
/// If `out` refuses the text.
pub fn describe(schema: &NamedType, out: &mut dyn fmt::Write) -> fmt::Result {
    value(schema, DEPTH_MAX, out)
}

/// Prints a type in a word or two, for an error that names it.
pub(super) fn brief(schema: &NamedType, out: &mut dyn fmt::Write) -> fmt::Result {
    match schema.ty {
        DataModelType::Struct(_)
        | DataModelType::Enum(_)
        | DataModelType::TupleStruct(_)
        | DataModelType::NewtypeStruct(_) => escape::name(schema.name, out),
        // These go on with what they hold, but not far.
        _ => value(schema, 3, out),
    }
}

fn value(schema: &NamedType, room: usize, out: &mut dyn fmt::Write) -> fmt::Result {
    let Some(room) = room.checked_sub(1) else { return out.write_str("...") };
    match schema.ty {
        DataModelType::Bool => out.write_str("bool"),
        DataModelType::I8 => out.write_str("i8"),
        DataModelType::U8 => out.write_str("u8"),
        DataModelType::I16 => out.write_str("i16"),
        DataModelType::I32 => out.write_str("i32"),
        DataModelType::I64 => out.write_str("i64"),
        DataModelType::I128 => out.write_str("i128"),
        DataModelType::U16 => out.write_str("u16"),
        DataModelType::U32 => out.write_str("u32"),
        DataModelType::U64 => out.write_str("u64"),
        DataModelType::U128 => out.write_str("u128"),
        DataModelType::Usize => out.write_str("usize"),
        DataModelType::Isize => out.write_str("isize"),
        DataModelType::F32 => out.write_str("f32"),
        DataModelType::F64 => out.write_str("f64"),
        DataModelType::Char => out.write_str("char"),
        DataModelType::String => out.write_str("string"),
        DataModelType::ByteArray => out.write_str("bytes"),
        DataModelType::Schema => out.write_str("schema"),
        DataModelType::Unit => out.write_str("()"),
        DataModelType::UnitStruct => escape::name(schema.name, out),
        DataModelType::NewtypeStruct(held) => value(held, room, out),
        DataModelType::Option(held) => {
            out.write_str("Option<")?;
            value(held, room, out)?;
            out.write_str(">")
        }
        DataModelType::Seq(element) => {
            out.write_str("[")?;
            value(element, room, out)?;
            out.write_str("]")
        }
        DataModelType::Tuple([element, more @ ..]) if is_array(schema) => {
            out.write_str("[")?;
            value(element, room, out)?;
            write!(out, "; {}]", more.len() + 1)
        }
        DataModelType::Tuple(elements) | DataModelType::TupleStruct(elements) => tuple(elements, room, out),
        DataModelType::Map { key, val } => {
            out.write_str("map{")?;
            value(key, room, out)?;
            out.write_str(": ")?;
            value(val, room, out)?;
            out.write_str("}")
        }
        DataModelType::Struct(members) => fields(members, room, out),
        DataModelType::Enum(variants) => separated(*variants, " | ", out, |variant, out| {
            escape::name(variant.name, out)?;
            match variant.ty {
                DataModelVariant::UnitVariant => Ok(()),
                DataModelVariant::NewtypeVariant(held) => tuple(&[held], room, out),
                DataModelVariant::TupleVariant(elements) => tuple(elements, room, out),
                DataModelVariant::StructVariant(members) => fields(members, room, out),
            }
        }),
    }
}

fn tuple(elements: &[&NamedType], room: usize, out: &mut dyn fmt::Write) -> fmt::Result {
    out.write_str("(")?;
    separated(elements, ", ", out, |element, out| value(element, room, out))?;
    out.write_str(")")
}

fn fields(fields: &[&NamedValue], room: usize, out: &mut dyn fmt::Write) -> fmt::Result {
    out.write_str("{")?;
    separated(fields, ", ", out, |field, out| {
        escape::name(field.name, out)?;
        out.write_str(": ")?;
        value(field.ty, room, out)
    })?;
    out.write_str("}")
}

fn separated<T>(
    items: impl IntoIterator<Item = T>,
    separator: &str,
    out: &mut dyn fmt::Write,
    print: impl Fn(T, &mut dyn fmt::Write) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.write_str(separator)?;
        }
        print(item, out)?;
    }
    Ok(())
}
