//! The divisor from a clock to a baud rate, as the PL011 wants it.

/// What the clock is divided by, to sixteen times the baud rate: a whole number and a fraction in 64ths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Divisor {
    /// The whole part, from 1 to 65535.
    pub whole: u16,
    /// The fraction, below 64.
    pub sixty_fourths: u8,
}

impl Divisor {
    /// The divisor that comes nearest; `None` if it is out of the chip's range. In it, the rate is missed by less than 1 %,
    /// where a receiver forgives about 2 %.
    pub const fn of(clock_hz: u32, baud: u32) -> Option<Divisor> {
        if baud == 0 {
            return None;
        }
        // 64 / 16 of the clock, divided by the rate and rounded.
        let all = (clock_hz as u64 * 4 + baud as u64 / 2) / baud as u64;
        if all < 64 || all > 64 * u16::MAX as u64 {
            return None;
        }
        Some(Divisor { whole: (all / 64) as u16, sixty_fourths: (all % 64) as u8 })
    }
}

#[cfg(test)]
mod tests {
    use super::Divisor;

    #[test]
    fn the_usual_rates_of_125_mhz_are_met_within_a_percent() {
        for baud in [300, 9_600, 19_200, 115_200, 230_400, 921_600, 3_000_000, 7_812_500] {
            let Divisor { whole, sixty_fourths } = Divisor::of(125_000_000, baud).expect("it is in range");
            let divisor = f64::from(whole) + f64::from(sixty_fourths) / 64.0;
            let rate = 125_000_000.0 / 16.0 / divisor;
            assert!((rate / f64::from(baud) - 1.0).abs() < 0.01, "{baud}: {rate}");
            assert!(whole >= 1 && sixty_fourths < 64, "{baud}: {whole} {sixty_fourths}");
        }
    }

    #[test]
    fn the_divisor_of_the_datasheet_is_found() {
        // 125 MHz at 115200 baud: 67.816, so 67 and 52 / 64.
        assert_eq!(Divisor::of(125_000_000, 115_200), Some(Divisor { whole: 67, sixty_fourths: 52 }));
    }

    #[test]
    fn what_the_chip_cannot_divide_is_refused() {
        assert_eq!(Divisor::of(125_000_000, 0), None);
        assert_eq!(Divisor::of(125_000_000, 8_000_000), None, "faster than a sixteenth of the clock");
        assert_eq!(Divisor::of(125_000_000, 1), None, "the divisor has 16 bits");
        assert_eq!(Divisor::of(16 * 65_535, 1), Some(Divisor { whole: 65_535, sixty_fourths: 0 }));
        assert_eq!(Divisor::of(16 * 65_536, 1), None);
    }
}
