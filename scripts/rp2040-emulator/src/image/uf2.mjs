// UF2 files, as the boot drive takes them: blocks of 512 bytes, each with a page and its address.

import { ImageError } from './error.mjs';

const BLOCK = 512;
const PAYLOAD_AT = 32;
const PAYLOAD_MAX = 476;

const MAGIC_FIRST = 0x0a324655;
const MAGIC_SECOND = 0x9e5d5157;
const MAGIC_LAST = 0x0ab16f30;

const FLAG_NOT_MAIN_FLASH = 0x0001;
const FLAG_FAMILY = 0x2000;
const FAMILY_RP2040 = 0xe48bff56;

/** Whether a file says that it is a UF2 file. */
export function isUf2(file) {
    return file.length >= 8 && file.readUInt32LE(0) === MAGIC_FIRST && file.readUInt32LE(4) === MAGIC_SECOND;
}

/**
 * The pages for flash. Blocks for another chip are passed over, as the boot drive does; a missing block is an error,
 * since the drive would wait for it.
 *
 * @throws {ImageError}
 */
export function readUf2(file) {
    if (file.length % BLOCK !== 0) {
        throw new ImageError('it is a UF2 file that ends within a block');
    }
    const pieces = [];
    for (let start = 0; start < file.length; start += BLOCK) {
        const block = file.subarray(start, start + BLOCK);
        const number = start / BLOCK;
        const size = block.readUInt32LE(16);
        if (!isUf2(block) || block.readUInt32LE(BLOCK - 4) !== MAGIC_LAST || size > PAYLOAD_MAX) {
            throw new ImageError(`it is a UF2 file, but its block ${number} is damaged`);
        }
        if (block.readUInt32LE(20) !== number || block.readUInt32LE(24) !== file.length / BLOCK) {
            throw new ImageError(`it is a UF2 file in which a block before block ${number} or at the end is missing`);
        }
        const flags = block.readUInt32LE(8);
        const foreign = (flags & FLAG_FAMILY) !== 0 && block.readUInt32LE(28) !== FAMILY_RP2040;
        if ((flags & FLAG_NOT_MAIN_FLASH) === 0 && !foreign) {
            const bytes = block.subarray(PAYLOAD_AT, PAYLOAD_AT + size);
            pieces.push({ address: block.readUInt32LE(12), bytes });
        }
    }
    return pieces;
}
