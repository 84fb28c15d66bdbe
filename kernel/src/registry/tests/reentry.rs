//! Wakers and destructors that turn around and use the service that they are called for.

#![expect(unsafe_code, reason = "wakers that re-enter are made `Send` for a test of one thread")]

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::Wake,
};

use super::*;

/// Counts wakes.
#[derive(Default)]
pub(super) struct Wakes(AtomicU32);

impl Wakes {
    pub(super) fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (wakes.clone(), wakes.into())
    }

    pub(super) fn count(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Runs something when it is woken, once. For one thread, which `Wake` cannot know.
struct Runs(Mutex<Option<OneThread>>, AtomicBool);

struct OneThread(Box<dyn FnOnce()>);

// SAFETY: the tests of this module wake and drop on the thread that made it.
unsafe impl Send for OneThread {}

impl Wake for Runs {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let what = self.0.lock().expect("not poisoned").take();
        if let Some(OneThread(what)) = what {
            what();
            self.1.store(true, Ordering::SeqCst);
        }
    }
}

/// Runs something when the last of it is dropped.
struct RunsLast(Option<OneThread>);

// SAFETY: as for `OneThread`, of which nobody sees a reference.
unsafe impl Sync for RunsLast {}

impl Wake for RunsLast {
    fn wake(self: Arc<Self>) {}
}

impl Drop for RunsLast {
    fn drop(&mut self) {
        if let Some(OneThread(what)) = self.0.take() {
            what();
        }
    }
}

/// Polls with a waker that runs something when it is exchanged for another.
fn poll_before<F: Future + Unpin>(future: &mut F, what: impl FnOnce() + 'static) -> Poll<F::Output> {
    let waker = Waker::from(Arc::new(RunsLast(Some(OneThread(Box::new(what))))));
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}

fn runs(what: impl FnOnce() + 'static) -> (Arc<Runs>, Waker) {
    let runs = Arc::new(Runs(Mutex::new(Some(OneThread(Box::new(what)))), AtomicBool::new(false)));
    (runs.clone(), runs.into())
}

/// A request under way with the client that it needs, both dropped by the waker.
fn call(client: Client<Probe>, token: Token) -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async move {
        let _ = client.call(token).await;
    })
}

/// What a waker drops when it is woken.
type Doomed = Rc<RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>>;

/// Polls what is doomed with a waker that drops it.
fn doom(future: Pin<Box<dyn Future<Output = ()>>>) -> Arc<Runs> {
    let doomed = Doomed::default();
    let inside = doomed.clone();
    let (runs, waker) = runs(move || drop(inside.take()));
    doomed.replace(Some(future));
    let mut future = doomed.take().expect("put there");
    assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    doomed.replace(Some(future));
    runs
}

fn ran(runs: &Runs) -> bool {
    runs.1.load(Ordering::SeqCst)
}

#[test]
fn a_waker_may_drop_the_client_that_is_being_answered() {
    let mut bench = Bench::new();
    let before = bench.used();
    let client = bench.connect(1);
    let token = bench.drops.token(1);
    let runs = doom(call(client, token));
    let reply = bench.drops.token(2);
    assert!(bench.take().answer(reply).is_ok());
    assert!(ran(&runs));
    assert_eq!((bench.drops.count(), bench.used()), (3, before));
}

#[test]
fn a_waker_may_drop_the_client_whose_request_is_dropped_unanswered() {
    let mut bench = Bench::new();
    let before = bench.used();
    let client = bench.connect(1);
    let token = bench.drops.token(1);
    let runs = doom(call(client, token));
    drop(bench.take());
    assert!(ran(&runs));
    assert_eq!((bench.drops.count(), bench.used()), (2, before));
}

#[test]
fn a_waker_may_drop_its_client_while_the_server_goes_down() {
    let mut bench = Bench::new();
    let clients = [bench.connect(1), bench.connect(1), bench.connect(1)];
    let runs = clients.map(|client| doom(call(client, bench.drops.token(1))));
    let taken = bench.take();
    drop(bench.server.take());
    assert!(runs.iter().all(|runs| ran(runs)));
    drop(taken);
    assert_eq!(bench.drops.count(), 6);
}

#[test]
fn a_waker_may_drop_who_is_connecting() {
    let mut bench = Bench::new();
    let before = bench.used();
    for accept in [true, false] {
        let (services, hello) = (bench.services(), bench.drops.token(1));
        let connecting = async move {
            let _ = services.try_connect::<Probe>(hello, 1).await;
        };
        let runs = doom(Box::pin(connecting));
        let Some(Incoming::Hello(handshake)) = bench.server().try_next() else { panic!("no handshake") };
        if accept {
            assert!(handshake.accept().is_ok());
        } else {
            drop(handshake);
        }
        assert!(ran(&runs));
        assert_eq!(bench.used(), before);
    }
    assert_eq!(bench.drops.count(), 2);
}

