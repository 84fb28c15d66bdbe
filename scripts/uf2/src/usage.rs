//! What of the chip an image takes, as a whole and module by module.

use std::{collections::BTreeMap, fmt};

use crate::{
    chip::{FLASH, RAM},
    elf::{Segment, Symbol},
};

#[cfg(test)]
mod tests;

/// Bytes that an image takes, in lines of a name and a number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    flash: u64,
    /// Variables, with what their start-up values and zeros take.
    ram: u64,
    /// Memory that is set apart for the stack, and what is left for the heap, if the linker script says so.
    stack: Option<u32>,
    heap: Option<u32>,
}

impl Usage {
    pub(crate) fn of(segments: &[Segment<'_>], symbols: &[Symbol<'_>]) -> Usage {
        let address_of =
            |name| symbols.iter().find(|symbol| symbol.name == name).map(|symbol| symbol.address);
        let between = |start, end| address_of(end)?.checked_sub(address_of(start)?);
        let in_ram = |segment: &&Segment<'_>| RAM.contains(&segment.runs_at);
        Usage {
            flash: segments.iter().map(|segment| segment.bytes.len() as u64).sum(),
            ram: segments.iter().filter(in_ram).map(|segment| u64::from(segment.size)).sum(),
            stack: between("_stack_end", "_stack_start"),
            heap: between("_heap_start", "_heap_end"),
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "flash {}\nram {}\n", self.flash, self.ram)?;
        if let Some(stack) = self.stack {
            writeln!(f, "stack {stack}")?;
        }
        if let Some(heap) = self.heap {
            writeln!(f, "heap {heap}")?;
        }
        Ok(())
    }
}

/// Bytes of flash and of RAM that each module takes, the largest first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Modules(Vec<(String, u64, u64)>);

impl Modules {
    /// Counts what has a name; the rest are constants, vectors and padding.
    pub(crate) fn of(symbols: &[Symbol<'_>]) -> Modules {
        // Functions with the same code share one place under several names; it counts once.
        let places: BTreeMap<u32, &Symbol<'_>> =
            symbols.iter().filter(|symbol| symbol.size > 0).map(|symbol| (symbol.address, symbol)).collect();
        let mut modules = BTreeMap::<String, (u64, u64)>::new();
        for symbol in places.into_values() {
            let (flash, ram) = modules.entry(module_of(symbol.name)).or_default();
            if FLASH.contains(&symbol.address) {
                *flash += u64::from(symbol.size);
            } else if RAM.contains(&symbol.address) {
                *ram += u64::from(symbol.size);
            }
        }
        let mut modules: Vec<_> =
            modules.into_iter().map(|(name, (flash, ram))| (name, flash, ram)).collect();
        modules.sort_by_key(|(_, flash, ram)| std::cmp::Reverse((*flash, *ram)));
        Modules(modules)
    }
}

impl fmt::Display for Modules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:28}  {:>7}  {:>7}", "MODULE", "FLASH", "RAM")?;
        for (name, flash, ram) in &self.0 {
            writeln!(f, "{name:28}  {flash:7}  {ram:7}")?;
        }
        Ok(())
    }
}

/// The module that a symbol is from, as far as its mangled name says: the crate, and of the kernel the module in it.
fn module_of(symbol: &str) -> String {
    let path = if let Some(mangled) = symbol.strip_prefix("_ZN") {
        legacy_path(mangled)
    } else if symbol.starts_with("_R") {
        v0_crate(symbol).into_iter().collect()
    } else {
        Vec::new()
    };
    match path.as_slice() {
        [krate, module, ..] if *krate == "kernel" => format!("{krate}::{module}"),
        [krate, ..] => (*krate).to_owned(),
        [] => "(not Rust)".to_owned(),
    }
}

/// The path of a name in the older mangling: each part behind its length, as in `6kernel4heap`. Of an implementation
/// it is the first path in it, as in `_$LT$kernel..heap..Heap$u20$as...`.
fn legacy_path(mangled: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = mangled;
    while let Some((part, after)) = counted(rest) {
        parts.push(part);
        rest = after;
    }
    match parts.first() {
        Some(part) if part.starts_with("_$LT$") => {
            let path = part.split('$').find(|piece| piece.contains(".."));
            path.into_iter().flat_map(|path| path.split("..")).collect()
        }
        _ => parts,
    }
}

/// The crate of a name in the newer mangling: behind a `C`, a disambiguator and a length, as in `Cs9ltgdHTiPiY_4core`.
fn v0_crate(mangled: &str) -> Option<&str> {
    let (_, krate) = mangled.split_once("Cs")?;
    let (_disambiguator, krate) = krate.split_once('_')?;
    counted(krate).map(|(name, _)| name)
}

/// What stands behind its length in decimal, and what follows. A name that begins with an underscore has one more
/// before it in the newer mangling, which is not counted.
fn counted(text: &str) -> Option<(&str, &str)> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (length, rest) = text.split_at(digits);
    let rest = if rest.starts_with("___") { &rest[1..] } else { rest };
    rest.split_at_checked(length.parse().ok()?)
}
