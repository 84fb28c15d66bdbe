//! The supervisor, as whoever assembles the machine knows it, and what it keeps of each driver.

use core::{
    cell::{Cell, RefCell},
    convert::Infallible,
    fmt::{self, Write as _},
    future::Future,
};

use super::{
    DriverRow, DriverState, ENDING, Error, NAME, TASK,
    policy::{History, Policy},
    watch::{Recipe, Watch},
};
use crate::{
    Handle,
    executor::{SpawnFailure, TaskId},
    heap::{AllocError, Box, FixedVec, Shared},
    inline::Text,
    sync::WaitList,
};

/// Starts drivers, and starts them again. Cheap to clone. See the [module](super).
#[derive(Clone)]
pub struct Supervisor {
    inner: Shared<Inner>,
}

struct Inner {
    kernel: Handle,
    drivers: RefCell<FixedVec<Shared<Driver>>>,
}

/// What is known of a driver. The supervising task owns all else.
pub(super) struct Driver {
    pub(super) name: &'static str,
    pub(super) policy: Policy,
    /// The supervising task.
    supervisor: Cell<TaskId>,
    pub(super) state: Cell<DriverState>,
    pub(super) starts: Cell<u32>,
    pub(super) last_ending: Cell<Text<ENDING>>,
    order: Cell<Option<Order>>,
    /// Woken when the order changes: the supervising task, and those who wait until it has been carried out.
    ordered: WaitList,
}

/// What somebody wants, until the supervising task has done it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// End the driver if it runs, and start it.
    Start,
    /// End the driver.
    Kill,
}

/// Why a driver was not put under supervision.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddError {
    /// The name is longer than [`NAME`] bytes.
    NameTooLong,
    /// Another driver has this name.
    NameTaken,
    /// The supervisor has as many drivers as it was made for.
    Full {
        /// So many.
        drivers: usize,
    },
    /// No memory.
    Memory(AllocError),
    /// The supervising task could not be spawned.
    Spawn(SpawnFailure),
}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameTooLong => write!(f, "a driver's name has {NAME} bytes at most"),
            Self::NameTaken => f.write_str("another driver has this name already"),
            Self::Full { drivers } => {
                write!(f, "the supervisor was made for {drivers} drivers, and has them")
            }
            Self::Memory(error) => write!(f, "no memory for the driver: {error}"),
            Self::Spawn(failure) => write!(f, "the supervising task: {failure}"),
        }
    }
}

impl core::error::Error for AddError {}

impl From<AllocError> for AddError {
    fn from(error: AllocError) -> Self {
        Self::Memory(error)
    }
}

impl Supervisor {
    /// A supervisor for so many drivers.
    ///
    /// # Errors
    ///
    /// When there is no memory for it.
    pub fn new(kernel: &Handle, drivers: usize) -> Result<Self, AllocError> {
        let heap = kernel.heap();
        let drivers = RefCell::new(heap.try_vec(drivers)?);
        let inner = Inner { kernel: kernel.clone(), drivers };
        Ok(Self { inner: heap.try_shared(inner).map_err(|failed| failed.error)? })
    }

    pub(super) fn kernel(&self) -> &Handle {
        &self.inner.kernel
    }

    /// Puts a driver under supervision, and starts it in the next tick if `autostart` says so.
    ///
    /// `factory` makes the driver's future, anew for each start. It runs in the driver's task.
    ///
    /// # Errors
    ///
    /// See [`AddError`]; nothing has changed then.
    pub fn add<F, D, E>(
        &self,
        name: &'static str,
        policy: Policy,
        factory: F,
        autostart: bool,
    ) -> Result<(), AddError>
    where
        F: Fn(Handle) -> D + 'static,
        D: Future<Output = Result<Infallible, E>> + 'static,
        E: fmt::Display + 'static,
    {
        let heap = self.kernel().heap();
        let factory = heap.try_shared(factory).map_err(|failed| failed.error)?;
        let recipe = heap.try_box(factory).map_err(|failed| failed.error)?;
        self.add_recipe(name, policy, Box::unsize(recipe, |recipe| recipe as &mut dyn Recipe), autostart)
    }

    fn add_recipe(
        &self,
        name: &'static str,
        policy: Policy,
        recipe: Box<dyn Recipe>,
        autostart: bool,
    ) -> Result<(), AddError> {
        let kernel = self.kernel();
        let heap = kernel.heap();
        if name.len() > NAME {
            return Err(AddError::NameTooLong);
        }
        if self.find(name).is_ok() {
            return Err(AddError::NameTaken);
        }
        let history = History::new(&policy, heap.try_vec(policy.limit.count.into())?);
        let state = match autostart {
            true => DriverState::Waiting { until_us: kernel.now().as_micros() },
            false => DriverState::Stopped,
        };
        let driver = Driver {
            name,
            policy,
            supervisor: Cell::new(TaskId(0)),
            state: Cell::new(state),
            starts: Cell::new(0),
            last_ending: Cell::new(Text::new()),
            order: Cell::new(None),
            ordered: WaitList::new(),
        };
        let driver = heap.try_shared(driver).map_err(|failed| failed.error)?;
        {
            let mut drivers = self.inner.drivers.borrow_mut();
            let limit = drivers.capacity();
            drivers.push(driver.clone()).map_err(|_full| AddError::Full { drivers: limit })?;
        }
        // From here on the watch takes the driver off the list when it is dropped, spawned or not.
        let watch = Watch::new(self.clone(), driver.clone(), recipe, history);
        let task = kernel.try_spawn(TASK, watch.run()).map_err(|failed| AddError::Spawn(failed.reason))?;
        driver.supervisor.set(task.id());
        task.detach();
        Ok(())
    }

