//! 10,000 people with time to think, as an open model: requests come when they come, whether earlier ones are
//! answered or not, and waiting counts from the moment a request should have been sent.

mod crowd;
mod generator;
mod operation;
mod recorder;
mod step;

pub(crate) use crowd::Crowd;
pub(crate) use generator::{Load, database_time, run};
pub(crate) use operation::Operation;
pub(crate) use recorder::{Latencies, Quantiles};
pub(crate) use step::Step;
