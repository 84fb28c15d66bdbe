//! What is read from a small file made by hand, and what is refused.

use super::{ElfError, Segment, Symbol, segments, symbols};

/// A file with these segments: type, offset, address to run at, address to store at, bytes stored, bytes in memory.
fn file(entries: &[[u32; 6]], data: &[u8]) -> Vec<u8> {
    const HEADER: usize = 52;
    const ENTRY: usize = 32;
    let mut file = vec![0; HEADER];
    file[..6].copy_from_slice(b"\x7fELF\x01\x01");
    file[18] = 40;
    file[28] = HEADER as u8;
    file[42] = ENTRY as u8;
    file[44] = entries.len() as u8;
    for entry in entries {
        file.extend(entry.iter().flat_map(|word| word.to_le_bytes()));
        // Flags and alignment.
        file.extend([0; 8]);
    }
    file.extend(data);
    file
}

#[test]
fn loaded_segments_are_read_and_others_are_not() {
    let stored_at = 52 + 3 * 32;
    let file = file(
        &[
            [1, stored_at, 0x2000_0000, 0x1000_0200, 3, 8],
            [4, stored_at, 0x1000_0000, 0x1000_0000, 5, 5],
            [1, stored_at + 3, 0x1000_0100, 0x1000_0100, 2, 2],
        ],
        b"abcde",
    );
    let expected = [
        Segment { stored_at: 0x1000_0200, runs_at: 0x2000_0000, bytes: b"abc", size: 8 },
        Segment { stored_at: 0x1000_0100, runs_at: 0x1000_0100, bytes: b"de", size: 2 },
    ];
    assert_eq!(segments(&file).as_deref(), Ok(&expected[..]));
}

#[test]
fn files_for_other_machines_are_refused() {
    let good = file(&[], b"");
    assert_eq!(segments(&good), Ok(Vec::new()));
    // 64 bits, big endian, x86.
    for (at, value) in [(0, b'M'), (4, 2), (5, 2), (18, 3)] {
        let mut bad = good.clone();
        bad[at] = value;
        assert_eq!(segments(&bad), Err(ElfError::NotAnImage));
    }
    assert_eq!(segments(b""), Err(ElfError::NotAnImage));
    assert_eq!(segments(b"\x7fELF"), Err(ElfError::NotAnImage));
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_an_error() {
    let whole = file(&[[1, 84, 0x1000_0000, 0x1000_0000, 4, 4]], b"abcd");
    assert!(segments(&whole).is_ok());
    for length in 0..whole.len() {
        assert!(segments(&whole[..length]).is_err(), "the first {length} bytes");
    }
}

#[test]
fn offsets_beyond_the_file_are_an_error() {
    for entry in [[1, u32::MAX, 0, 0, 1, 1], [1, 84, 0, 0, u32::MAX, 1], [1, 80, 0, 0, 9, 9]] {
        assert_eq!(segments(&file(&[entry], b"abcd")), Err(ElfError::CutOff));
    }
    let mut far_table = file(&[[1, 84, 0, 0, 0, 0]], b"");
    far_table[28..32].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(segments(&far_table), Err(ElfError::CutOff));
}

/// A file with a table of symbols: name, address and size of each. Sections: the symbols, and their names.
fn file_with_symbols(entries: &[(&str, u32, u32)]) -> Vec<u8> {
    let (mut table, mut names) = (Vec::new(), Vec::new());
    for (name, address, size) in entries {
        table.extend([names.len() as u32, *address, *size, 0].iter().flat_map(|word| word.to_le_bytes()));
        names.extend(name.bytes().chain([0]));
    }
    let mut file = file(&[], b"");
    let table_at = file.len() as u32;
    let names_at = table_at + table.len() as u32;
    let sections_at = names_at + names.len() as u32;
    file.extend(&table);
    file.extend(&names);
    for words in [
        [0, 2, 0, 0, table_at, table.len() as u32, 1, 0, 0, 16],
        [0, 3, 0, 0, names_at, names.len() as u32, 0, 0, 0, 0],
    ] {
        file.extend(words.iter().flat_map(|word: &u32| word.to_le_bytes()));
    }
    file[32..36].copy_from_slice(&sections_at.to_le_bytes());
    file[46] = 40;
    file[48] = 2;
    file
}

#[test]
fn symbols_are_read_with_their_names() {
    let file = file_with_symbols(&[("first", 0x1000_0001, 8), ("", 0, 0), ("second", 0x2000_0000, 4)]);
    let expected = [
        Symbol { name: "first", address: 0x1000_0001, size: 8 },
        Symbol { name: "", address: 0, size: 0 },
        Symbol { name: "second", address: 0x2000_0000, size: 4 },
    ];
    assert_eq!(symbols(&file).as_deref(), Ok(&expected[..]));
    // What the last section's entry ends with is not needed.
    for length in 0..file.len() - 16 {
        assert!(symbols(&file[..length]).is_err(), "the first {length} bytes");
    }
}
