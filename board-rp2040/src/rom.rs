//! Functions of the boot ROM, found as the datasheet says: by two letters, in a table of half-words.
//!
//! # Safety
//!
//! 1. The half-words at these addresses are the ROM's, of every revision: a table of its functions, and the function that
//!    looks one up. Memory that cannot be written is read.
//! 2. A function that is found has the type that the datasheet gives it: whoever names the letters says which.
#![expect(unsafe_code, reason = "the ROM is called through the addresses in its table")]

use core::{mem, num::NonZeroUsize, ptr};

const TABLE: *const u16 = ptr::without_provenance(0x14);
const LOOK_UP: *const u16 = ptr::without_provenance(0x18);

/// A function that takes nothing, and gives nothing back.
pub(crate) type Function = extern "C" fn();

/// A function without arguments; `None` if this ROM has none of the name.
pub(crate) fn find(letters: [u8; 2]) -> Option<Function> {
    // SAFETY: rule 2.
    address(letters).map(|address| unsafe { mem::transmute::<NonZeroUsize, Function>(address) })
}

/// Waits for an image over USB, as if the button had been held. Both of its interfaces are offered, and no pin blinks.
pub(crate) fn enter_boot_loader() {
    type Enter = extern "C" fn(u32, u32) -> !;
    if let Some(address) = address(*b"UB") {
        // SAFETY: rule 2.
        unsafe { mem::transmute::<NonZeroUsize, Enter>(address)(0, 0) }
    }
}

fn address(letters: [u8; 2]) -> Option<NonZeroUsize> {
    type LookUp = extern "C" fn(usize, u32) -> usize;
    // SAFETY: rules 1 and 2.
    let found = unsafe {
        let look_up = mem::transmute::<usize, LookUp>(usize::from(ptr::read_volatile(LOOK_UP)));
        look_up(usize::from(ptr::read_volatile(TABLE)), u32::from(u16::from_le_bytes(letters)))
    };
    NonZeroUsize::new(found)
}
