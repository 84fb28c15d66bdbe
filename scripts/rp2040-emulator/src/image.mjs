// What an image file holds: pieces of memory, each with the address where it belongs.
//
// The format is told by the file's first bytes, never by its name: an ELF file, a UF2 file, and everything else is taken
// for the plain contents of flash. The parsers are pure: bytes in, pieces out.

import { isElf, readElf } from './image/elf.mjs';
import { readFunctions } from './image/functions.mjs';
import { isUf2, readUf2 } from './image/uf2.mjs';
import { ImageError } from './image/error.mjs';
import { FLASH, RAM } from './memory-map.mjs';

export { ImageError };

/**
 * @typedef {object} Image
 * @property {string} format
 * @property {{ address: number, bytes: Uint8Array }[]} pieces
 * @property {{ name: string, start: number, size: number }[]} functions by rising address; only ELF files know theirs
 */

/**
 * Reads an image from the bytes of its file.
 *
 * @param {Buffer} file
 * @returns {Image}
 * @throws {ImageError} when the file is damaged, empty, or has something outside of flash and RAM
 */
export function readImage(file) {
    const { format, pieces } = readFormat(file);
    if (pieces.length === 0) {
        throw new ImageError('it holds nothing to load');
    }
    for (const piece of pieces) {
        if (!fits(piece, FLASH) && !fits(piece, RAM)) {
            const start = piece.address.toString(16).padStart(8, '0');
            throw new ImageError(`it has ${piece.bytes.length} bytes for 0x${start}, which is neither flash nor RAM`);
        }
    }
    return { format, pieces, functions: format === 'ELF' ? readFunctions(file) : [] };
}

function readFormat(file) {
    if (isElf(file)) {
        return { format: 'ELF', pieces: readElf(file) };
    }
    if (isUf2(file)) {
        return { format: 'UF2', pieces: readUf2(file) };
    }
    const pieces = file.length > 0 ? [{ address: FLASH.start, bytes: file }] : [];
    return { format: 'bin', pieces };
}

function fits({ address, bytes }, region) {
    return address >= region.start && address + bytes.length <= region.start + region.size;
}
