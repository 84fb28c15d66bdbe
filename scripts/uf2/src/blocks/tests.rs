//! What the blocks hold, and which images are refused.

use super::{BlocksError, of};
use crate::elf::Segment;

fn stored(stored_at: u32, bytes: &[u8]) -> Segment<'_> {
    Segment { stored_at, runs_at: stored_at, bytes, size: bytes.len() as u32 }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect()
}

#[test]
fn a_block_is_a_page_with_its_address_and_number() {
    let page = [7; 256];
    let file = of(&[stored(0x1000_0100, &page)]).unwrap();
    assert_eq!(file.len(), 512);
    let header = [0x0a32_4655, 0x9e5d_5157, 0x2000, 0x1000_0100, 256, 0, 1, 0xe48b_ff56];
    assert_eq!(words(&file[..32]), header);
    assert_eq!(file[32..288], page);
    assert_eq!(file[288..508], [0; 220]);
    assert_eq!(words(&file[508..]), [0x0ab1_6f30]);
}

#[test]
fn blocks_are_in_order_and_numbered_whatever_the_order_of_segments() {
    let file = of(&[stored(0x1000_1000, &[1; 300]), stored(0x1000_0000, &[2; 256])]).unwrap();
    let headers: Vec<_> = file.chunks(512).map(|block| words(&block[12..28])).collect();
    assert_eq!(
        headers,
        [[0x1000_0000, 256, 0, 3], [0x1000_1000, 256, 1, 3], [0x1000_1100, 256, 2, 3]].map(Vec::from)
    );
}

#[test]
fn segments_share_a_page_and_what_is_free_is_zero() {
    let file = of(&[stored(0x1000_0010, b"ab"), stored(0x1000_0014, b"c")]).unwrap();
    assert_eq!(file.len(), 512);
    assert_eq!(file[32..48], [0; 16]);
    assert_eq!(&file[48..56], b"ab\0\0c\0\0\0");
}

#[test]
fn what_is_not_stored_needs_no_flash() {
    let cleared = Segment { stored_at: 0x2000_0000, runs_at: 0x2000_0000, bytes: b"", size: 4096 };
    assert_eq!(of(&[stored(0x1000_0000, b"a"), cleared]).map(|file| file.len()), Ok(512));
}

#[test]
fn images_outside_of_flash_are_refused() {
    for (address, length) in [(0, 4), (0x0fff_fffe, 4), (0x10ff_fffe, 4), (0x2000_0000, 4), (u32::MAX - 1, 4)]
    {
        let bytes = vec![1; length];
        let refused = of(&[stored(0x1000_0000, b"a"), stored(address, &bytes)]);
        assert_eq!(refused, Err(BlocksError::OutsideOfFlash { address, length }));
    }
    assert!(of(&[stored(0x10ff_fffc, &[1; 4])]).is_ok());
}

#[test]
fn an_image_of_nothing_is_refused() {
    assert_eq!(of(&[]), Err(BlocksError::Empty));
    assert_eq!(of(&[stored(0x1000_0000, b"")]), Err(BlocksError::Empty));
}

#[test]
fn the_refusal_is_a_sentence_with_addresses() {
    let refused = BlocksError::OutsideOfFlash { address: 0x2000_0000, length: 12 };
    assert_eq!(
        refused.to_string(),
        "12 bytes at 0x20000000 are outside of the RP2040's flash, 0x10000000 to 0x10ffffff; is this an image for it, \
         linked with its memory.x?"
    );
}
