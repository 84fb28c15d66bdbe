use core::fmt::Write;

use postcard_schema::Schema;

use super::{Bytes, Text, TooLong};

#[test]
fn cutting_falls_between_two_characters() {
    assert_eq!(Text::<4>::cut("abcdef"), "abcd");
    assert_eq!(Text::<4>::cut("abcé"), "abc");
    assert_eq!(Text::<2>::cut("😀"), "");
    assert_eq!(Text::<0>::cut("a"), "");
}

#[test]
fn text_that_does_not_fit_is_refused_whole() {
    assert_eq!(Text::<4>::try_from("abcd").unwrap(), "abcd");
    assert_eq!(Text::<4>::try_from("abcde"), Err(TooLong { len: 5, capacity: 4 }));
    assert_eq!(TooLong { len: 5, capacity: 4 }.to_string(), "5 bytes do not fit into 4");
}

#[test]
fn writing_keeps_what_fits_and_reports_the_rest() {
    let mut text = Text::<7>::new();
    assert!(write!(text, "uart{}", 0).is_ok());
    assert!(text.write_str("éé").is_err());
    assert_eq!(text, "uart0é");
    assert!(text.write_str("").is_ok());
    text.clear();
    assert!(text.is_empty());
    assert!(text.write_str("spi").is_ok());
    assert_eq!(text, Text::<3>::cut("spi"), "what was cleared does not count in a comparison");
}

#[test]
fn text_shows_as_a_string_does() {
    let text = Text::<8>::cut("a\"b");
    assert_eq!(format!("{text:>5}|{text:?}"), "  a\"b|\"a\\\"b\"");
    assert!(text < Text::cut("b"));
    assert_eq!(Text::<8>::default().len(), 0);
}

#[test]
fn text_travels_as_a_string() {
    assert_eq!(Text::<8>::SCHEMA, <str as Schema>::SCHEMA);
    let mut frame = [0; 16];
    let wire = postcard::to_slice(&Text::<8>::cut("näme"), &mut frame).unwrap();
    assert_eq!(wire, postcard::to_slice("näme", &mut [0; 16]).unwrap());
    assert_eq!(postcard::from_bytes::<Text<5>>(wire).unwrap(), "näme");
    assert!(postcard::from_bytes::<Text<4>>(wire).is_err(), "too long for the receiver");
    assert!(postcard::from_bytes::<Text<8>>(b"\x01\xff").is_err(), "not UTF-8");
}

#[test]
fn bytes_are_appended_whole_or_not_at_all() {
    let mut bytes = Bytes::<4>::new();
    assert_eq!(bytes.push(1), Ok(()));
    assert_eq!(bytes.extend(&[2, 3]), Ok(()));
    assert_eq!(bytes.extend(&[4, 5]), Err(TooLong { len: 5, capacity: 4 }));
    assert_eq!(bytes, &[1, 2, 3]);
    assert_eq!(bytes.push(4), Ok(()));
    assert_eq!(bytes.push(5), Err(TooLong { len: 5, capacity: 4 }));
    assert_eq!(bytes, Bytes::<9>::cut(&[1, 2, 3, 4]));
    assert_eq!(Bytes::<2>::cut(&[1, 2, 3]), &[1, 2]);
    assert!(Bytes::<2>::try_from(&[1, 2, 3][..]).is_err());
    bytes.clear();
    assert_eq!(bytes.as_slice(), b"");
    assert_eq!(format!("{:?}", Bytes::<4>::cut(b"a\0\"")), r#"b"a\x00\"""#);
}

#[test]
fn bytes_travel_as_a_byte_array() {
    assert_eq!(*Bytes::<8>::SCHEMA.ty, postcard_schema::schema::DataModelType::ByteArray);
    let mut frame = [0; 16];
    let wire = postcard::to_slice(&Bytes::<8>::cut(&[9, 8, 7]), &mut frame).unwrap();
    assert_eq!(wire, [3, 9, 8, 7]);
    assert_eq!(postcard::from_bytes::<Bytes<3>>(wire).unwrap(), &[9, 8, 7]);
    assert!(postcard::from_bytes::<Bytes<2>>(wire).is_err());
}
