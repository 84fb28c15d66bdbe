//! The boundary at which values become bytes and text.
//!
//! Services that users may call describe their messages with a [`Schema`](postcard_schema::Schema). With it,
//! [`text`] turns what a person types into a frame and a frame into what a person reads, without knowing any
//! service by name.

pub mod text;
