// ELF files, as the linker writes them: the loadable segments, at the addresses where they are stored.

import { ImageError } from './error.mjs';

const MAGIC = 0x7f454c46;
const CLASS_32 = 1;
const LITTLE_ENDIAN = 1;
const MACHINE_ARM = 40;
const SEGMENT_LOAD = 1;

const HEADER_SIZE = 52;
const SEGMENT_SIZE = 32;

/** Whether a file says that it is an ELF file. */
export function isElf(file) {
    return file.length >= 4 && file.readUInt32BE(0) === MAGIC;
}

/**
 * The segments to load. `.data` is stored in flash, whence the image itself copies it: so it is the physical address
 * that counts.
 *
 * @throws {ImageError}
 */
export function readElf(file) {
    if (file.length < HEADER_SIZE) {
        throw new ImageError('it is an ELF file that ends within its header');
    }
    if (file[4] !== CLASS_32 || file[5] !== LITTLE_ENDIAN || file.readUInt16LE(18) !== MACHINE_ARM) {
        throw new ImageError('it is an ELF file for another machine: build it for thumbv6m-none-eabi');
    }
    const table = file.readUInt32LE(28);
    const entrySize = file.readUInt16LE(42);
    const count = file.readUInt16LE(44);
    if (count > 0 && (entrySize < SEGMENT_SIZE || table + entrySize * count > file.length)) {
        throw new ImageError('it is an ELF file that ends within its table of segments');
    }
    const pieces = [];
    for (let index = 0; index < count; index++) {
        const entry = table + index * entrySize;
        const offset = file.readUInt32LE(entry + 4);
        const address = file.readUInt32LE(entry + 12);
        const size = file.readUInt32LE(entry + 16);
        if (file.readUInt32LE(entry) !== SEGMENT_LOAD || size === 0) {
            continue;
        }
        if (offset + size > file.length) {
            throw new ImageError('it is an ELF file that ends within a segment');
        }
        pieces.push({ address, bytes: file.subarray(offset, offset + size) });
    }
    return pieces;
}
