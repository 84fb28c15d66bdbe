//! One file for each thing that parses.

pub mod call_text;
pub mod console;
pub mod editor;
pub mod frames;
pub mod images;
pub mod json;
pub mod options;
pub mod scenario;
pub mod words;
