//! The registry against a plain model: what is listed, who is found, whether there is a slot, and how requests end.

use std::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};

use proptest::prelude::*;

use super::{
    random::{Waiting, ask},
    *,
};
use crate::{
    limits::Settings,
    registry::{BindError, InstanceId, Select},
};

const SERVICES: usize = 3;
const LABELS: [&str; SERVICES + 1] = ["", "a", "b", "c"];

/// One thing that a server or a client does. A `usize` picks one of those that there are, counted round and round.
#[derive(Clone, Copy, Debug)]
enum Step {
    Bind { label: usize },
    Unbind(usize),
    Connect { label: Option<usize>, depth: usize, accept: bool },
    Disconnect(usize),
    Send(usize),
    GiveUp(usize),
    Take(usize),
    Answer(usize, Answer),
    Look,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Reply,
    Fail,
    Nothing,
}

/// An instance that is running, and the requests that wait for it.
struct Instance {
    server: Server<Probe>,
    label: usize,
    queue: VecDeque<u32>,
}

/// A connection, and the slots of it that are in use.
struct Link {
    client: Option<Rc<Client<Probe>>>,
    instance: InstanceId,
    depth: usize,
    busy: usize,
}

impl Link {
    /// Whose server is gone takes no requests, so nobody counts its slots: they may be freed twice here, by the client
    /// that learns of it and by the token that the server left behind.
    fn free_slot(&mut self) {
        self.busy = self.busy.saturating_sub(1);
    }
}

/// A request that its client waits for; `end` is what polling it must give.
struct Asked {
    waiting: Waiting,
    link: usize,
    taken: bool,
    end: Option<Result<u32, CallError<u32>>>,
}

/// A request that a server has taken, be its client waiting or not.
struct Taken {
    call: Call<Probe>,
    number: u32,
    link: usize,
}

struct Model {
    services: Services,
    drops: Drops,
    tokens: u32,
    instances: Vec<Instance>,
    links: Vec<Link>,
    asked: BTreeMap<u32, Asked>,
    taken: Vec<Taken>,
}

