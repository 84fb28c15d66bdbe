//! What a target on the bus is.

/// A target on an I²C bus: what it makes of bytes, and which it gives.
///
/// ```
/// use sim_host::{Sim, i2c::Target};
///
/// /// Counts how often it was read.
/// #[derive(Default)]
/// struct Counter(u8);
///
/// impl Target for Counter {
///     fn write(&mut self, _: u8) -> bool {
///         false
///     }
///
///     fn read(&mut self) -> u8 {
///         self.0 += 1;
///         self.0
///     }
/// }
///
/// let sim = Sim::builder().target(0x20, Counter::default).build()?;
/// # Ok::<(), sim_host::SimError>(())
/// ```
pub trait Target: Send + 'static {
    /// It was addressed, to be read or to be written; `false` if it does not acknowledge that, as if it were not there.
    fn begin(&mut self, reads: bool) -> bool {
        let _ = reads;
        true
    }

    /// A byte was written; `false` if it does not acknowledge it.
    fn write(&mut self, byte: u8) -> bool;

    /// A byte is read.
    fn read(&mut self) -> u8;

    /// The transaction is over: a stop.
    fn end(&mut self) {}

    /// Whether it would make something of a text that [`sense`](Self::sense) is given, which is asked before it is. One that
    /// senses something implements both.
    ///
    /// # Errors
    ///
    /// What it wants instead, as the end of a sentence: `degrees, such as 25.5`.
    fn understands(&self, text: &[u8]) -> Result<(), String> {
        let _ = text;
        Err("nothing: it measures nothing".to_owned())
    }

    /// What it measures has changed, as text of its own kind, which it has [understood](Self::understands). See
    /// [`External::Sense`](crate::External::Sense).
    fn sense(&mut self, text: &[u8]) {
        let _ = text;
    }

    /// The power comes on, with that of the machine.
    fn power_up(&mut self) {}
}
