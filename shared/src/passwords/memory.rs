//! Memory to hash in, which is kept: asking the allocator for 19 MiB on each thread of the pool would hold on to
//! several times as much. There is as much of it as processors to hash with, and who comes then waits.

use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use argon2::Block;

static MEMORY: LazyLock<Memory> = LazyLock::new(|| Memory {
    free: Mutex::new(Free { buffers: Vec::new(), unmade: available_parallelism().map_or(1, usize::from) }),
    returned: Condvar::new(),
});

struct Memory {
    free: Mutex<Free>,
    returned: Condvar,
}

struct Free {
    buffers: Vec<Vec<Block>>,
    /// Buffers that may still be made.
    unmade: usize,
}

/// A buffer in use; it goes back in any case.
struct Taken(Vec<Block>);

impl Memory {
    fn free(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn take() -> Self {
        let mut free = MEMORY.free();
        loop {
            if let Some(buffer) = free.buffers.pop() {
                return Self(buffer);
            }
            if free.unmade > 0 {
                free.unmade -= 1;
                return Self(Vec::new());
            }
            free = MEMORY.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        MEMORY.free().buffers.push(std::mem::take(&mut self.0));
        MEMORY.returned.notify_one();
    }
}

/// Works in so many blocks of memory, of which `kept` are kept afterwards.
pub(super) fn within<T>(blocks: usize, kept: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
    let mut taken = Taken::take();
    if taken.0.len() < blocks {
        taken.0.resize(blocks, Block::default());
    }
    let result = work(&mut taken.0[..blocks]);
    if blocks > kept {
        taken.0.truncate(kept);
        taken.0.shrink_to_fit();
    }
    result
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn as_many_work_at_once_as_there_are_processors() {
        let processors = available_parallelism().unwrap().get();
        // All of them meet here, or nobody comes on.
        let meeting = Barrier::new(processors);
        std::thread::scope(|scope| {
            for _ in 0..processors {
                scope.spawn(|| within(8, 8, |_| meeting.wait()));
            }
        });
        let panicked = std::panic::catch_unwind(|| within(8, 8, |_| panic!("on purpose")));
        assert!(panicked.is_err());
        let free = MEMORY.free();
        assert_eq!(free.buffers.len() + free.unmade, processors, "what was taken is back");
    }
}
