//! The JSON that the console prints, with names in it that may be anything.

use kernel::services::console::json::Json;

use crate::Choices;

/// Whatever the values are, what comes out is JSON, and says what went in.
pub fn run(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let mut out = String::new();
    let mut json = Json::new(&mut out);
    // What is open: an object, or an array.
    let mut open = vec![false];
    let mut texts = Vec::new();
    json.begin_array().expect("the first one fits");
    while !choices.is_empty() {
        let choice = choices.byte();
        if choice % 8 == 0 && open.len() > 1 {
            json.end().expect("something is open");
            open.pop();
            continue;
        }
        if open.last() == Some(&true) {
            let key = choices.text();
            json.key(&key).expect("an object is open");
        }
        match choice % 8 {
            0 | 1 => {
                let text = choices.text();
                json.string(&text).expect("a string takes everything");
                texts.push(text);
            }
            2 => drop(json.number(u64::from_be_bytes([choices.byte(); 8])).expect("as above")),
            3 => drop(json.signed(i64::from_be_bytes([choices.byte(); 8])).expect("as above")),
            4 => drop(json.boolean(choices.byte() % 2 == 0).expect("as above")),
            5 => drop(json.null().expect("as above")),
            which => {
                let begun = if which == 6 { json.begin_object() } else { json.begin_array() };
                match begun {
                    Ok(_) => open.push(which == 6),
                    // As deep as it gets.
                    Err(_) => drop(json.null().expect("as above")),
                }
            }
        }
    }
    for _ in &open {
        json.end().expect("something is open");
    }
    json.end_line().expect("nothing is open");
    assert!(out.bytes().all(|byte| byte >= b' ' && byte != 0x7f || byte == b'\n'), "control characters");
    let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let mut read = Vec::new();
    strings(&value, &mut read);
    // A key that comes twice in an object hides what came first.
    assert!(read.len() <= texts.len());
    assert!(read.iter().all(|text| texts.contains(text)), "a string that nobody wrote");
}

fn strings(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => found.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        serde_json::Value::Object(fields) => fields.values().for_each(|field| strings(field, found)),
        _ => {}
    }
}
