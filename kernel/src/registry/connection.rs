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
//! 4. Pointers to heads, slots and nodes are made from the block's pointer, so one can be made of the other. A node knows
//!    its connection by such a pointer.
#![expect(unsafe_code, reason = "a connection is one block that its client and its server's tokens share")]

use core::{
    cell::{Cell, UnsafeCell},
    mem::{ManuallyDrop, offset_of},
    ptr::{self, NonNull},
};

use cordyceps::{Linked, list};

use super::{
    queue::{Node, Stage},
    server::ServerCore,
    service::{ConnectionId, Service},
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
    payload: UnsafeCell<Payload<S>>,
}

/// What a slot carries.
union Payload<S: Service> {
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

/// The part of a connection that is the same for all services. Its address is the connection's.
pub(super) struct Head {
    links: list::Links<Head>,
    /// The handshake goes through the stages of a request.
    pub(super) handshake: Node,
    pub(super) server: ManuallyDrop<Shared<ServerCore>>,
    free: Cell<*const Node>,
    /// Clients that wait for a free slot, in order.
    pub(super) waiters: ManuallyDrop<WaitList>,
    account: NonNull<Account>,
    pub(super) id: ConnectionId,
    pub(super) depth: u16,
    /// On the server's list.
    listed: Cell<bool>,
    /// A client, or somebody who is connecting, exists (rule 1).
    pub(super) client: Cell<bool>,
    /// Abandoned nodes, and whoever else keeps the connection without its client (rule 1).
    pub(super) pins: Cell<u32>,
    pub(super) requests: Cell<u32>,
    /// The task that connected; 0 when it was no task.
    pub(super) owner: u32,
}

/// See the module.
#[repr(C)]
pub(super) struct Connection<S: Service> {
    pub(super) head: Head,
    pub(super) greeting: UnsafeCell<Greeting<S>>,
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
    /// Makes a connection of a block with the [`slots`](Contract::slots) for `depth` slots, all but its greeting, and puts
    /// it on its server's list.
    pub(super) fn write(block: Block<'_>, depth: u16, server: Shared<ServerCore>) -> NonNull<Self> {
        let (memory, account) = block.into_raw();
        let this = memory.cast::<Self>();
        let (owner, id) = (server.registry.current_task(), server.registry.next_connection());
        let handshake = Node::new(true, this);
        handshake.caller.set(owner);
        let head = Self {
            links: list::Links::new(),
            handshake,
            server: ManuallyDrop::new(server),
            free: Cell::new(ptr::null()),
            waiters: ManuallyDrop::new(WaitList::new()),
            account,
            id,
            depth,
            listed: Cell::new(true),
            client: Cell::new(true),
            pins: Cell::new(0),
            requests: Cell::new(0),
            owner,
        };
        // SAFETY: the block is ours, and large enough by its layout.
        unsafe {
            this.write(head);
            for index in (0..usize::from(depth)).rev() {
                let node = Self::node(this, index);
                node.write(Node::new(false, this));
                this.as_ref().put_back(node);
            }
        }
        // SAFETY: made just now.
        unsafe { this.as_ref() }.server.with_connections(|list| list.push_back(this));
        this
    }

    /// The node of a slot.
    ///
    /// # Safety
    ///
    /// `this` is the block's pointer (rule 4), and the connection lives and has more than `index` slots.
    unsafe fn node(this: NonNull<Self>, index: usize) -> NonNull<Node> {
        // SAFETY: the caller's; the contract says where the slots are.
        unsafe {
            let contract = this.as_ref().server.contract;
            // Inside of the block, so nothing overflows.
            this.byte_add(contract.slots_at.wrapping_add(index.wrapping_mul(contract.slot_size))).cast()
        }
    }

    /// The nodes of the connection's slots.
    ///
    /// # Safety
    ///
    /// `this` is the block's pointer (rule 4), and the connection outlives the iterator.
    pub(super) unsafe fn nodes(this: NonNull<Self>) -> impl Iterator<Item = NonNull<Node>> {
        // SAFETY: the caller's.
        let depth = unsafe { this.as_ref().depth };
        // SAFETY: the caller's.
        (0..usize::from(depth)).map(move |index| unsafe { Self::node(this, index) })
    }

    /// The handshake's node, as a pointer that spans the block (rule 4).
    pub(super) fn handshake(this: NonNull<Self>) -> NonNull<Node> {
        // SAFETY: an offset inside of the block.
        unsafe { this.byte_add(offset_of!(Self, handshake)).cast() }
    }

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

