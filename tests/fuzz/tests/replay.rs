//! What fuzzing has found so far, once more.

use mnemos_fuzz::{TARGETS, corpus};

#[test]
fn every_input_that_was_kept_keeps_the_laws() {
    for (name, target) in TARGETS {
        let inputs = corpus::read(name).expect("the corpus can be read");
        assert!(!inputs.is_empty(), "{name} has no corpus");
        for (number, input) in inputs.iter().enumerate() {
            println!("{name} {}: {input:02x?}", number + 1);
            target(input);
        }
    }
}

#[test]
fn no_input_at_all_keeps_them_too() {
    for (_, target) in TARGETS {
        target(&[]);
    }
}
