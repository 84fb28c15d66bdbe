//! Rows in aligned columns, written as they arrive.
//!
//! A service streams its answers one by one, so no table ever knows its widest cell: widths are declared with
//! the columns. A table holds no rows and allocates nothing; a cell is anything with `Display`, and may be
//! formatted twice to learn its width.
//!
//! # Laws
//!
//! * Two spaces stand between columns; a line never ends in spaces.
//! * A left-aligned cell wider than its column is cut and ends in [`CUT`]. A right-aligned cell is never cut,
//!   since a number without its last digits is a wrong number: it pushes the rest of its row to the right.
//! * A control character in a cell (a name is chosen by a program) is written as [`CONTROL`], so no cell can
//!   break its row or command the terminal.
//! * Every character counts as one column wide.
//!
//! ```
//! # use kernel::services::console::table::{Column, Size, Table};
//! const TASKS: Table<3> = Table::new([Column::left("task", 8), Column::right("polls", 6), Column::right("live", 9)]);
//! let mut out = String::new();
//! TASKS.header(&mut out)?;
//! TASKS.row(&mut out, [&"blink", &12, &Size(2048)])?;
//! assert_eq!(out, "task       polls       live\nblink         12    2.0 KiB\n");
//! # Ok::<(), core::fmt::Error>(())
//! ```

use core::fmt::{self, Display, Write};

/// What ends a cell that was cut.
pub const CUT: char = '~';

/// What stands for a control character.
pub const CONTROL: char = '?';

/// Spaces between two columns.
const GAP: usize = 2;

/// The columns of a table.
#[derive(Clone, Copy, Debug)]
pub struct Table<const COLUMNS: usize> {
    columns: [Column; COLUMNS],
}

/// One column: its title, how wide it is, and to which side its cells lean.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    title: &'static str,
    width: usize,
    align: Align,
}

/// To which side a cell leans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Align {
    /// Text: spaces follow it.
    Left,
    /// Numbers: spaces precede them.
    Right,
}

/// A number of bytes with its unit: `512 B`, `128.0 KiB`, rounded to a tenth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// A table of these columns.
    #[must_use]
    pub const fn new(columns: [Column; COLUMNS]) -> Self {
        Self { columns }
    }

    /// Writes the line of titles.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn header(&self, out: &mut dyn Write) -> fmt::Result {
        self.line(out, self.columns.each_ref().map(|column| &column.title as &dyn Display))
    }

    /// Writes one row, a cell for each column.
    ///
    /// # Errors
    ///
    /// Those of `out` and of the cells' own `Display`.
    pub fn row(&self, out: &mut dyn Write, cells: [&dyn Display; COLUMNS]) -> fmt::Result {
        self.line(out, cells)
    }

    fn line(&self, out: &mut dyn Write, cells: [&dyn Display; COLUMNS]) -> fmt::Result {
        let mut line = Line::new(out);
        for (column, cell) in self.columns.iter().zip(cells) {
            line.cell(column, cell)?;
        }
        line.end()
    }
}

/// A line of a table, written cell by cell.
pub(super) struct Line<'a> {
    row: Row<'a>,
    /// A cell was written.
    begun: bool,
}

impl<'a> Line<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self { row: Row { out, spaces: 0 }, begun: false }
    }

    pub(super) fn cell(&mut self, column: &Column, cell: &dyn Display) -> fmt::Result {
        if self.begun {
            self.row.spaces += GAP;
        }
        self.begun = true;
        column.cell(&mut self.row, cell)
    }

    pub(super) fn end(self) -> fmt::Result {
        self.row.out.write_char('\n')
    }
}

impl Column {
    /// A column of text, `width` characters wide.
    #[must_use]
    pub const fn left(title: &'static str, width: usize) -> Self {
        Self { title, width, align: Align::Left }
    }

    /// A column of numbers, `width` characters wide.
    #[must_use]
    pub const fn right(title: &'static str, width: usize) -> Self {
        Self { title, width, align: Align::Right }
    }

    /// A column of text of any length, never cut nor padded: the last one of its table.
    #[must_use]
    pub const fn open(title: &'static str) -> Self {
        Self { title, width: usize::MAX, align: Align::Left }
    }

    pub(super) const fn title(&self) -> &'static str {
        self.title
    }

    fn cell(&self, row: &mut Row<'_>, cell: &dyn Display) -> fmt::Result {
        let mut measure = Measure { width: 0 };
        write!(measure, "{cell}")?;
        let padding = match self.width {
            usize::MAX => 0,
            width => width.saturating_sub(measure.width),
        };
        if self.align == Align::Right {
            row.spaces += padding;
            return write!(row, "{cell}");
        }
        if measure.width <= self.width {
            write!(row, "{cell}")?;
        } else if let Some(room) = self.width.checked_sub(1) {
            write!(Cutter { row, room }, "{cell}")?;
            row.write_char(CUT)?;
        }
        row.spaces += padding;
        Ok(())
    }
}

/// A line being written. Spaces are held back until something follows them.
struct Row<'a> {
    out: &'a mut dyn Write,
    spaces: usize,
}

/// Passes on the first `room` characters.
struct Cutter<'a, 'b> {
    row: &'a mut Row<'b>,
    room: usize,
}

/// Counts characters.
struct Measure {
    width: usize,
}

impl Write for Row<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| self.write_char(c))
    }

    fn write_char(&mut self, c: char) -> fmt::Result {
        if c == ' ' {
            self.spaces += 1;
            return Ok(());
        }
        for _ in 0..core::mem::take(&mut self.spaces) {
            self.out.write_char(' ')?;
        }
        self.out.write_char(if c.is_control() { CONTROL } else { c })
    }
}

impl Write for Cutter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars().take(self.room) {
            self.row.write_char(c)?;
            self.room -= 1;
        }
        Ok(())
    }
}

impl Write for Measure {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.width = self.width.saturating_add(text.chars().count());
        Ok(())
    }
}

impl Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let mut shift = 0;
        for unit in UNITS {
            shift += 10;
            let (whole, part) = (self.0 >> shift, self.0 & ((1 << shift) - 1));
            // At most 10 * 2^60 + 2^59: it fits.
            let tenths = whole.saturating_mul(10).saturating_add((part * 10 + (1 << (shift - 1))) >> shift);
            // Rounding may reach the next unit: 1023.96 KiB is 1.0 MiB.
            if tenths < 10_240 || shift == 60 {
                return write!(f, "{}.{} {unit}", tenths / 10, tenths % 10);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
