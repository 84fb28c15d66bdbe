//! A connection's memory: one block of the heap with everything a client ever needs to ask and be answered.
//!
//! ```text
//!   ┌────────────┬────────┬────────┬─────┬────────┐
//!   │ Connection │ Slot 0 │ Slot 1 │ ... │ Slot n │      n = the depth chosen at connect
//!   └────────────┴────────┴────────┴─────┴────────┘
//! ```
//!
//! A slot holds the request on its way to the server and the reply on its way back, so a request allocates nothing.
//!
//! # Safety protocol
//!
//! 1. The block lives until the client is gone *and* no token is left for any of its nodes. A client is gone once its
//!    [`Client`](super::Client) (or whoever is connecting) is dropped, which gives up all that is under way: a node whose
//!    token is out becomes `Abandoned`, and is counted in `pins` until the token goes ([`unpin`]). Tokens of other nodes
//!    need no count, since the client is there.
//! 2. A node's stage says whose its payload is and what it holds, see [`Slot`]. While a token is out it is the token's.
//!    Otherwise it is the client's, who touches it only to put a request in a free slot and to take what came of it;
//!    while it is queued nobody touches it but a cancel.
//! 3. All of this happens on the kernel's thread; user code (drops of values, wakers) runs while no reference into a
//!    payload is alive. A waker may give up or free whatever it likes, so it is called last.
//! 4. Pointers to slots and nodes are made from the block's pointer, so one can be made of the other.
#![expect(unsafe_code, reason = "a connection is one block that its client and its server's tokens share")]

use core::{
    alloc::Layout,
    cell::{Cell, UnsafeCell},
    mem::{ManuallyDrop, offset_of},
    ptr::{self, NonNull},
};

use cordyceps::{Linked, list};

use super::{
    queue::{Node, Stage},
    server::ServerCore,
    service::{ConnectionId, Service},
    table::Registry,
};
use crate::{
    event::{Event, Kind},
    heap::{Account, Block, Heap, Shared},
    sync::WaitList,
};

/// A request slot. The node comes first, so that its address is the slot's.
///
/// What the payload holds is told by the node's stage: a request while it is `Queued` or `Recalled`, the reply when it is
/// `Answered`, nothing when it is `Free` or `Failed`. While a token is out (`Taken`, `Lost`, `Abandoned`) it holds the
/// request if the token is a [`Call`](super::Call), nothing if it is a [`Reply`](super::Reply).
#[repr(C)]
pub(super) struct Slot<S: Service> {
    pub(super) node: Node,
    pub(super) connection: NonNull<Connection<S>>,
    payload: UnsafeCell<Payload<S>>,
}

/// What a slot carries.
union Payload<S: Service> {
    nothing: (),
    request: ManuallyDrop<S::Request>,
    reply: ManuallyDrop<Result<S::Response, S::Error>>,
}

impl<S: Service> Slot<S> {
    /// Puts the request in.
    ///
    /// # Safety
    ///
    /// The payload is the caller's, and holds nothing (rule 2).
    #[inline]
    pub(super) unsafe fn put_request(&self, request: S::Request) {
        // SAFETY: the caller's.
        unsafe { *self.payload.get() = Payload { request: ManuallyDrop::new(request) } };
    }

    /// The request.
    ///
    /// # Safety
    ///
    /// The payload is the caller's, and holds the request, for as long as the reference is used (rule 2).
    #[inline]
    pub(super) unsafe fn request(&self) -> &S::Request {
        // SAFETY: the caller's.
        unsafe { &(*self.payload.get()).request }
    }

    /// Takes the request out: the payload holds nothing afterwards.
    ///
    /// # Safety
    ///
    /// The payload is the caller's, and holds the request (rule 2).
    #[inline]
    pub(super) unsafe fn take_request(&self) -> S::Request {
        // SAFETY: the caller's.
        unsafe { ManuallyDrop::take(&mut (*self.payload.get()).request) }
    }