#[test]
fn a_waker_may_drop_the_server_that_is_being_asked() {
    let mut bench = Bench::new();
    let client = bench.connect(1);
    let mut server = bench.server.take().expect("running");
    let runs = doom(Box::pin(async move {
        drop(server.next().await);
    }));
    let mut pending = bench.send(&client, 1);
    assert!(ran(&runs));
    assert_eq!(outcome(&mut pending), Some(Err(CallError::ServerGone)));
    assert!(!client.is_connected());
}

#[test]
fn a_waker_may_drop_the_client_whose_wait_in_a_circle_is_broken() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let (drops, handle) = (Drops::default(), kernel.clone());
    let runs = Rc::new(RefCell::new(None));
    let (made, counted) = (runs.clone(), drops.clone());
    let task = async move {
        let mut server = handle.services().bind::<Probe>("").await.expect("bound");
        let services = handle.services();
        let mut connecting = pin!(services.try_connect::<Probe>(counted.token(0), 1));
        let first = poll_fn(|context| Poll::Ready(connecting.as_mut().poll(context).is_pending())).await;
        assert!(first);
        let Some(Incoming::Hello(handshake)) = server.try_next() else { panic!("no handshake") };
        assert!(handshake.accept().is_ok());
        let Ok(client) = connecting.await else { panic!("not connected") };
        // Asks itself, and drops what waits for the answer from within the waker.
        made.replace(Some(doom(call(client, counted.token(1)))));
        core::future::pending::<()>().await;
        drop(server);
    };
    kernel.try_spawn("own", task).expect("spawned").detach();
    machine.settle();
    assert!(ran(runs.borrow().as_ref().expect("asked")));
    assert_eq!(drops.count(), 2);
}

#[test]
fn a_destructor_may_use_the_client_that_its_request_was_sent_with() {
    /// Sends another request when it is dropped.
    struct Asks(Option<Rc<Client<Chatty>>>);
    enum Chatty {}
    impl Service for Chatty {
        type Request = Asks;
        type Response = ();
        type Error = Infallible;
        type Hello = ();
        type ConnectError = Infallible;
        const UUID: Uuid = Uuid::from_u128(3);
        const NAME: &'static str = "chatty";
        const VERSION: Version = Version::new(1, 0);
    }
    impl Drop for Asks {
        fn drop(&mut self) {
            if let Some(client) = self.0.take() {
                drop(client.try_send(Asks(None)));
                core::mem::forget(client.try_send(Asks(None)));
            }
        }
    }
    let machine = Machine::new();
    let services = machine.kernel.handle().services();
    let mut server = services.try_bind::<Chatty>("").expect("bound");
    let mut connecting = Box::pin(services.try_connect::<Chatty>((), 4));
    assert!(poll(&mut connecting).is_pending());
    let Some(Incoming::Hello(handshake)) = server.try_next() else { panic!("no handshake") };
    assert!(handshake.accept().is_ok());
    let Poll::Ready(Ok(client)) = poll(&mut connecting) else { panic!("not connected") };
    let client = Rc::new(client);
    // Given up on the queue, then taken and dropped, then answered.
    drop(client.try_send(Asks(Some(client.clone()))));
    let _forgotten_by_the_destructor = server.try_next().map(|_| ());
    core::mem::forget(client.try_send(Asks(Some(client.clone()))));
    drop(server.try_next());
    drop(server);
    assert_eq!(Rc::strong_count(&client), 1);
}

#[test]
fn a_request_that_comes_while_the_servers_wakers_are_exchanged_wakes_the_server() {
    let mut bench = Bench::new();
    let client = Rc::new(bench.connect(1));
    let (asks, token) = (client.clone(), bench.drops.token(1));
    let sends = move || core::mem::forget(asks.try_send(token).ok());
    // The server has kept the waker, and is busy.
    assert!(poll_before(&mut pin!(bench.server().next()), sends).is_pending());
    let mut next = pin!(bench.server().next());
    let (wakes, waker) = Wakes::new();
    assert!(next.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(wakes.count(), 1);
    assert!(next.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
}

#[test]
fn a_reply_that_comes_while_the_clients_wakers_are_exchanged_wakes_the_client() {
    let mut bench = Bench::new();
    let client = bench.connect(1);
    let second = Rc::new(RefCell::new(None::<Call<Probe>>));
    let (answers, token) = (second.clone(), bench.drops.token(3));
    let mut pending = bench.send(&client, 1);
    let answer = move || assert!(answers.take().is_some_and(|call| call.answer(token).is_ok()));
    assert!(poll_before(&mut pending, answer).is_pending());
    let token = bench.drops.token(2);
    assert!(bench.take().answer(token).is_ok());
    assert!(matches!(outcome(&mut pending), Some(Ok(2))));
    // The slot has kept the waker.
    let mut pending = bench.send(&client, 2);
    second.replace(Some(bench.take()));
    let (wakes, waker) = Wakes::new();
    assert!(Pin::new(&mut pending).poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(wakes.count(), 1);
    assert!(matches!(outcome(&mut pending), Some(Ok(3))));
}
