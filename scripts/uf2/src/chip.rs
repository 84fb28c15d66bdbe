//! Where the RP2040 has its memories.

use std::ops::Range;

/// Flash, as far as the chip can address it. How much is there depends on the board; the linker script knows.
pub(crate) const FLASH: Range<u32> = 0x1000_0000..0x1100_0000;

/// All banks of RAM.
pub(crate) const RAM: Range<u32> = 0x2000_0000..0x2004_2000;
