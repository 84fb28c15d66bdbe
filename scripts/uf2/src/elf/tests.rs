//! What is read from a small file made by hand, and what is refused.

use super::{ElfError, Segment, segments};

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
