use super::{Words, WordsError};

fn all(line: &str) -> Vec<Result<&str, WordsError>> {
    Words::new(line).collect()
}

#[test]
fn white_space_of_any_length_separates_words() {
    assert_eq!(all("  heap \t stat  "), [Ok("heap"), Ok("stat")]);
    assert_eq!(all("heap"), [Ok("heap")]);
}

#[test]
fn a_blank_line_has_no_words() {
    assert_eq!(all(""), []);
    assert_eq!(all(" \t "), []);
}

#[test]
fn a_quoted_word_may_hold_white_space_the_other_quote_or_nothing() {
    assert_eq!(all(r#"say "a b" 'c "d"' """#), [Ok("say"), Ok("a b"), Ok("c \"d\""), Ok("")]);
}

#[test]
fn a_quote_inside_a_word_is_an_ordinary_character() {
    assert_eq!(all(r#"it's {"a":1}"#), [Ok("it's"), Ok("{\"a\":1}")]);
}

#[test]
fn an_unclosed_quote_is_an_error_that_says_where_and_ends_the_line() {
    let error = WordsError::UnclosedQuote { quote: '"', column: 4 };
    assert_eq!(all("né \"x y"), [Ok("né"), Err(error)]);
    assert_eq!(error.to_string(), "the quote \" opened at column 4 is never closed");
    assert_eq!(all("'"), [Err(WordsError::UnclosedQuote { quote: '\'', column: 1 })]);
}

#[test]
fn text_that_touches_a_closing_quote_is_an_error_that_says_where() {
    let error = WordsError::TextAfterQuote { column: 6 };
    assert_eq!(all("a 'b'c d"), [Ok("a"), Err(error)]);
    assert_eq!(error.to_string(), "a space is missing after the closing quote, at column 6");
}

#[test]
fn the_rest_is_untouched_after_each_word() {
    let mut words = Words::new(" call  'my echo'   Say { text: \"hi  \" } ");
    assert_eq!(words.rest(), "call  'my echo'   Say { text: \"hi  \" } ");
    words.next();
    assert_eq!(words.rest(), "'my echo'   Say { text: \"hi  \" } ");
    words.next();
    assert_eq!(words.rest(), "Say { text: \"hi  \" } ");
}

#[test]
fn the_rest_after_the_last_word_and_after_an_error_is_empty() {
    let mut words = Words::new("stat");
    words.next();
    assert_eq!(words.rest(), "");
    let mut words = Words::new("'stat");
    words.next();
    assert_eq!(words.rest(), "");
}

#[cfg(not(miri))]
proptest::proptest! {
    #[test]
    fn any_line_ends_with_every_plain_word_found(line in "\\PC{0,40}|[ \"'ab\t]{0,20}") {
        let words = all(&line);
        if !line.contains(['"', '\'']) {
            let expected: Vec<_> = line.split_whitespace().map(Ok).collect();
            proptest::prop_assert_eq!(words, expected);
        } else {
            let errors = words.iter().filter(|word| word.is_err()).count();
            proptest::prop_assert!(errors <= 1);
            proptest::prop_assert!(words.iter().rev().skip(1).all(Result::is_ok));
        }
    }
}