impl Model {
    fn token(&mut self) -> Token {
        self.tokens += 1;
        self.drops.token(self.tokens)
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Bind { label } => self.bind(label),
            Step::Unbind(pick) => {
                if let Some(at) = pick.checked_rem(self.instances.len()) {
                    self.unbind(at);
                }
            }
            Step::Connect { label, depth, accept } => self.connect(label, depth, accept),
            Step::Disconnect(pick) => {
                if let Some(at) = pick.checked_rem(self.links.len()) {
                    self.links[at].client = None;
                }
            }
            Step::Send(pick) => {
                if let Some(at) = pick.checked_rem(self.links.len()) {
                    self.send(at);
                }
            }
            Step::GiveUp(pick) => {
                if let Some(at) = pick.checked_rem(self.asked.len()) {
                    self.give_up(*self.asked.keys().nth(at).expect("there are more"));
                }
            }
            Step::Take(pick) => {
                if let Some(at) = pick.checked_rem(self.instances.len())
                    && !self.take(at)
                {
                    assert!(self.instances[at].server.try_next().is_none(), "a request from nowhere");
                }
            }
            Step::Answer(pick, answer) => {
                if let Some(at) = pick.checked_rem(self.taken.len()) {
                    self.answer(at, answer);
                }
            }
            Step::Look => self.look(),
        }
        self.check_list();
    }

    fn bind(&mut self, label: usize) {
        let there = self.instances.iter().find(|instance| instance.label == label);
        let expected = match there {
            Some(there) => Some(BindError::AlreadyBound(there.server.instance())),
            None if self.instances.len() == SERVICES => Some(BindError::Full { services: SERVICES }),
            None => None,
        };
        match self.services.try_bind::<Probe>(LABELS[label]) {
            Ok(server) => {
                assert_eq!(expected, None);
                self.instances.push(Instance { server, label, queue: VecDeque::new() });
            }
            Err(error) => assert_eq!(Some(error), expected),
        }
    }

    fn unbind(&mut self, at: usize) {
        let gone = self.instances.remove(at).server.instance();
        for asked in self.asked.values_mut() {
            if self.links[asked.link].instance == gone {
                asked.end.get_or_insert(Err(CallError::ServerGone));
            }
        }
    }

    fn connect(&mut self, label: Option<usize>, depth: usize, accept: bool) {
        let (hello, reason) = (self.token(), self.token());
        let select = label.map_or(Select::First, |label| Select::Label(LABELS[label]));
        let services = self.services.clone();
        let mut connecting =
            Box::pin(async move { services.try_connect_to::<Probe>(select, hello, depth).await });
        let first = poll(&mut connecting);
        let found =
            self.instances.iter().position(|instance| label.is_none_or(|label| instance.label == label));
        let Some(at) = found else {
            assert!(matches!(first, Poll::Ready(Err(ConnectError::NotFound))));
            return;
        };
        assert!(first.is_pending());
        while self.take(at) {}
        let server = &mut self.instances[at].server;
        let Some(Incoming::Hello(handshake)) = server.try_next() else { panic!("no handshake") };
        if accept {
            handshake.accept().expect("the client waits");
            let Poll::Ready(Ok(client)) = poll(&mut connecting) else { panic!("not connected") };
            let instance = server.instance();
            assert_eq!((client.instance(), usize::from(client.depth())), (instance, depth));
            self.links.push(Link { client: Some(Rc::new(client)), instance, depth, busy: 0 });
        } else {
            handshake.reject(reason).expect("the client waits");
            assert!(matches!(poll(&mut connecting), Poll::Ready(Err(ConnectError::Rejected(_)))));
        }
    }

    fn send(&mut self, at: usize) {
        let Some(client) = self.links[at].client.clone() else { return };
        let token = self.token();
        let (number, link) = (token.1, &mut self.links[at]);
        let running = self.instances.iter_mut().find(|instance| instance.server.instance() == link.instance);
        assert_eq!(client.is_connected(), running.is_some());
        let room = link.busy < link.depth;
        match (ask(&client, token), running) {
            (Some(waiting), Some(running)) if room => {
                link.busy += 1;
                running.queue.push_back(number);
                self.asked.insert(number, Asked { waiting, link: at, taken: false, end: None });
            }
            (None, running) => assert!(running.is_none() || !room, "there is a slot for it"),
            (Some(_), _) => panic!("there is no slot for it"),
        }
    }

    fn give_up(&mut self, number: u32) {
        let asked = self.asked.remove(&number).expect("picked from those that wait");
        // What a server has in hand keeps its slot until it is answered.
        if asked.end.is_some() || !asked.taken {
            self.links[asked.link].free_slot();
        }
        for instance in &mut self.instances {
            instance.queue.retain(|queued| *queued != number);
        }
    }

    /// Takes the next request, if one waits.
    fn take(&mut self, at: usize) -> bool {
        let instance = &mut self.instances[at];
        let Some(number) = instance.queue.pop_front() else { return false };
        let Some(Incoming::Call(call)) = instance.server.try_next() else { panic!("{number} is lost") };
        assert_eq!(call.request().1, number, "out of order");
        let asked = self.asked.get_mut(&number).expect("what is given up leaves the queue");
        asked.taken = true;
        self.taken.push(Taken { call, number, link: asked.link });
        true
    }

    fn answer(&mut self, at: usize, answer: Answer) {
        let Taken { call, number, link } = self.taken.swap_remove(at);
        let reply = self.token();
        let (answered, end) = match answer {
            Answer::Reply => (Some(Ok(reply)), Ok(self.tokens)),
            Answer::Fail => (Some(Err(reply)), Err(CallError::Service(self.tokens))),
            Answer::Nothing => (None, Err(CallError::Unanswered)),
        };
        let waits = match self.asked.get_mut(&number) {
            Some(asked) if asked.end.is_none() => {
                asked.end = Some(end);
                true
            }
            // Its server is gone, and its client has yet to look.
            Some(_) => false,
            None => {
                self.links[link].free_slot();
                false
            }
        };
        match answered {
            Some(answered) => assert_eq!(call.reply(answered).is_ok(), waits),
            None => drop(call),
        }
    }

    fn look(&mut self) {
        let links = &mut self.links;
        self.asked.retain(|_, asked| match (poll(&mut asked.waiting.1), asked.end) {
            (Poll::Pending, None) => true,
            (Poll::Ready(end), expected) => {
                assert_eq!(Some(end), expected);
                links[asked.link].free_slot();
                false
            }
            (Poll::Pending, Some(end)) => panic!("{} has ended with {end:?}, unheard", asked.waiting.0),
        });
    }

    /// The registry lists what is running, in the order of binding, with its connections counted.
    fn check_list(&self) {
        let mut after = InstanceId(0);
        let listed: Vec<_> = core::iter::from_fn(|| {
            let info = self.services.next_service(after)?;
            after = info.instance;
            Some((info.instance, info.label.as_str().to_string(), info.clients as usize))
        })
        .collect();
        // A connection stays until its client is gone and the server has nothing of it in hand.
        let open = |at: usize| {
            self.links[at].client.is_some()
                || self.asked.values().any(|asked| asked.link == at)
                || self.taken.iter().any(|taken| taken.link == at)
        };
        let expected: Vec<_> = (self.instances.iter())
            .map(|instance| {
                let id = instance.server.instance();
                let linked = |at: &usize| self.links[*at].instance == id && open(*at);
                let clients = (0..self.links.len()).filter(linked).count();
                (id, LABELS[instance.label].to_string(), clients)
            })
            .collect();
        assert_eq!(listed, expected);
    }
}