    /// Takes a driver off the list, whose supervising task is over.
    pub(super) fn forget(&self, driver: &Shared<Driver>) {
        let forgotten = {
            let mut drivers = self.inner.drivers.borrow_mut();
            let at = drivers.iter().position(|other| Shared::ptr_eq(other, driver));
            at.map(|at| drivers.remove(at))
        };
        drop(forgotten);
        driver.carried_out();
    }

    fn find(&self, name: &str) -> Result<Shared<Driver>, Error> {
        let drivers = self.inner.drivers.borrow();
        drivers.iter().find(|driver| driver.name == name).cloned().ok_or(Error::NoSuchDriver)
    }

    /// Orders a driver that does not run to be started. One that waits for its next start need not wait any longer,
    /// and one that is about to be killed will be started afterwards.
    ///
    /// # Errors
    ///
    /// When there is no such driver, or it runs.
    pub fn start(&self, name: &str) -> Result<(), Error> {
        let driver = self.find(name)?;
        if let (Some(Order::Start), _) | (None, DriverState::Running { .. }) =
            (driver.order.get(), driver.state.get())
        {
            return Err(Error::AlreadyRunning);
        }
        driver.order(Order::Start);
        Ok(())
    }

    /// Orders a driver to be ended for good: it is not started again until somebody [starts](Self::start) it.
    ///
    /// # Errors
    ///
    /// When there is no such driver, or it neither runs nor waits for its next start.
    pub fn kill(&self, name: &str) -> Result<(), Error> {
        let driver = self.find(name)?;
        let rests = matches!(driver.state.get(), DriverState::Stopped | DriverState::GivenUp);
        match driver.order.get() {
            Some(Order::Kill) => return Err(Error::NotRunning),
            None if rests => return Err(Error::NotRunning),
            // It is not started after all.
            Some(Order::Start) if rests => driver.carried_out(),
            _ => self.end(&driver, Order::Kill),
        }
        Ok(())
    }

    /// Orders a driver to be ended if it runs, and started at once.
    ///
    /// # Errors
    ///
    /// When there is no such driver.
    pub fn restart(&self, name: &str) -> Result<(), Error> {
        let driver = self.find(name)?;
        self.end(&driver, Order::Start);
        Ok(())
    }

    /// Gives an order that ends the driver. It is not polled any more: its next turn is its last.
    fn end(&self, driver: &Driver, order: Order) {
        driver.order(order);
        if let DriverState::Running { task } = driver.state.get() {
            self.kernel().abort(TaskId(task));
        }
    }

    /// Waits until no order for this driver is left to be carried out.
    ///
    /// # Cancellation
    ///
    /// Dropping the future changes nothing.
    pub async fn settled(&self, name: &str) {
        if let Ok(driver) = self.find(name) {
            driver.ordered.wait_until(|| driver.order.get().is_none().then_some(())).await;
        }
    }

    /// The driver that was added after so many others.
    pub fn row(&self, after: usize) -> Option<DriverRow> {
        let drivers = self.inner.drivers.borrow();
        let driver = drivers.get(after)?;
        let mut restart = Text::new();
        // What the policies are called fits.
        let _ = write!(restart, "{}", driver.policy.restart);
        Some(DriverRow {
            index: u16::try_from(after).unwrap_or(u16::MAX),
            name: Text::cut(driver.name),
            supervisor: driver.supervisor.get().0,
            state: driver.state.get(),
            restart,
            starts: driver.starts.get(),
            last_ending: driver.last_ending.get(),
        })
    }

    /// All drivers, in the order in which they were added.
    pub fn rows(&self) -> impl Iterator<Item = DriverRow> + '_ {
        (0..).map_while(|after| self.row(after))
    }
}

impl Driver {
    fn order(&self, order: Order) {
        self.order.set(Some(order));
        self.ordered.wake_all();
    }

    /// The order that is to be carried out.
    pub(super) fn current_order(&self) -> Option<Order> {
        self.order.get()
    }

    /// Waits for an order.
    pub(super) async fn next_order(&self) -> Order {
        self.ordered.wait_until(|| self.order.get()).await
    }

    /// The order has been carried out; returns it.
    pub(super) fn take_order(&self) -> Option<Order> {
        let order = self.order.get();
        self.carried_out();
        order
    }

    fn carried_out(&self) {
        self.order.set(None);
        self.ordered.wake_all();
    }
}
