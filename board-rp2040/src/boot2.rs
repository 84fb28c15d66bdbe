//! The second-stage boot loader: the first 256 bytes of flash, which the boot ROM copies to RAM and runs to set up
//! fast execution from flash.
//!
//! # Safety
//!
//! 1. The section `.boot2` holds this block and nothing else: `memory.x` places it at the start of flash and
//!    refuses to link unless it is 256 bytes long.
//! 2. The symbol `BOOT2_FIRMWARE` exists once in an image, so no other crate may define it; `memory.x` names it so
//!    that the linker takes this object although no code refers to it.
#![expect(unsafe_code, reason = "a link section and an exported symbol are promises to the linker")]

/// For the Winbond W25Q family and flash chips compatible with it, as on the Pico. It carries its own checksum.
// Rules 1 and 2.
#[unsafe(link_section = ".boot2")]
#[unsafe(no_mangle)]
#[used]
pub(crate) static BOOT2_FIRMWARE: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;