fn run(steps: &[Step]) {
    let machine = Machine::with(128 * 1024, &Settings { services: SERVICES, ..Settings::DEFAULT });
    let kernel = machine.kernel.handle();
    let before = kernel.heap().stats().used;
    let mut model = Model {
        services: kernel.services(),
        drops: Drops::default(),
        tokens: 0,
        instances: Vec::new(),
        links: Vec::new(),
        asked: BTreeMap::new(),
        taken: Vec::new(),
    };
    for &step in steps {
        model.step(step);
    }
    while !model.instances.is_empty() {
        model.unbind(0);
    }
    model.look();
    assert!(model.asked.is_empty(), "a request outlives its server");
    let Model { drops, tokens, links, taken, .. } = model;
    drop((links, taken));
    assert_eq!(drops.count(), tokens, "a value was lost or doubled");
    machine.settle();
    assert_eq!(kernel.heap().stats().used, before, "something is left behind");
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![3 => Just(Answer::Reply), 1 => Just(Answer::Fail), 1 => Just(Answer::Nothing)]
}

fn step() -> impl Strategy<Value = Step> {
    let pick = || 0..8_usize;
    prop_oneof![
        3 => (0..LABELS.len()).prop_map(|label| Step::Bind { label }),
        1 => pick().prop_map(Step::Unbind),
        4 => (prop::option::of(0..LABELS.len()), 1..4_usize, prop::bool::weighted(0.9))
            .prop_map(|(label, depth, accept)| Step::Connect { label, depth, accept }),
        1 => pick().prop_map(Step::Disconnect),
        8 => pick().prop_map(Step::Send),
        2 => pick().prop_map(Step::GiveUp),
        5 => pick().prop_map(Step::Take),
        5 => (pick(), answer()).prop_map(|(pick, answer)| Step::Answer(pick, answer)),
        2 => Just(Step::Look),
    ]
}

proptest! {
    #[test]
    fn any_history_agrees_with_the_model(steps in prop::collection::vec(step(), 0..150)) {
        run(&steps);
    }
}
