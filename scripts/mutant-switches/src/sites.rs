//! Where in a source operators, match arms and their guards are, and what belongs to them.

use std::collections::{HashMap, HashSet};

use syn::{Expr, spanned::Spanned, visit::Visit};

/// First byte, and the one behind the last.
pub type Range = (usize, usize);

/// What a mutant may change.
pub enum Site {
    Binary { whole: Range, left: Range, right: Range },
    Unary { whole: Range, operand: Range },
    Arm { pattern_end: usize, guard: Option<usize> },
}

/// The sites of a source.
pub struct Sites {
    source: String,
    lines: Vec<usize>,
    /// By where the operator begins.
    operators: HashMap<usize, Site>,
    /// By where the arm begins.
    arms: HashMap<usize, Site>,
    /// Where guards begin that are no more than an expression.
    guards: HashSet<usize>,
}

impl Sites {
    /// # Errors
    ///
    /// The source is no Rust.
    pub fn of(source: &str) -> Result<Self, syn::Error> {
        let lines = [0].into_iter().chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut sites = Self {
            source: source.to_owned(),
            lines,
            operators: HashMap::new(),
            arms: HashMap::new(),
            guards: HashSet::new(),
        };
        sites.visit_file(&syn::parse_file(source)?);
        Ok(sites)
    }

    /// The arm, or else the operator, that begins there.
    pub fn get(&self, start: usize, arm: bool) -> Option<&Site> {
        if arm { self.arms.get(&start) } else { self.operators.get(&start) }
    }

    /// A guard begins there that is no more than an expression.
    pub fn is_plain_guard(&self, start: usize) -> bool {
        self.guards.contains(&start)
    }

    /// The byte at a line, from 1 on, and a column, from 0 on.
    pub fn byte(&self, line: usize, column: usize) -> usize {
        let start = self.lines[line - 1];
        let byte = self.source[start..].char_indices().nth(column);
        byte.map_or(self.source.len(), |(at, _)| start + at)
    }

    fn range(&self, of: &impl Spanned) -> Range {
        let (start, end) = (of.span().start(), of.span().end());
        (self.byte(start.line, start.column), self.byte(end.line, end.column))
    }
}

impl<'ast> Visit<'ast> for Sites {
    fn visit_expr_binary(&mut self, node: &'ast syn::ExprBinary) {
        // What binds names for a condition cannot be taken out of it.
        if !binds(&node.left) && !binds(&node.right) {
            let (whole, left, right) = (self.range(node), self.range(&node.left), self.range(&node.right));
            self.operators.insert(self.range(&node.op).0, Site::Binary { whole, left, right });
        }
        syn::visit::visit_expr_binary(self, node);
    }

    fn visit_expr_unary(&mut self, node: &'ast syn::ExprUnary) {
        let (whole, operand) = (self.range(node), self.range(&node.expr));
        self.operators.insert(self.range(&node.op).0, Site::Unary { whole, operand });
        syn::visit::visit_expr_unary(self, node);
    }

    fn visit_arm(&mut self, node: &'ast syn::Arm) {
        let guard = node.guard.as_ref().map(|(_, guard)| self.range(guard).0);
        if let (Some(start), Some((_, guard))) = (guard, &node.guard)
            && !binds(guard)
        {
            self.guards.insert(start);
        }
        let pattern_end = self.range(&node.pat).1;
        self.arms.insert(self.range(node).0, Site::Arm { pattern_end, guard });
        syn::visit::visit_arm(self, node);
    }
}

/// The expression has a `let` in it.
fn binds(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Binary(both) => binds(&both.left) || binds(&both.right),
        _ => false,
    }
}
