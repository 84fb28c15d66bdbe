use std::fmt;

use super::{DEPTH_LIMIT, Json};

fn written(write: impl FnOnce(&mut Json<'_>) -> fmt::Result) -> String {
    let mut out = String::new();
    write(&mut Json::new(&mut out)).unwrap();
    out
}

#[test]
fn commas_stand_between_items_and_nowhere_else() {
    let text = written(|json| {
        json.begin_object()?.key("a")?.begin_array()?.number(1)?.begin_array()?.end()?.signed(-2)?.end()?;
        json.key("b")?.begin_object()?.end()?.key("c")?.null()?.key("d")?.boolean(true)?.end()?;
        Ok(())
    });
    assert_eq!(text, r#"{"a":[1,[],-2],"b":{},"c":null,"d":true}"#);
}

#[test]
fn strings_and_keys_are_escaped() {
    let text = written(|json| {
        json.begin_object()?.key("\"")?.string("a\\\"\n\r\t\u{1}\u{7f}\u{9b}é\u{1f600}")?.end()?;
        Ok(())
    });
    assert_eq!(text, "{\"\\\"\":\"a\\\\\\\"\\n\\r\\t\\u0001\\u007f\\u009bé\u{1f600}\"}");
}

#[test]
fn numbers_keep_every_digit() {
    let text = written(|json| {
        json.begin_array()?.number(u64::MAX)?.signed(i64::MIN)?.end()?;
        Ok(())
    });
    assert_eq!(text, "[18446744073709551615,-9223372036854775808]");
}

#[test]
fn each_line_is_a_value_of_its_own() {
    let text = written(|json| {
        for n in 0..2 {
            json.begin_object()?.key("n")?.number(n)?.end()?.end_line()?;
        }
        Ok(())
    });
    assert_eq!(text, "{\"n\":0}\n{\"n\":1}\n");
}

#[test]
fn nesting_deeper_than_the_limit_is_an_error() {
    let mut out = String::new();
    let mut json = Json::new(&mut out);
    for _ in 0..DEPTH_LIMIT {
        json.begin_array().unwrap();
    }
    assert!(json.begin_object().is_err());
    for _ in 0..DEPTH_LIMIT {
        json.end().unwrap();
    }
    assert_eq!(out, "[".repeat(32) + &"]".repeat(32));
}

#[test]
#[should_panic(expected = "a value in an object needs a key")]
fn a_value_without_its_key_is_refused() {
    written(|json| json.begin_object()?.number(1).map(drop));
}

#[test]
#[should_panic(expected = "a key belongs into an object")]
fn a_key_in_an_array_is_refused() {
    written(|json| json.begin_array()?.key("a").map(drop));
}

#[test]
#[should_panic(expected = "a key awaits its value")]
fn closing_after_a_bare_key_is_refused() {
    written(|json| json.begin_object()?.key("a")?.end().map(drop));
}

#[test]
#[should_panic(expected = "nothing is open")]
fn closing_nothing_is_refused() {
    written(|json| json.end().map(drop));
}