    /// Takes a free slot.
    #[inline]
    pub(super) fn take_slot(&self) -> Option<NonNull<Node>> {
        let node = NonNull::new(self.free.get().cast_mut())?;
        // SAFETY: free slots are in the block (rule 1).
        self.free.set(unsafe { node.as_ref() }.next.get());
        Some(node)
    }

    /// Puts a slot of this connection among the free ones, whose payload holds nothing.
    #[inline]
    fn put_back(&self, slot: NonNull<Node>) {
        // SAFETY: a slot of this connection (rule 1).
        let node = unsafe { slot.as_ref() };
        node.stage.set(Stage::Free);
        node.next.set(self.free.get());
        self.free.set(slot.as_ptr());
    }

    /// Gives a slot back whose payload holds nothing, and lets the next waiter have it.
    #[inline]
    pub(super) fn free_slot(&self, slot: NonNull<Node>) {
        self.put_back(slot);
        if !self.waiters.is_empty() {
            self.waiters.wake_one();
        }
    }

    #[cold]
    pub(super) fn note_request(&self, node: &Node) {
        let (connection, request) = (self.id.0, node.id.get());
        self.server.events().emit(Kind::Request, || Event::Request { connection, request });
    }

    #[cold]
    pub(super) fn note_reply(&self, node: &Node) {
        let (connection, request) = (self.id.0, node.id.get());
        self.server.events().emit(Kind::Reply, || Event::Reply { connection, request });
    }

    #[cold]
    pub(super) fn note_unanswered(&self, node: &Node) {
        let (connection, request) = (self.id.0, node.id.get());
        self.server.events().emit(Kind::Unanswered, || Event::Unanswered { connection, request });
    }
}

impl<S: Service> Connection<S> {
    /// Writes the greeting of a connection that has none yet.
    ///
    /// # Safety
    ///
    /// The connection is one of this service, and was made just now by [`Head::write`], which leaves nothing else to write.
    #[inline]
    pub(super) unsafe fn greet(this: NonNull<Head>, greeting: Greeting<S>) {
        // SAFETY: the caller's: the place is in the block, and nobody else looks at it yet.
        unsafe {
            let place = &raw mut (*this.cast::<Self>().as_ptr()).greeting;
            place.write(UnsafeCell::new(greeting));
        }
    }
}

/// The client gives up a node whose token is out: from now on the token keeps the connection, if the client goes.
///
/// # Safety
///
/// The node is `Taken` or `Lost`, and one of this connection.
#[cold]
pub(super) unsafe fn abandon(connection: &Head, node: &Node) {
    node.stage.set(Stage::Abandoned);
    pin(connection);
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
/// The pin is the caller's, who does not use the connection again. The pointer is the block's (rule 4).
pub(super) unsafe fn unpin(this: NonNull<Head>) {
    // SAFETY: the pin kept the connection until now.
    let pins = unsafe { &this.as_ref().pins };
    pins.set(pins.get() - 1);
    // SAFETY: the caller's.
    unsafe { release(this) };
}

/// Frees the connection if its client is gone and nothing else keeps it.
///
/// # Safety
///
/// The caller has just given up the client or a pin, and does not use the connection again. The pointer is the block's
/// (rule 4).
#[inline]
pub(super) unsafe fn release(this: NonNull<Head>) {
    // SAFETY: the block lives until it is freed here (rule 1).
    let head = unsafe { this.as_ref() };
    if !head.client.get() && head.pins.get() == 0 {
        // SAFETY: the caller's, and the condition of rule 1 has just come true.
        unsafe { free(this) };
    }
}

#[cold]
unsafe fn free(this: NonNull<Head>) {
    // SAFETY: nobody else reaches the block: no client, no token, and its nodes are off the server's queue. All slots are
    // free, so their payloads hold nothing. What runs user code (wakers, greeting) is dropped in place first, then the
    // handles are moved out.
    unsafe {
        Head::unlist(this, &this.as_ref().server);
        let (depth, account) = (this.as_ref().depth, this.as_ref().account);
        let contract = this.as_ref().server.contract;
        for node in Head::nodes(this) {
            ptr::drop_in_place(node.as_ptr());
        }
        let server = ptr::read(&raw const *this.as_ref().server);
        ManuallyDrop::drop(&mut (*this.as_ptr()).waiters);
        (contract.drop_greeting)(this);
        ptr::drop_in_place(this.as_ptr());
        Heap::free_block(this.cast(), contract.layout_of(depth), account);
        drop(server);
    }
}
