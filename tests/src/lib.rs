//! The laws of mnemOS.
#![no_std]
