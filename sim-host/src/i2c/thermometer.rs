//! A thermometer.

use super::Target;

/// A thermometer like the TMP102: four registers of two bytes, the high one first.
///
/// | register | has |
/// |---:|---|
/// | 0 | the temperature, in sixteenths of a degree Celsius, in the upper twelve bits; it cannot be written |
/// | 1 | the configuration, which is kept and means nothing |
/// | 2, 3 | the lower and the upper limit, which are kept and mean nothing |
///
/// The first byte that is written chooses the register, two more are its new value. Reading gives the register's two bytes,
/// again and again. What it senses is a temperature in degrees, such as `25.5`, from -128 to 127.9375.
#[derive(Debug, Clone)]
pub struct Thermometer {
    registers: [u16; 4],
    /// The register that was chosen.
    chosen: usize,
    /// Bytes since it was addressed.
    bytes: usize,
}

impl Thermometer {
    /// Where it is.
    pub const ADDRESS: u8 = 0x48;

    /// The registers after power-up, but for the temperature.
    const RESET: [u16; 4] = [0, 0x60a0, 0x4b00, 0x5000];

    /// A thermometer in a room of so many sixteenths of a degree Celsius, from -2048 to 2047.
    pub fn new(sixteenths: i16) -> Self {
        let mut thermometer = Self { registers: Self::RESET, chosen: 0, bytes: 0 };
        thermometer.measure(sixteenths);
        thermometer
    }

    fn measure(&mut self, sixteenths: i16) {
        self.registers[0] = (sixteenths.clamp(-2048, 2047) << 4).cast_unsigned();
    }
}

/// In a room of 21.5 degrees.
impl Default for Thermometer {
    fn default() -> Self {
        Self::new(21 * 16 + 8)
    }
}

impl Target for Thermometer {
    fn begin(&mut self, _: bool) -> bool {
        self.bytes = 0;
        true
    }

    fn write(&mut self, byte: u8) -> bool {
        match (self.bytes, self.registers.get_mut(self.chosen)) {
            (0, _) => self.chosen = usize::from(byte % 4),
            (1 | 2, Some(register)) if self.chosen > 0 => *register = *register << 8 | u16::from(byte),
            _ => {}
        }
        self.bytes += 1;
        true
    }

    fn read(&mut self) -> u8 {
        let [high, low] = self.registers.get(self.chosen).map_or([0; 2], |register| register.to_be_bytes());
        self.bytes += 1;
        if self.bytes % 2 == 1 { high } else { low }
    }

    fn understands(&self, text: &[u8]) -> Result<(), String> {
        let wanted = || "degrees, such as 25.5, from -128 to 127.9375".to_owned();
        sixteenths(text).map(drop).ok_or_else(wanted)
    }

    fn sense(&mut self, text: &[u8]) {
        if let Some(sixteenths) = sixteenths(text) {
            self.measure(sixteenths);
        }
    }

    fn power_up(&mut self) {
        let [temperature, ..] = self.registers;
        self.registers = Self::RESET;
        self.registers[0] = temperature;
        self.chosen = 0;
    }
}

/// A text in degrees, as sixteenths of one, if the register can hold it.
fn sixteenths(text: &[u8]) -> Option<i16> {
    let degrees: f32 = str::from_utf8(text).ok()?.parse().ok()?;
    let sixteenths = (degrees * 16.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "-2048 to 2047 are what there is")]
    (-2048.0..=2047.0).contains(&sixteenths).then_some(sixteenths as i16)
}
