//! Where the chip keeps the edges of its pins: four bits a pin, eight pins a register.
//!
//! ```text
//!   register 0   │ pin 7: rise fall high low │ ... │ pin 1: rise fall high low │ pin 0: rise fall high low │
//!   register 1   │ pin 15 ...
//! ```
//!
//! The bits of the levels, high and low, are not used.

/// Pins in one register.
pub const PINS_PER_REGISTER: u8 = 8;

const BITS_PER_PIN: u8 = 4;
const FALLING: u32 = 0b0100;
const RISING: u32 = 0b1000;

/// A pin's register.
pub const fn register(pin: u8) -> usize {
    (pin / PINS_PER_REGISTER) as usize
}

/// The bit in that register of one of a pin's edges.
pub const fn mask(pin: u8, rising: bool) -> u32 {
    let kind = if rising { RISING } else { FALLING };
    kind << (pin % PINS_PER_REGISTER * BITS_PER_PIN)
}

/// An edge that a register's bits tell of: the pin, by its place in the register, and whether it rose.
///
/// The chip does not tell in which order a pin's two edges came. But if there was one of each, the pin went back to where it
/// was, so its level tells: one that is high again fell first.
pub fn first(bits: u32, is_high: impl FnOnce(u8) -> bool) -> Option<(u8, bool)> {
    let place =
        (0..PINS_PER_REGISTER).find(|place| bits & (mask(*place, true) | mask(*place, false)) != 0)?;
    let seen = |rising| bits & mask(place, rising) != 0;
    let rising = if seen(true) && seen(false) { !is_high(place) } else { seen(true) };
    Some((place, rising))
}

#[cfg(test)]
mod tests {
    use super::{first, mask, register};

    #[test]
    fn every_edge_has_a_bit_of_its_own() {
        let mut taken = [0_u32; 4];
        for pin in 0..30 {
            for rising in [false, true] {
                let (register, mask) = (&mut taken[register(pin)], mask(pin, rising));
                assert_eq!((mask.count_ones(), *register & mask), (1, 0), "pin {pin}, rising {rising}");
                *register |= mask;
            }
        }
        assert_eq!(taken, [0xcccc_cccc, 0xcccc_cccc, 0xcccc_cccc, 0x00cc_cccc]);
    }

    #[test]
    fn the_datasheet_s_bits_are_found() {
        // GPIO25_EDGE_HIGH is bit 7 of the fourth register, GPIO8_EDGE_LOW bit 2 of the second.
        assert_eq!((register(25), mask(25, true)), (3, 1 << 7));
        assert_eq!((register(8), mask(8, false)), (1, 1 << 2));
    }

    #[test]
    fn an_edge_is_found_from_its_bit_whatever_the_level_is_now() {
        for place in 0..8 {
            for rising in [false, true] {
                for high in [false, true] {
                    assert_eq!(first(mask(place, rising), |_| high), Some((place, rising)));
                }
            }
        }
    }

    #[test]
    fn of_two_edges_the_level_tells_the_first() {
        let both = mask(3, true) | mask(3, false);
        assert_eq!(first(both, |_| true), Some((3, false)), "it is high again");
        assert_eq!(first(both, |_| false), Some((3, true)), "it is low again");
    }

    #[test]
    fn levels_are_no_edges() {
        assert_eq!(first(0x3333_3333, |_| true), None);
        assert_eq!(first(0, |_| true), None);
    }
}