    /// Puts the reply in.
    ///
    /// # Safety
    ///
    /// As for [`put_request`](Self::put_request).
    #[inline]
    pub(super) unsafe fn put_reply(&self, reply: Result<S::Response, S::Error>) {
        // SAFETY: the caller's.
        unsafe { *self.payload.get() = Payload { reply: ManuallyDrop::new(reply) } };
    }

    /// Takes the reply out: the payload holds nothing afterwards.
    ///
    /// # Safety
    ///
    /// The payload is the caller's, and holds the reply (rule 2).
    #[inline]
    pub(super) unsafe fn take_reply(&self) -> Result<S::Response, S::Error> {
        // SAFETY: the caller's.
        unsafe { ManuallyDrop::take(&mut (*self.payload.get()).reply) }
    }
}

/// What a handshake carries.
pub(super) enum Greeting<S: Service> {
    Empty,
    Hello(S::Hello),
    Accepted,
    Refused(S::ConnectError),
}

/// The part of a connection that is the same for all services.
pub(super) struct Head {
    links: list::Links<Head>,
    /// The handshake goes through the stages of a request.
    pub(super) handshake: Node,
    pub(super) id: ConnectionId,
    pub(super) depth: u16,
    /// Where the slots are, so that their nodes can be walked without knowing the service.
    slots_at: usize,
    slot_size: usize,
    /// On the server's list.
    listed: Cell<bool>,
    /// Abandoned nodes, and whoever else keeps the connection without its client (rule 1).
    pub(super) pins: Cell<u32>,
    /// A client, or somebody who is connecting, exists (rule 1).
    pub(super) client: Cell<bool>,
    pub(super) requests: Cell<u32>,
    /// The task that connected; 0 when it was no task.
    pub(super) owner: u32,
}

/// See the module.
#[repr(C)]
pub(super) struct Connection<S: Service> {
    pub(super) head: Head,
    pub(super) server: ManuallyDrop<Shared<ServerCore>>,
    pub(super) registry: ManuallyDrop<Shared<Registry>>,
    pub(super) greeting: UnsafeCell<Greeting<S>>,
    free: Cell<*const Node>,
    /// Clients that wait for a free slot, in order.
    pub(super) waiters: ManuallyDrop<WaitList>,
    account: NonNull<Account>,
}

// SAFETY: connections do not move, and `links` gives the address of its own field.
unsafe impl Linked<list::Links<Head>> for Head {
    type Handle = NonNull<Head>;

    fn into_ptr(handle: Self::Handle) -> NonNull<Self> {
        handle
    }

    unsafe fn from_ptr(ptr: NonNull<Self>) -> Self::Handle {
        ptr
    }

    unsafe fn links(ptr: NonNull<Self>) -> NonNull<list::Links<Self>> {
        // SAFETY: the list passes the address of a live connection's head.
        unsafe { NonNull::new_unchecked(&raw mut (*ptr.as_ptr()).links) }
    }
}

impl Head {
    /// The nodes of the connection's slots.
    ///
    /// # Safety
    ///
    /// `this` came from a server's list, and the connection outlives the iterator.
    pub(super) unsafe fn nodes(this: NonNull<Self>) -> impl Iterator<Item = NonNull<Node>> {
        // SAFETY: the caller's; the offsets were taken from the block's layout, and the pointer is the block's.
        let (at, size, depth) =
            unsafe { (this.as_ref().slots_at, this.as_ref().slot_size, this.as_ref().depth) };
        (0..usize::from(depth)).map(move |index| {
            // SAFETY: the offset of a slot, which is in the block.
            unsafe { this.byte_add(at + index * size).cast() }
        })
    }
}

impl Head {
    /// Slots in use.
    ///
    /// # Safety
    ///
    /// As for [`nodes`](Self::nodes).
    pub(super) unsafe fn busy(this: NonNull<Self>) -> u16 {
        // SAFETY: the caller's.
        let nodes = unsafe { Self::nodes(this) };
        // SAFETY: the connection is alive, and so are its nodes.
        let in_use = nodes.filter(|node| unsafe { node.as_ref() }.stage.get() != Stage::Free);
        u16::try_from(in_use.count()).unwrap_or(u16::MAX)
    }

