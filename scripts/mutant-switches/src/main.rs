//! Puts mutants into a program, each behind a switch, so that one build is enough to try them all.
//!
//! `mutant-switches FROM TO < mutants.json > places.json` reads the sources in the folder `FROM`, and writes those with
//! switches to `TO`. The mutants are what `cargo mutants --list --json` says, each with a number of its own, `id`. A sum
//! `a + b` that has the mutants 7 and 8 becomes
//!
//! ```text
//! (match crate::mutant::on(&[7, 8]) { 0 => { (a + b) } 1 => { ((a) - (b)) } _ => { ((a) * (b)) } })
//! ```
//!
//! The answer says where in the new sources each switch and each mutant stands, so that an error of the compiler tells whose
//! it is, and which mutants have no switch: those of what the walk below does not know.

use std::{collections::BTreeMap, error::Error, fs, io, path::Path};

use serde::{Deserialize, Serialize};

use crate::sites::{Site, Sites};

mod sites;

#[derive(Deserialize)]
struct Mutant {
    id: u32,
    file: String,
    genre: String,
    replacement: String,
    span: Span,
}

#[derive(Deserialize)]
struct Span {
    start: Position,
    end: Position,
}

/// Both count from 1.
#[derive(Deserialize)]
struct Position {
    line: usize,
    column: usize,
}

#[derive(Default, Serialize)]
struct Answer {
    places: Vec<Place>,
    without_switch: Vec<u32>,
}

/// Bytes of a new source that are a mutant, or a switch with all of its mutants.
#[derive(Serialize)]
struct Place {
    file: String,
    start: usize,
    end: usize,
    mutants: Vec<u32>,
    is_switch: bool,
}

/// A text to be put into a source. Around the same place the wider one is outside.
struct Insertion {
    at: usize,
    closes: bool,
    width: usize,
    mutants: Vec<u32>,
    /// Each with the mutant that it is.
    pieces: Vec<(String, Option<u32>)>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let [from, to] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "give FROM and TO")?;
    let mut files: BTreeMap<String, Vec<Mutant>> = BTreeMap::new();
    for mutant in serde_json::from_reader::<_, Vec<Mutant>>(io::stdin())? {
        files.entry(mutant.file.clone()).or_default().push(mutant);
    }
    let mut answer = Answer::default();
    for (file, mutants) in files {
        let source = fs::read_to_string(Path::new(&from).join(&file))?;
        let insertions = insertions(&source, mutants, &mut answer)?;
        fs::write(Path::new(&to).join(&file), rewritten(&file, &source, insertions, &mut answer))?;
    }
    serde_json::to_writer(io::stdout(), &answer)?;
    Ok(())
}

/// The switches of a source: mutants of one place share one.
fn insertions(source: &str, mutants: Vec<Mutant>, answer: &mut Answer) -> Result<Vec<Insertion>, syn::Error> {
    let sites = Sites::of(source)?;
    let mut groups: BTreeMap<(usize, usize, String), Vec<Mutant>> = BTreeMap::new();
    for mutant in mutants {
        let byte = |position: &Position| sites.byte(position.line, position.column - 1);
        let (start, end) = (byte(&mutant.span.start), byte(&mutant.span.end));
        groups.entry((start, end, mutant.genre.clone())).or_default().push(mutant);
    }
    let mut insertions = Vec::new();
    for ((start, end, genre), mutants) in groups {
        let ids: Vec<u32> = mutants.iter().map(|mutant| mutant.id).collect();
        let on = format!("crate::mutant::on(&{ids:?})");
        let mut put = |at, closes, width, pieces| {
            insertions.push(Insertion { at, closes, width, mutants: ids.clone(), pieces });
        };
        let mut around = |(start, end), outside: usize, with: &dyn Fn(&Mutant) -> String| {
            let width = 3 * (end - start) + outside;
            put(start, false, width, vec![(format!("(match {on} {{ 0 => {{ ("), None)]);
            let mutants = mutants.iter().map(|mutant| (mutant.id, format!("{{ ({}) }}", with(mutant))));
            put(
                end,
                true,
                width,
                [vec![(") }".into(), None)], arms(mutants.collect()), vec![(")".into(), None)]].concat(),
            );
        };
        match (genre.as_str(), sites.get(start, genre == "MatchArm")) {
            // The body returns early.
            ("FnValue", _) => {
                let mutants =
                    mutants.iter().map(|mutant| (mutant.id, format!("{{ return {}; }}", mutant.replacement)));
                let pieces =
                    [vec![(format!("match {on} {{ 0 => {{}}"), None)], arms(mutants.collect())].concat();
                put(start, false, 3 * (end - start) + 2, pieces);
            }
            ("BinaryOperator", Some(Site::Binary { whole, left, right })) => {
                around(*whole, 0, &|mutant| {
                    let (left, right) = (&source[left.0..left.1], &source[right.0..right.1]);
                    match mutant.replacement.as_str() {
                        operator @ ("==" | "!=" | "<=" | ">=") => format!("({left}) {operator} ({right})"),
                        assignment if assignment.ends_with('=') => format!("{left} {assignment} ({right})"),
                        operator => format!("({left}) {operator} ({right})"),
                    }
                });
            }
            ("UnaryOperator", Some(Site::Unary { whole, operand })) => {
                around(*whole, 0, &|_| source[operand.0..operand.1].to_owned());
            }
            ("MatchArmGuard", _) if sites.is_plain_guard(start) => {
                around((start, end), 1, &|mutant| mutant.replacement.clone());
            }
            // The arm gets a guard.
            ("MatchArm", Some(Site::Arm { pattern_end, guard })) => match guard {
                Some(guard) => put(*guard, false, usize::MAX, vec![(format!("{on} == 0 && "), None)]),
                None => put(*pattern_end, false, usize::MAX, vec![(format!(" if {on} == 0"), None)]),
            },
            _ => answer.without_switch.extend(&ids),
        }
    }
    Ok(insertions)
}

/// The arms of a switch after the first, and its end. Something has to be behind all others.
fn arms(mutants: Vec<(u32, String)>) -> Vec<(String, Option<u32>)> {
    let last = mutants.len();
    let arm = |(nth, (id, text)): (usize, (u32, String))| {
        let pattern = if nth + 1 == last { " _ => ".to_owned() } else { format!(" {} => ", nth + 1) };
        [(pattern, None), (text, Some(id))]
    };
    mutants.into_iter().enumerate().flat_map(arm).chain([(" } ".to_owned(), None)]).collect()
}

/// The source with all that is to be put into it.
fn rewritten(file: &str, source: &str, mut insertions: Vec<Insertion>, answer: &mut Answer) -> String {
    insertions
        .sort_by_key(|it| (it.at, !it.closes, if it.closes { it.width } else { usize::MAX - it.width }));
    let (mut text, mut done) = (String::new(), 0);
    for insertion in insertions {
        text.push_str(&source[done..insertion.at]);
        done = insertion.at;
        let mut note = |start, end, mutants, is_switch| {
            answer.places.push(Place { file: file.to_owned(), start, end, mutants, is_switch });
        };
        let start = text.len();
        for (piece, mutant) in insertion.pieces {
            let start = text.len();
            text.push_str(&piece);
            if let Some(mutant) = mutant {
                note(start, text.len(), vec![mutant], false);
            }
        }
        note(start, text.len(), insertion.mutants, true);
    }
    text.push_str(&source[done..]);
    text
}
