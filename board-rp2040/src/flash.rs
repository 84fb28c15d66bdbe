//! The serial number of the chip, which is that of its flash: the RP2040 itself has none.
//!
//! The flash chip tells it in answer to a command, and cannot be read as memory meanwhile. So what speaks to it runs from
//! RAM, and calls nothing that is in flash.
//!
//! ```text
//!  ROM: connect, unmap │ select │ command, 4 bytes of nothing, 8 bytes of number │ deselect │ flush │ second stage: map
//! ```
//!
//! # Safety
//!
//! 1. Two registers of the flash controller and one of the pin that selects its chip are used, by this module alone, while
//!    flash is not mapped and interrupts are off. They are accessed volatile, with every value meant for them.
//! 2. `exchange` is linked into RAM. It calls the ROM, the second stage's copy on the stack, and nothing else: it has no
//!    arithmetic that is checked, no index and no call that might not be inlined. The emulator faults if it had.
//! 3. The second stage is code that runs at any address. It returns to whoever calls it, unless the link register is 0.
#![expect(unsafe_code, reason = "flash is taken away and given back")]

use core::{mem, ptr};

use cortex_m::interrupt;

use crate::{
    boot2::BOOT2_FIRMWARE,
    rom::{self, Function},
};

const STATUS: *const u32 = ptr::without_provenance(0x1800_0028);
const RECEIVED: u32 = 1 << 3;
const DATA: *mut u32 = ptr::without_provenance_mut(0x1800_0060);

/// Who drives the pin that selects the chip: the controller, or this.
const SELECT: *mut u32 = ptr::without_provenance_mut(0x4001_800c);
const SELECT_LOW: u32 = 2 << 8;
const SELECT_HIGH: u32 = 3 << 8;

const READ_SERIAL_NUMBER: u8 = 0x4b;
/// The command, as many bytes as the chip needs to think, and the number.
const EXCHANGED: usize = 1 + 4 + 8;

/// What `exchange` calls.
struct Functions {
    connect: Function,
    unmap: Function,
    flush: Function,
}

/// The serial number; `None` if the flash chip has none.
///
/// It takes 0.1 ms, in which interrupts are off.
pub(crate) fn serial_number() -> Option<u64> {
    let functions =
        Functions { connect: rom::find(*b"IF")?, unmap: rom::find(*b"EX")?, flush: rom::find(*b"FC")? };
    let second_stage = Code(BOOT2_FIRMWARE);
    // SAFETY: rule 3. Thumb code is called at an odd address.
    let map = unsafe { mem::transmute::<usize, Function>(second_stage.0.as_ptr().expose_provenance() | 1) };
    let mut bytes = [0; EXCHANGED];
    bytes[0] = READ_SERIAL_NUMBER;
    // SAFETY: rules 1 and 2.
    interrupt::free(|_| unsafe { exchange(&functions, map, &mut bytes) });
    let number = bytes.last_chunk().map(|number| u64::from_be_bytes(*number))?;
    // What no chip answers reads as all ones, or as nothing.
    (number != 0 && number != u64::MAX).then_some(number)
}

/// Instructions, aligned as instructions have to be.
#[repr(align(4))]
struct Code([u8; 256]);

/// Takes flash away, exchanges these bytes with its chip, and gives it back.
///
/// # Safety
///
/// Interrupts are off, and `map` maps flash.
// Rule 2.
#[unsafe(link_section = ".data.flash_exchange")]
#[inline(never)]
unsafe extern "C" fn exchange(functions: &Functions, map: Function, bytes: &mut [u8; EXCHANGED]) {
    let Functions { connect, unmap, flush } = *functions;
    connect();
    unmap();
    // SAFETY: rule 1.
    unsafe { ptr::write_volatile(SELECT, SELECT_LOW) };
    for byte in bytes {
        // SAFETY: rule 1.
        unsafe {
            ptr::write_volatile(DATA, *byte as u32);
            while ptr::read_volatile(STATUS) & RECEIVED == 0 {}
            *byte = ptr::read_volatile(DATA) as u8;
        }
    }
    // SAFETY: rule 1.
    unsafe { ptr::write_volatile(SELECT, SELECT_HIGH) };
    // It also gives the pin back to the controller.
    flush();
    map();
}
