// Where things are in the RP2040's address space. Everything else answers with a bus fault.

export const ROM = { start: 0x0000_0000, size: 16 * 1024 };
/** Flash as far as the chip can address it; images use as much of it as their board has. */
export const FLASH = { start: 0x1000_0000, size: 16 * 1024 * 1024 };
/** Flash four times, with and without the cache. */
const FLASH_ALIASES = { start: 0x1000_0000, size: 0x0400_0000 };
const FLASH_CONTROLLER = { start: 0x1800_0000, size: 0x4000 };
export const RAM = { start: 0x2000_0000, size: 264 * 1024 };
const APB = { start: 0x4000_0000, size: 0x7_0000 };
const AHB = { start: 0x5000_0000, size: 0x40_0000 };
const SINGLE_CYCLE_IO = { start: 0xd000_0000, size: 0x180 };
/** The core's own registers, its private peripheral bus. */
const PRIVATE = { start: 0xe000_0000, size: 0x10_0000 };

const READABLE = [ROM, FLASH_ALIASES, FLASH_CONTROLLER, RAM, APB, AHB, SINGLE_CYCLE_IO, PRIVATE];
const WRITABLE = [FLASH_CONTROLLER, RAM, APB, AHB, SINGLE_CYCLE_IO, PRIVATE];
const EXECUTABLE = [ROM, FLASH_ALIASES, RAM];

/** Whether an address lies in a region. Both are unsigned. */
export function isWithin(region, address) {
    return address >= region.start && address - region.start < region.size;
}

/** Whether something answers when this address is read. */
export function isReadable(address) {
    return READABLE.some((region) => isWithin(region, address));
}

/** Whether something takes what is written to this address. Flash is written by the ROM's functions only. */
export function isWritable(address) {
    return WRITABLE.some((region) => isWithin(region, address));
}

/** Whether the core may fetch instructions here. */
export function isExecutable(address) {
    return EXECUTABLE.some((region) => isWithin(region, address));
}

/** Whether an address lies in flash, with the cache or without. */
export function isFlash(address) {
    return isWithin(FLASH_ALIASES, address);
}

/** Whether an address belongs to the core's own registers. */
export function isPrivate(address) {
    return isWithin(PRIVATE, address);
}
