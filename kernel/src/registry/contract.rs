//! What the registry knows of a service's types: enough to find it, and to make and free its connections, with code that is
//! there once for all services.
#![expect(unsafe_code, reason = "connections are ended by code that does not know their types")]

use core::{
    alloc::Layout,
    any::TypeId,
    marker::PhantomData,
    ptr::{self, NonNull},
};

use super::{
    connection::{Connection, Head, Slot},
    error::Refused,
    pending,
    queue::Node,
    service::{Service, Uuid, Version},
};
use crate::limits::CONNECTION_DEPTH;

/// See the module. Each service has one, for as long as there is the program.
pub(super) struct Contract {
    pub(super) uuid: Uuid,
    pub(super) name: &'static str,
    pub(super) version: Version,
    /// Tells services of one UUID apart that have other types.
    pub(super) types: TypeId,
    /// Where the slots of a connection begin, and how large one is.
    pub(super) slots_at: usize,
    pub(super) slot_size: usize,
    align: usize,
    /// Slots of the deepest connection that may be, which has a layout.
    deepest: u16,
    /// Drops the greeting of a connection, which is not used again.
    pub(super) drop_greeting: unsafe fn(NonNull<Head>),
    /// Ends a request that nobody waits for, whose client lives.
    pub(super) give_up: unsafe fn(NonNull<Node>),
}

struct Of<S>(PhantomData<S>);

impl<S: Service> Of<S> {
    const CONTRACT: Contract = {
        let (connection, slot) = (Layout::new::<Connection<S>>(), Layout::new::<Slot<S>>());
        let align = if connection.align() > slot.align() { connection.align() } else { slot.align() };
        let slots_at = connection.size().next_multiple_of(slot.align());
        let most = (isize::MAX as usize - align).saturating_sub(slots_at) / slot.size();
        Contract {
            uuid: S::UUID,
            name: S::NAME,
            version: S::VERSION,
            types: TypeId::of::<S>(),
            slots_at,
            slot_size: slot.size(),
            align,
            deepest: if most < CONNECTION_DEPTH { most as u16 } else { CONNECTION_DEPTH as u16 },
            drop_greeting: drop_greeting::<S>,
            give_up: give_up::<S>,
        }
    };
}

unsafe fn drop_greeting<S: Service>(connection: NonNull<Head>) {
    // SAFETY: the caller's: it is a connection of this service.
    unsafe { ptr::drop_in_place((*connection.cast::<Connection<S>>().as_ptr()).greeting.get()) };
}

unsafe fn give_up<S: Service>(slot: NonNull<Node>) {
    // SAFETY: the caller's: a slot of a connection of this service.
    unsafe { pending::give_up::<S>(slot.cast()) };
}

impl Contract {
    pub(super) const fn of<S: Service>() -> &'static Self {
        &Of::<S>::CONTRACT
    }

    /// The slots of a connection of such a depth, and its layout.
    pub(super) fn slots(&self, depth: usize) -> Result<(u16, Layout), Refused> {
        match u16::try_from(depth) {
            // SAFETY: no more than the deepest.
            Ok(slots) if slots > 0 && slots <= self.deepest => Ok((slots, unsafe { self.layout_of(slots) })),
            _ => Err(Refused::Depth { depth }),
        }
    }

    /// The layout of a connection with so many slots.
    ///
    /// # Safety
    ///
    /// They are no more than the deepest connection has.
    #[inline]
    pub(super) unsafe fn layout_of(&self, slots: u16) -> Layout {
        // The deepest connection has a layout, so nothing overflows.
        let size = self.slots_at.wrapping_add(self.slot_size.wrapping_mul(usize::from(slots)));
        // SAFETY: as above; the alignment is that of a type.
        unsafe { Layout::from_size_align_unchecked(size, self.align) }
    }
}
