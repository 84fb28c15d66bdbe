//! JSON text, written as it goes: the console's answers for programs to read.
//!
//! The writer keeps one bit per open object or array and nothing else. It puts the commas, escapes strings, and
//! checks that what is opened is closed in the right order. Strings come out without a raw control character
//! (not even DEL or those above 127), so the text is as harmless on a terminal as it is in a file.
//!
//! ```
//! # use kernel::services::console::json::Json;
//! let mut out = String::new();
//! let mut json = Json::new(&mut out);
//! json.begin_object()?.key("task")?.string("blink")?.key("polls")?.number(12)?.end()?;
//! assert_eq!(out, r#"{"task":"blink","polls":12}"#);
//! # Ok::<(), core::fmt::Error>(())
//! ```

use core::fmt::{self, Display, Write};

/// How many objects and arrays may be open at once.
pub const DEPTH_LIMIT: u32 = u32::BITS;

/// Writes one JSON value after another to `out`, each after its comma where one is due.
///
/// All methods return the writer, to chain them.
pub struct Json<'a> {
    out: &'a mut dyn Write,
    /// What is open, innermost in the lowest bit: 1 an object, 0 an array.
    open: u32,
    depth: u32,
    next: Next,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The first item of what was just opened, or of the whole text.
    First,
    /// A further item: a comma precedes it.
    Further,
    /// The value of the key just written.
    Value,
}

impl<'a> Json<'a> {
    /// A writer at the beginning of its text.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { out, open: 0, depth: 0, next: Next::First }
    }

    /// Opens an object.
    ///
    /// # Errors
    ///
    /// Those of the sink; and when [`DEPTH_LIMIT`] are open.
    pub fn begin_object(&mut self) -> Result<&mut Self, fmt::Error> {
        self.begin(true, '{')
    }

    /// Opens an array.
    ///
    /// # Errors
    ///
    /// Those of the sink; and when [`DEPTH_LIMIT`] are open.
    pub fn begin_array(&mut self) -> Result<&mut Self, fmt::Error> {
        self.begin(false, '[')
    }

    /// Closes the innermost object or array.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    ///
    /// # Panics
    ///
    /// When nothing is open, or when a key awaits its value.
    pub fn end(&mut self) -> Result<&mut Self, fmt::Error> {
        assert!(self.depth > 0, "nothing is open");
        assert!(self.next != Next::Value, "a key awaits its value");
        self.out.write_char(if self.in_object() { '}' } else { ']' })?;
        self.open >>= 1;
        self.depth -= 1;
        self.next = Next::Further;
        Ok(self)
    }

    /// Writes a key; its value comes next.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    ///
    /// # Panics
    ///
    /// Outside an object, or when another key awaits its value.
    pub fn key(&mut self, key: &str) -> Result<&mut Self, fmt::Error> {
        assert!(self.in_object() && self.next != Next::Value, "a key belongs into an object");
        if self.next == Next::Further {
            self.out.write_char(',')?;
        }
        self.quote(&key)?;
        self.out.write_char(':')?;
        self.next = Next::Value;
        Ok(self)
    }

    /// Writes what `value` displays as a string.
    ///
    /// # Errors
    ///
    /// Those of the sink and of `value`.
    ///
    /// # Panics
    ///
    /// In an object, when no key precedes it.
    pub fn string(&mut self, value: impl Display) -> Result<&mut Self, fmt::Error> {
        self.value()?;
        self.quote(&value)?;
        Ok(self)
    }

    /// Writes a whole number that is not negative.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    ///
    /// # Panics
    ///
    /// In an object, when no key precedes it.
    pub fn number(&mut self, value: u64) -> Result<&mut Self, fmt::Error> {
        self.literal(&value)
    }

    /// Writes a whole number with its sign.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    ///
    /// # Panics
    ///
    /// In an object, when no key precedes it.
    pub fn signed(&mut self, value: i64) -> Result<&mut Self, fmt::Error> {
        self.literal(&value)
    }

    /// Writes `true` or `false`.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    ///
    /// # Panics
    ///
    /// In an object, when no key precedes it.
    pub fn boolean(&mut self, value: bool) -> Result<&mut Self, fmt::Error> {
        self.literal(&value)
    }

    /// Writes `null`.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    ///
    /// # Panics
    ///
    /// In an object, when no key precedes it.
    pub fn null(&mut self) -> Result<&mut Self, fmt::Error> {
        self.literal(&"null")
    }

    /// Ends the line, so that the next value begins one of its own.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    ///
    /// # Panics
    ///
    /// When something is still open.
    pub fn end_line(&mut self) -> Result<&mut Self, fmt::Error> {
        assert!(self.depth == 0, "an object or array is still open");
        self.out.write_char('\n')?;
        self.next = Next::First;
        Ok(self)
    }

    fn in_object(&self) -> bool {
        self.depth > 0 && self.open & 1 == 1
    }

    /// What precedes a value here.
    fn value(&mut self) -> fmt::Result {
        assert!(!self.in_object() || self.next == Next::Value, "a value in an object needs a key");
        if self.next == Next::Further {
            self.out.write_char(',')?;
        }
        self.next = Next::Further;
        Ok(())
    }

    fn begin(&mut self, object: bool, bracket: char) -> Result<&mut Self, fmt::Error> {
        if self.depth == DEPTH_LIMIT {
            return Err(fmt::Error);
        }
        self.value()?;
        self.out.write_char(bracket)?;
        self.open = self.open << 1 | u32::from(object);
        self.depth += 1;
        self.next = Next::First;
        Ok(self)
    }

    fn literal(&mut self, value: &dyn Display) -> Result<&mut Self, fmt::Error> {
        self.value()?;
        write!(self.out, "{value}")?;
        Ok(self)
    }

    fn quote(&mut self, text: &dyn Display) -> fmt::Result {
        self.out.write_char('"')?;
        write!(Escaper { out: &mut *self.out }, "{text}")?;
        self.out.write_char('"')
    }
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Json").field("depth", &self.depth).finish_non_exhaustive()
    }
}

/// Passes text on with the escapes that it needs inside a JSON string.
struct Escaper<'a> {
    out: &'a mut dyn Write,
}

impl Write for Escaper<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '"' => self.out.write_str("\\\"")?,
                '\\' => self.out.write_str("\\\\")?,
                '\n' => self.out.write_str("\\n")?,
                '\r' => self.out.write_str("\\r")?,
                '\t' => self.out.write_str("\\t")?,
                c if c.is_control() => write!(self.out, "\\u{:04x}", u32::from(c))?,
                c => self.out.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