    /// Takes the connection off its server's list, if it is on it.
    ///
    /// # Safety
    ///
    /// `this` is the block's pointer, and `server` is the connection's.
    pub(super) unsafe fn unlist(this: NonNull<Self>, server: &ServerCore) {
        // SAFETY: the caller's; `listed` says whether the connection is on that server's list.
        unsafe {
            if this.as_ref().listed.replace(false) {
                server.with_connections(|list| list.remove(this));
            }
        }
    }
}

impl<S: Service> Connection<S> {
    const SLOTS_AT: usize = size_of::<Self>().next_multiple_of(align_of::<Slot<S>>());

    /// The layout of a connection with so many slots; `None` when that is no layout.
    pub(super) fn layout(depth: u16) -> Option<Layout> {
        let slots = Layout::array::<Slot<S>>(usize::from(depth)).ok()?;
        let (layout, at) = Layout::new::<Self>().extend(slots).ok()?;
        debug_assert_eq!(at, Self::SLOTS_AT);
        Some(layout)
    }

    /// Makes a connection of a block with [`layout`](Self::layout) of `depth`, and puts it on its server's list.
    pub(super) fn write(
        block: Block<'_>,
        depth: u16,
        registry: &Shared<Registry>,
        server: &Shared<ServerCore>,
        hello: S::Hello,
    ) -> NonNull<Self> {
        let (memory, account) = block.into_raw();
        let this = memory.cast::<Self>();
        let owner = registry.current_task();
        let head = Head {
            links: list::Links::new(),
            handshake: Node::new(true),
            id: registry.next_connection(),
            depth,
            slots_at: Self::SLOTS_AT,
            slot_size: size_of::<Slot<S>>(),
            listed: Cell::new(true),
            pins: Cell::new(0),
            client: Cell::new(true),
            requests: Cell::new(0),
            owner,
        };
        head.handshake.caller.set(owner);
        let connection = Self {
            head,
            server: ManuallyDrop::new(server.clone()),
            registry: ManuallyDrop::new(registry.clone()),
            greeting: UnsafeCell::new(Greeting::Hello(hello)),
            free: Cell::new(ptr::null()),
            waiters: ManuallyDrop::new(WaitList::new()),
            account,
        };
        // SAFETY: the block is ours, and large enough by `layout`.
        unsafe {
            this.write(connection);
            for index in (0..depth).rev() {
                let slot = Self::slot(this, index);
                let payload = UnsafeCell::new(Payload { nothing: () });
                slot.write(Slot { node: Node::new(false), connection: this, payload });
                this.as_ref().put_back(slot);
            }
        }
        server.with_connections(|list| list.push_back(this.cast()));
        this
    }

    /// # Safety
    ///
    /// `this` came from [`write`](Self::write), lives, and has more than `index` slots.
    unsafe fn slot(this: NonNull<Self>, index: u16) -> NonNull<Slot<S>> {
        // SAFETY: the caller's; `SLOTS_AT` is where `layout` puts the slots.
        unsafe { this.byte_add(Self::SLOTS_AT).cast::<Slot<S>>().add(usize::from(index)) }
    }

    /// Takes a free slot.
    #[inline]
    pub(super) fn take_slot(&self) -> Option<NonNull<Slot<S>>> {
        let node = NonNull::new(self.free.get().cast_mut())?;
        // SAFETY: free slots are in the block (rule 1).
        self.free.set(unsafe { node.as_ref() }.next.get());
        Some(node.cast())
    }

    pub(super) fn has_free_slot(&self) -> bool {
        !self.free.get().is_null()
    }

    /// Puts a slot among the free ones, whose payload holds nothing.
    #[inline]
    pub(super) fn put_back(&self, slot: NonNull<Slot<S>>) {
        // SAFETY: a slot of this connection (rule 1).
        let node = unsafe { &slot.as_ref().node };
        node.stage.set(Stage::Free);
        node.next.set(self.free.get());
        self.free.set(slot.as_ptr().cast_const().cast());
    }

    /// Gives a slot back whose payload holds nothing, and lets the next waiter have it.
    #[inline]
    pub(super) fn free_slot(&self, slot: NonNull<Slot<S>>) {
        self.put_back(slot);
        if !self.waiters.is_empty() {
            self.waiters.wake_one();
        }
    }

