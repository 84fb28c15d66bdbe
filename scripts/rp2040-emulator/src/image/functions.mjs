// The functions that an ELF file's symbol table names, with readable names.

const SECTION_SYMTAB = 2;
const SYMBOL_FUNCTION = 2;
const SYMBOL_SIZE = 16;

/** How Rust writes what a symbol may not have in it. */
const ESCAPES = { BP: '*', C: ',', GT: '>', LP: '(', LT: '<', RF: '&', RP: ')', SP: '@' };

/**
 * The functions of an ELF file that `readElf` has accepted, by rising address. A file without a symbol table, or with one
 * that is damaged, has none: it can be run all the same.
 *
 * @param {Buffer} file
 * @returns {{ name: string, start: number, size: number }[]}
 */
export function readFunctions(file) {
    try {
        const sections = readSections(file);
        const functions = sections.filter(({ type }) => type === SECTION_SYMTAB).flatMap((table) =>
            readTable(file, table, sections[table.link]),
        );
        return functions.sort((one, other) => one.start - other.start);
    } catch (error) {
        if (error instanceof RangeError || error instanceof TypeError) {
            return [];
        }
        throw error;
    }
}

function readSections(file) {
    const table = file.readUInt32LE(32);
    const entrySize = file.readUInt16LE(46);
    const count = table === 0 ? 0 : file.readUInt16LE(48);
    return Array.from({ length: count }, (_, index) => {
        const entry = table + index * entrySize;
        return {
            type: file.readUInt32LE(entry + 4),
            offset: file.readUInt32LE(entry + 16),
            size: file.readUInt32LE(entry + 20),
            link: file.readUInt32LE(entry + 24),
        };
    });
}

function readTable(file, { offset, size }, names) {
    const functions = [];
    for (let entry = offset; entry + SYMBOL_SIZE <= offset + size; entry += SYMBOL_SIZE) {
        if ((file[entry + 12] & 0xf) === SYMBOL_FUNCTION && file.readUInt32LE(entry + 8) > 0) {
            const start = names.offset + file.readUInt32LE(entry);
            const name = file.toString('latin1', start, file.indexOf(0, start));
            // The lowest bit says that it is Thumb code.
            const address = (file.readUInt32LE(entry + 4) & ~1) >>> 0;
            functions.push({ name: readable(name), start: address, size: file.readUInt32LE(entry + 8) });
        }
    }
    return functions;
}

/** A name as the source has it, if it is one of Rust's; the hash at its end is left out. */
export function readable(symbol) {
    let rest = /^_ZN(.*)E$/.exec(symbol)?.[1];
    const parts = [];
    while (rest) {
        const length = /^\d+/.exec(rest)?.[0];
        if (length === undefined) {
            return symbol;
        }
        const end = length.length + Number(length);
        parts.push(rest.slice(length.length, end));
        rest = rest.slice(end);
    }
    if (parts.length === 0) {
        return symbol;
    }
    return parts.filter((part) => !/^h[0-9a-f]{16}$/.test(part)).map(unescape).join('::');
}

function unescape(part) {
    return part
        .replace(/^_(?=\$)/, '')
        .replace(/\$u([0-9a-f]+)\$/g, (_, code) => String.fromCodePoint(parseInt(code, 16)))
        .replace(/\$([A-Z]+)\$/g, (whole, code) => ESCAPES[code] ?? whole)
        .replaceAll('..', '::');
}
