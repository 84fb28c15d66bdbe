//! What a driver cannot make anew: the half of a device that its first instance was set up with.

use core::{
    cell::Cell,
    fmt,
    ops::{Deref, DerefMut},
};

use crate::{
    Handle,
    heap::{AllocError, Shared},
};

/// Keeps a value for one driver after another: lent to the one that runs, back when that has ended.
///
/// ```
/// # use kernel::{Handle, heap::AllocError, services::supervise::{Kept, Policy, Supervisor, AddError}};
/// # struct Device;
/// # impl Device {
/// #     async fn serve(&mut self, _: Handle) -> Result<core::convert::Infallible, &'static str> { Err("") }
/// # }
/// # fn assemble(kernel: &Handle, supervisor: &Supervisor, device: Device) -> Result<(), AddError> {
/// let kept = Kept::new(kernel, device)?;
/// let serve = move |kernel| {
///     let lent = kept.lend();
///     async move { lent.map_err(|_| "the device is in use")?.serve(kernel).await }
/// };
/// supervisor.add("device", Policy::DEFAULT, serve, true)
/// # }
/// ```
pub struct Kept<T> {
    home: Shared<Cell<Option<T>>>,
}

/// A value that is lent. Dropping the lease gives it back.
pub struct Lease<T> {
    home: Shared<Cell<Option<T>>>,
    /// Empty only while it is dropped.
    value: Option<T>,
}

/// The value is lent already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InUse;

impl fmt::Display for InUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the device is in use by another driver")
    }
}

impl core::error::Error for InUse {}

impl<T> Kept<T> {
    /// Keeps a value.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub fn new(kernel: &Handle, value: T) -> Result<Self, AllocError> {
        let home = kernel.heap().try_shared(Cell::new(Some(value))).map_err(|failed| failed.error)?;
        Ok(Self { home })
    }

    /// Lends the value.
    ///
    /// # Errors
    ///
    /// When it is lent.
    pub fn lend(&self) -> Result<Lease<T>, InUse> {
        let value = self.home.take().ok_or(InUse)?;
        Ok(Lease { home: self.home.clone(), value: Some(value) })
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self { home: self.home.clone() }
    }
}

impl<T> Drop for Lease<T> {
    fn drop(&mut self) {
        self.home.set(self.value.take());
    }
}

impl<T> Deref for Lease<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("a lease has its value until it is dropped")
    }
}

impl<T> DerefMut for Lease<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("a lease has its value until it is dropped")
    }
}
