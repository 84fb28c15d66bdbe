//! Reads plans.

use kernel::time::Instant;

use super::{Board, Input, MOST_BOARDS, Mistakes, PORTS, Plan, PlanReason, Port};
use crate::{
    External, Span,
    external::{split_word, uart_number},
    mistake::{Place, Source, near},
};

/// What lines begin with.
const LINES: &[&str] = &["board", "boards", "link", "at"];

/// What is wrong, and with which rest of the line.
type Wrong<'a> = (&'a str, PlanReason);

impl Plan {
    /// Reads the text; `name` is what it is called when its mistakes are told, which is its file's name.
    ///
    /// # Errors
    ///
    /// All its mistakes, with what would be right.
    pub fn parse(name: &str, text: &str) -> Result<Self, Mistakes> {
        let source = Source::new(name, text);
        let mut plan = Self { source, boards: Vec::new(), links: Vec::new(), inputs: Vec::new() };
        let mut mistakes = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if let Err((rest, reason)) = plan.read(line, index + 1) {
                mistakes.push(plan.source.mistake(place(line, index + 1, rest), reason));
            }
        }
        if mistakes.is_empty() && plan.boards.is_empty() {
            mistakes.push(plan.source.mistake(plan.source.end(), PlanReason::Empty));
        }
        plan.source.judge(mistakes)?;
        Ok(plan)
    }

    fn read<'a>(&mut self, line: &'a str, number: usize) -> Result<(), Wrong<'a>> {
        let (word, rest) = split_word(line);
        match word {
            "board" => {
                let (name, end) = split_word(rest);
                self.add_board(name).map_err(|reason| (rest, reason))?;
                ends(end)
            }
            "boards" => {
                let (count, names) = split_word(rest);
                let count = count.parse().ok().filter(|count| (1..=MOST_BOARDS).contains(count));
                let count = count.ok_or((rest, PlanReason::NotACount))?;
                let (name, end) = split_word(names);
                for number in 0..count {
                    let name = if name.is_empty() { String::new() } else { format!("{name}{number}") };
                    self.add_board(&name).map_err(|reason| (names, reason))?;
                }
                ends(end)
            }
            "link" => {
                let (one, other) = split_word(rest);
                let one = self.port(one).map_err(|reason| (rest, reason))?;
                let (name, link) = split_word(other);
                let two = self.port(name).map_err(|reason| (other, reason))?;
                if one == two {
                    return Err((other, PlanReason::SamePort));
                }
                let described = link.split('#').next().unwrap_or_default();
                let link = described.parse().map_err(|error| (link, PlanReason::Link(error)))?;
                self.links.push(([one, two], link));
                Ok(())
            }
            "at" => {
                let (at, what) = split_word(rest);
                let Span(at) = at.parse().map_err(|_| (rest, PlanReason::NotATime))?;
                let (name, input) = split_word(what);
                let board = self.find(name).map_err(|reason| (what, reason))?;
                let external = input.parse().map_err(|error| (input, PlanReason::Input(error)))?;
                if let Some(uart) = named_uart(&external) {
                    self.need_port(board, uart).map_err(|reason| (input, reason))?;
                }
                let (place, at) = (place(line, number, input), Instant::BOOT.saturating_add(at));
                self.inputs.push(Input { place, at, board, external });
                Ok(())
            }
            word if word.is_empty() || word.starts_with('#') => Ok(()),
            word => {
                let near = near(word, LINES.iter().copied());
                Err((line, PlanReason::NotAWord { word: word.to_owned(), near }))
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.boards.iter().map(|board| board.name.as_str())
    }

    fn find(&self, name: &str) -> Result<usize, PlanReason> {
        self.names()
            .position(|known| known == name)
            .ok_or_else(|| PlanReason::NoSuchBoard { word: name.to_owned(), near: near(name, self.names()) })
    }

    fn add_board(&mut self, name: &str) -> Result<(), PlanReason> {
        if name.is_empty() || name.contains(['.', '#']) {
            return Err(PlanReason::NotAName);
        }
        if self.names().any(|known| known == name) {
            return Err(PlanReason::NameTaken);
        }
        self.boards.push(Board { name: name.to_owned(), ports: 1 });
        Ok(())
    }

    /// The free port `left.uart1`.
    fn port(&mut self, text: &str) -> Result<Port, PlanReason> {
        let (board, uart) = text.split_once('.').ok_or(PlanReason::NotAPort)?;
        let uart = uart_number(uart).ok_or(PlanReason::NotAPort)?;
        let board = self.find(board)?;
        self.need_port(board, uart)?;
        let port = Port { board, uart };
        match self.links.iter().any(|(ends, _)| ends.contains(&port)) {
            true => Err(PlanReason::PortTaken),
            false => Ok(port),
        }
    }

    /// The board has all ports up to this one.
    fn need_port(&mut self, board: usize, uart: usize) -> Result<(), PlanReason> {
        if uart >= PORTS.len() {
            return Err(PlanReason::NotAPort);
        }
        if let Some(Board { ports, .. }) = self.boards.get_mut(board) {
            *ports = uart.saturating_add(1).max(*ports);
        }
        Ok(())
    }
}

/// Where the rest of a line begins.
fn place(line: &str, number: usize, rest: &str) -> Place {
    Place::of_byte(number, line, line.len() - rest.trim_start().len())
}

/// Nothing is left but a remark.
fn ends(rest: &str) -> Result<(), Wrong<'_>> {
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') { Ok(()) } else { Err((rest, PlanReason::TooMuch)) }
}

/// The serial port that something happens to.
fn named_uart(external: &External) -> Option<usize> {
    match external {
        External::Bytes { uart, .. }
        | External::Garbled { uart }
        | External::Break { uart }
        | External::Overrun { uart, .. }
        | External::EndOfInput { uart } => Some(*uart),
        _ => None,
    }
}
