//! Words of a command line that can be pasted into a shell.

/// A word as a shell reads it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+=:,@%".contains(&byte);
    match !word.is_empty() && word.bytes().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_can_be_pasted_into_a_shell() {
        assert_eq!(quoted("scripts/a.txt"), "scripts/a.txt");
        assert_eq!(quoted("my script's"), r"'my script'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
