//! What Lambda bills: time by memory size, with the share of a processor that a size brings.

/// A function gets a whole processor at this size, and a part of it in proportion below.
const WHOLE_PROCESSOR_MIB: f64 = 1769.0;

/// Dollars per GB-second, arm64, us-east-1, autumn 2026.
pub(crate) const GB_SECOND: f64 = 0.000_013_333_4;

/// Dollars per million requests.
pub(crate) const REQUESTS: f64 = 0.20;

/// The sizes worth a thought, in MiB; none here needs a second processor.
pub(crate) const SIZES: [f64; 5] = [128.0, 256.0, 512.0, 1024.0, 1769.0];

/// How long a request runs, in ms: computing takes longer with less processor, waiting does not.
pub(crate) fn run_ms(mib: f64, cpu_ms: f64, waiting_ms: f64) -> f64 {
    cpu_ms * (WHOLE_PROCESSOR_MIB / mib).max(1.0) + waiting_ms
}

/// What is billed of a mean: each request is rounded up to a millisecond, on average by half of one.
pub(crate) fn billed_ms(run_ms: f64) -> f64 {
    (run_ms + 0.5).max(1.0)
}

/// Dollars for the time of a million requests.
pub(crate) fn per_million(mib: f64, billed_ms: f64) -> f64 {
    1e6 * billed_ms / 1000.0 * mib / 1024.0 * GB_SECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_the_memory_is_twice_the_computing() {
        assert!((run_ms(1769.0, 10.0, 4.0) - 14.0).abs() < 1e-9);
        assert!((run_ms(884.5, 10.0, 4.0) - 24.0).abs() < 1e-9);
    }

    #[test]
    fn a_gigabyte_for_a_second_a_million_times() {
        assert!((per_million(1024.0, 1000.0) - 13.333_4).abs() < 1e-9);
    }
}
