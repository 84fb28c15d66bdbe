//! The interrupt vectors, and what is called from them.
//!
//! A kernel's drivers come in two halves, a task and an interrupt handler. The handler's half is put into its vector's slot
//! here, which unmasks the interrupt. All interrupts have the same priority, so handlers do not nest.
//!
//! # Safety
//!
//! 1. An interrupt is unmasked only by filling its slot: nobody relies on it being masked.
//! 2. The register that masks takes a one for each interrupt, and leaves those with a zero as they are.
#![expect(unsafe_code, reason = "unmasking is unsafe for those who rely on masks, and masks are raw bits")]

use core::cell::RefCell;

use cortex_m::peripheral::NVIC;
use critical_section::Mutex;
use kernel::{
    interrupt::Trigger,
    services::{gpio, serial},
};
use rp2040_pac::{Interrupt, interrupt};

use crate::{Gpio, Timer, Uart};

static TIMER: Slot<(Timer, Trigger)> = Slot::empty(Interrupt::TIMER_IRQ_0);
static GPIO: Slot<gpio::driver::Handler<Gpio>> = Slot::empty(Interrupt::IO_IRQ_BANK0);
static UART0: Slot<serial::driver::Handler<Uart>> = Slot::empty(Interrupt::UART0_IRQ);

/// Has the alarm's interrupt counted on the kernel's line.
pub fn attach_timer(timer: Timer, trigger: Trigger) {
    TIMER.fill((timer, trigger), |(timer, trigger)| {
        timer.acknowledge_alarm();
        trigger.fire();
    });
}

/// Has the pins' edges handled.
pub fn attach_gpio(handler: gpio::driver::Handler<Gpio>) {
    GPIO.fill(handler, gpio::driver::Handler::interrupt);
}

/// Has the port's interrupts handled.
pub fn attach_uart(handler: serial::driver::Handler<Uart>) {
    UART0.fill(handler, serial::driver::Handler::interrupt);
}

/// Has no interrupt come any more, nor end a sleep.
pub(crate) fn mask_all() {
    // SAFETY: rule 2.
    unsafe { (*NVIC::PTR).icer[0].write(!0) };
}

#[interrupt]
fn TIMER_IRQ_0() {
    TIMER.interrupt();
}

#[interrupt]
fn IO_IRQ_BANK0() {
    GPIO.interrupt();
}

#[interrupt]
fn UART0_IRQ() {
    UART0.interrupt();
}

/// What handles an interrupt and what that needs, from when its driver is set up. An image without the driver has no code
/// for it.
struct Slot<H> {
    filled: Mutex<RefCell<Option<Filled<H>>>>,
    interrupt: Interrupt,
}

struct Filled<H> {
    handler: H,
    handle: fn(&mut H),
}

impl<H> Slot<H> {
    const fn empty(interrupt: Interrupt) -> Self {
        Self { filled: Mutex::new(RefCell::new(None)), interrupt }
    }

    fn fill(&self, handler: H, handle: fn(&mut H)) {
        let before = critical_section::with(|cs| self.filled.replace(cs, Some(Filled { handler, handle })));
        drop(before);
        // SAFETY: rule 1.
        unsafe { NVIC::unmask(self.interrupt) };
    }

    fn interrupt(&self) {
        critical_section::with(|cs| {
            if let Some(filled) = self.filled.borrow_ref_mut(cs).as_mut() {
                (filled.handle)(&mut filled.handler);
            }
        });
    }
}
