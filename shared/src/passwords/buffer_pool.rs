//! A pool of reusable Argon2 buffers (19 MiB each), one per CPU. When all are in use, callers wait.
//!
//! The pool bounds the memory: allocating a buffer on each blocking thread would keep several times as much.

use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use argon2::Block;

static POOL: LazyLock<BufferPool> = LazyLock::new(|| BufferPool {
    free: Mutex::new(FreeBuffers { buffers: Vec::new(), unallocated: available_parallelism().map_or(1, usize::from) }),
    returned: Condvar::new(),
});

struct BufferPool {
    free: Mutex<FreeBuffers>,
    returned: Condvar,
}

struct FreeBuffers {
    buffers: Vec<Vec<Block>>,
    /// How many more buffers may be allocated.
    unallocated: usize,
}

/// A buffer in use, which returns to the pool on drop, also after a panic.
struct BufferGuard(Vec<Block>);

impl BufferPool {
    fn free(&self) -> MutexGuard<'_, FreeBuffers> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BufferGuard {
    fn take() -> Self {
        let mut free = POOL.free();
        loop {
            if let Some(buffer) = free.buffers.pop() {
                return Self(buffer);
            }
            if free.unallocated > 0 {
                free.unallocated -= 1;
                return Self(Vec::new());
            }
            free = POOL.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for BufferGuard {
    fn drop(&mut self) {
        POOL.free().buffers.push(std::mem::take(&mut self.0));
        POOL.returned.notify_one();
    }
}

/// Calls `work` with a buffer of `blocks` blocks (1 KiB each). Afterwards the pool keeps at most `kept` of them.
pub(super) fn with_buffer<T>(blocks: usize, kept: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
    let mut buffer = BufferGuard::take();
    if buffer.0.len() < blocks {
        buffer.0.resize(blocks, Block::default());
    }
    let result = work(&mut buffer.0[..blocks]);
    if blocks > kept {
        buffer.0.truncate(kept);
        buffer.0.shrink_to_fit();
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
        // All threads must arrive here before one continues.
        let meeting = Barrier::new(processors);
        std::thread::scope(|scope| {
            for _ in 0..processors {
                scope.spawn(|| with_buffer(8, 8, |_| meeting.wait()));
            }
        });
        let panicked = std::panic::catch_unwind(|| with_buffer(8, 8, |_| panic!("on purpose")));
        assert!(panicked.is_err());
        let free = POOL.free();
        assert_eq!(free.buffers.len() + free.unallocated, processors, "every buffer is back in the pool");
    }
}
