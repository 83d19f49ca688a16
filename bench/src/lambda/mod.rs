//! The Lambda service: instances of real binaries behind the Runtime API, started and chosen as Lambda does.

mod event;
mod fleet;
mod front;
mod instance;
mod runtime_api;

pub(crate) use event::{Answer, Call};
pub(crate) use fleet::{Fleet, Function, Limits};
pub(crate) use front::{CLIENT, Front, QUEUED, THROTTLED};
pub(crate) use instance::{Instance, cpu_of};
