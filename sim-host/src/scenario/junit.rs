//! Reports for tools that read JUnit's XML.

use std::fmt::Write as _;

use super::report::{Report, Seconds, Verdict};

/// Reports as a JUnit XML document: one suite, and a case for each scenario. Times are the machine's; the same reports make
/// the same bytes.
///
/// ```
/// let document = sim_host::scenario::junit(&[]);
/// assert!(document.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "));
/// ```
pub fn junit(reports: &[Report]) -> String {
    let failed = reports.iter().filter(|report| !report.passed()).count();
    let lived =
        reports.iter().fold(kernel::time::Duration::ZERO, |all, report| all.saturating_add(report.lived));
    let counts =
        format!("tests=\"{}\" failures=\"{failed}\" errors=\"0\" time=\"{}\"", reports.len(), Seconds(lived));
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string cannot fail.
    let _ = writeln!(text, "<testsuites {counts}>\n  <testsuite name=\"scenarios\" {counts} skipped=\"0\">");
    reports.iter().for_each(|report| case(&mut text, report));
    text += "  </testsuite>\n</testsuites>\n";
    text
}

fn case(text: &mut String, report: &Report) {
    let name = attribute(&report.name);
    let _ = write!(
        text,
        "    <testcase name=\"{name}\" classname=\"sim-host.scenario\" file=\"{name}\" time=\"{}\"",
        Seconds(report.lived)
    );
    let (line, message, details) = match &report.verdict {
        Verdict::Passed => (0, None, String::new()),
        Verdict::Failed(failed) => (failed.line, Some(failed.why.to_string()), failed.to_string()),
        Verdict::OutOfTime { line, column } => {
            (*line, Some("the time was up".to_owned()), format!("{line}:{column}: the time was up"))
        }
    };
    if line > 0 {
        let _ = write!(text, " line=\"{line}\"");
    }
    text.push_str(">\n");
    if let Some(message) = message {
        let kind = if matches!(report.verdict, Verdict::OutOfTime { .. }) { "time" } else { "expectation" };
        let (message, details) = (attribute(&message), content(&details));
        let _ =
            writeln!(text, "      <failure type=\"{kind}\" message=\"{message}\">{name}:{details}</failure>");
    }
    if !report.screenshots.is_empty() {
        text.push_str("      <system-out>");
        for screenshot in &report.screenshots {
            let _ = writeln!(text, "{}", content(&screenshot.to_string()));
        }
        text.push_str("</system-out>\n");
    }
    text.push_str("    </testcase>\n");
}

/// Text as XML 1.0 has it. Characters that it cannot have are replaced.
struct Escaped<'a> {
    text: &'a str,
    /// It is an attribute's: line ends would be read as blanks.
    attribute: bool,
}

fn attribute(text: &str) -> Escaped<'_> {
    Escaped { text, attribute: true }
}

fn content(text: &str) -> Escaped<'_> {
    Escaped { text, attribute: false }
}

impl Escaped<'_> {
    fn white(&self, f: &mut std::fmt::Formatter<'_>, character: char) -> std::fmt::Result {
        if self.attribute { write!(f, "&#{};", character as u32) } else { f.write_char(character) }
    }
}

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for character in self.text.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\n' | '\t' => self.white(f, character)?,
                '\u{fffe}' | '\u{ffff}' => f.write_char(char::REPLACEMENT_CHARACTER)?,
                control if control < ' ' => f.write_char(char::REPLACEMENT_CHARACTER)?,
                plain => f.write_char(plain)?,
            }
        }
        Ok(())
    }
}