    /// # Safety
    ///
    /// `this` came from a handshake node on a server's queue or from its list (rule 4).
    pub(super) unsafe fn of_handshake(node: NonNull<Node>) -> NonNull<Self> {
        // SAFETY: the node is the field at this offset, and the pointer spans the block (rule 4).
        unsafe { node.byte_sub(offset_of!(Self, head) + offset_of!(Head, handshake)).cast() }
    }

    /// The handshake's node, as a pointer that spans the block (rule 4).
    pub(super) fn handshake(this: NonNull<Self>) -> NonNull<Node> {
        // SAFETY: an offset inside of the block.
        unsafe { this.byte_add(offset_of!(Self, head) + offset_of!(Head, handshake)).cast() }
    }

    #[cold]
    pub(super) fn note_request(&self, node: &Node) {
        let (connection, request) = (self.head.id.0, node.id.get());
        self.registry.events().emit(Kind::Request, || Event::Request { connection, request });
    }

    #[cold]
    pub(super) fn note_reply(&self, node: &Node) {
        let (connection, request) = (self.head.id.0, node.id.get());
        self.registry.events().emit(Kind::Reply, || Event::Reply { connection, request });
    }

    #[cold]
    pub(super) fn note_unanswered(&self, node: &Node) {
        let (connection, request) = (self.head.id.0, node.id.get());
        self.registry.events().emit(Kind::Unanswered, || Event::Unanswered { connection, request });
    }
}

/// The client gives up a node whose token is out: from now on the token keeps the connection, if the client goes.
///
/// # Safety
///
/// The node is `Taken` or `Lost`, and one of this connection.
#[cold]
pub(super) unsafe fn abandon<S: Service>(connection: &Connection<S>, node: &Node) {
    node.stage.set(Stage::Abandoned);
    pin(&connection.head);
    connection.server.look_at_replies();
}

/// Keeps a connection, whatever its client does.
pub(super) fn pin(head: &Head) {
    head.pins.set(head.pins.get() + 1);
}

/// Keeps the connection no more, and frees it if that was what kept it.
///
/// # Safety
///
/// The pin is the caller's, who does not use the connection again.
pub(super) unsafe fn unpin<S: Service>(this: NonNull<Connection<S>>) {
    // SAFETY: the pin kept the connection until now.
    let pins = unsafe { &this.as_ref().head.pins };
    pins.set(pins.get() - 1);
    // SAFETY: the caller's.
    unsafe { release(this) };
}

/// Frees the connection if its client is gone and nothing else keeps it.
///
/// # Safety
///
/// The caller has just given up the client or a pin, and does not use the connection again.
#[inline]
pub(super) unsafe fn release<S: Service>(this: NonNull<Connection<S>>) {
    // SAFETY: the block lives until it is freed here (rule 1).
    let head = unsafe { &this.as_ref().head };
    if !head.client.get() && head.pins.get() == 0 {
        // SAFETY: the caller's, and the condition of rule 1 has just come true.
        unsafe { free(this) };
    }
}

#[cold]
unsafe fn free<S: Service>(this: NonNull<Connection<S>>) {
    // SAFETY: nobody else reaches the block: no client, no token, and its nodes are off the server's queue. All slots are
    // free, so their payloads hold nothing. What runs user code (wakers, greeting) is dropped in place first, then the
    // handles are moved out.
    unsafe {
        Head::unlist(this.cast(), &this.as_ref().server);
        let (depth, account) = (this.as_ref().head.depth, this.as_ref().account);
        for index in 0..depth {
            ptr::drop_in_place(Connection::slot(this, index).as_ptr());
        }
        let server = ptr::read(&raw const *this.as_ref().server);
        let registry = ptr::read(&raw const *this.as_ref().registry);
        ManuallyDrop::drop(&mut (*this.as_ptr()).waiters);
        ptr::drop_in_place(this.as_ptr());
        if let Some(layout) = Connection::<S>::layout(depth) {
            Heap::free_block(this.cast(), layout, account);
        }
        drop((server, registry));
    }
}
