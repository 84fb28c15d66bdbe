//! What is counted, and which module gets it.

use super::{Modules, Usage, module_of};
use crate::elf::{Segment, Symbol};

#[test]
fn start_up_values_take_flash_and_ram_and_zeros_take_ram() {
    let segments = [
        Segment { stored_at: 0x1000_0000, runs_at: 0x1000_0000, bytes: &[0; 100], size: 100 },
        Segment { stored_at: 0x1000_0100, runs_at: 0x2000_0000, bytes: &[0; 10], size: 30 },
    ];
    assert_eq!(Usage::of(&segments, &[]).to_string(), "flash 110\nram 30\n");
}

#[test]
fn the_linker_script_says_what_is_for_stack_and_heap() {
    let symbol = |name, address| Symbol { name, address, size: 0 };
    let symbols = [
        symbol("_stack_end", 0x2000_0000),
        symbol("_stack_start", 0x2000_1000),
        symbol("_heap_start", 0x2000_1100),
        symbol("_heap_end", 0x2000_2000),
    ];
    assert_eq!(Usage::of(&[], &symbols).to_string(), "flash 0\nram 0\nstack 4096\nheap 3840\n");
}

#[test]
fn names_tell_crate_and_module() {
    for (symbol, module) in [
        ("_ZN6kernel8executor4task13Task$LT$F$GT$4poll17h0123456789abcdefE", "kernel::executor"),
        ("_ZN12board_rp20405timer5Timer3now17h0123456789abcdefE", "board_rp2040"),
        (
            "_ZN58_$LT$kernel..heap..Heap$u20$as$u20$core..ops..drop..Drop$GT$4drop17h0123456789abcdefE",
            "kernel::heap",
        ),
        ("_RNvNtCsjc7sn2q0iDy_17compiler_builtins3mem7memmove", "compiler_builtins"),
        ("_RNvMs0_NtNtCseold96UKqg_4core3fmt3numo10__fmt_inner", "core"),
        ("_ZN55_$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE", "core"),
        ("_RNvCs1234_7___rustc17rust_begin_unwind", "__rustc"),
        ("Reset", "(not Rust)"),
        ("_ZN", "(not Rust)"),
        ("_ZN99kernel", "(not Rust)"),
    ] {
        assert_eq!(module_of(symbol), module, "{symbol}");
    }
}

#[test]
fn a_place_with_several_names_counts_once() {
    let symbol = |name, address, size| Symbol { name, address, size };
    let symbols = [
        symbol("_ZN4core1aE", 0x1000_0101, 20),
        symbol("_ZN4core1bE", 0x1000_0101, 20),
        symbol("_ZN6kernel4heap1cE", 0x1000_0201, 30),
        symbol("_ZN6kernel4heap1dE", 0x2000_0000, 4),
    ];
    let modules = [("kernel::heap".to_owned(), 30, 4), ("core".to_owned(), 20, 0)];
    assert_eq!(Modules::of(&symbols), Modules(modules.to_vec()));
}
