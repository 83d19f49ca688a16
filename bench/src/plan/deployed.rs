//! What the template and the services set: sizes, limits, prices.

/// A function that people's requests go to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    /// In MiB.
    pub(super) memory: f64,
    /// Invocations at once, at most.
    pub(super) reserved: f64,
    /// What the plan calls that.
    pub(super) limit: &'static str,
}

pub(super) const FUNCTIONS: [Function; 2] = [
    Function { name: "tasks", memory: 512.0, reserved: 300.0, limit: "Lambda: 300 instances reserved for tasks" },
    Function { name: "auth", memory: 1024.0, reserved: 100.0, limit: "Lambda: 100 instances reserved for auth" },
];

/// Requests a second that the stage lets through, of all and of signing in.
pub(super) const STAGE_RATE: f64 = 1_000.0;
pub(super) const SIGN_IN_RATE: f64 = 50.0;

/// Requests a second of an account, before AWS is asked for more.
pub(super) const ACCOUNT_RATE: f64 = 10_000.0;

/// Clients of Neon's pooler.
pub(super) const POOLER_CLIENTS: f64 = 10_000.0;

/// Sizes of a Neon compute, in CU: a processor and 4 GB each. The last ones do not scale by themselves.
pub(super) const COMPUTES: [f64; 10] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 24.0, 32.0, 56.0];

/// The largest that scales by itself, and that the plan Launch has.
pub(super) const SCALES: f64 = 16.0;

/// Connections of the pooler to the server: nine tenths of what the compute allows.
pub(super) fn server_connections(compute: f64) -> f64 {
    0.9 * (compute * 450.0).min(4_000.0).round()
}

/// Dollars per CU-hour by plan, Launch and Scale.
pub(super) fn cu_hour(compute: f64) -> f64 {
    if compute <= SCALES { 0.106 } else { 0.222 }
}

/// Dollars per GB and month.
pub(super) const STORAGE: f64 = 0.35;

/// Dollars per GB that leaves Neon, beyond the first 100 GB a month.
pub(super) const NEON_TRANSFER: f64 = 0.10;

/// Dollars per GB of logs taken in.
pub(super) const LOGS: f64 = 0.50;

/// Per request, beside the functions' own lines: Lambda's and API Gateway's.
pub(super) const OTHER_LOG_BYTES: f64 = 1_300.0;

/// What the headers of an answer add to its body.
pub(super) const HEADER_BYTES: f64 = 900.0;

/// Dollars for so many million requests to an HTTP API in a month.
pub(super) fn api_gateway(millions: f64) -> f64 {
    tiers(millions, &[(300.0, 1.00), (f64::INFINITY, 0.90)])
}

/// Dollars for so many GB that leave AWS in a month.
pub(super) fn egress(gb: f64) -> f64 {
    tiers(gb, &[(100.0, 0.0), (10_240.0, 0.09), (40_960.0, 0.085), (102_400.0, 0.07), (f64::INFINITY, 0.05)])
}

/// What an amount costs of which the first part has one price, the next another.
fn tiers(mut amount: f64, tiers: &[(f64, f64)]) -> f64 {
    let mut dollars = 0.0;
    for (size, price) in tiers {
        let part = amount.min(*size);
        dollars += part * price;
        amount -= part;
    }
    dollars
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a resource of the template.
    fn resource(name: &str) -> String {
        let template = std::fs::read_to_string(local::workspace().join("template.yaml")).unwrap();
        let start = template.find(&format!("\n  {name}:\n")).unwrap() + 1;
        let lines = template[start..].lines();
        let own = lines.take(1).chain(
            template[start..]
                .lines()
                .skip(1)
                .take_while(|line| !line.starts_with("  ") || line.starts_with("   ") || line.is_empty()),
        );
        own.map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn the_plan_goes_by_what_the_template_deploys() {
        for Function { name, memory, reserved, limit } in FUNCTIONS {
            assert_eq!(limit, format!("Lambda: {reserved:.0} instances reserved for {name}"));
            let capital = name[..1].to_uppercase() + &name[1..];
            let function = resource(&format!("{capital}Function"));
            assert!(function.contains(&format!("MemorySize: {memory}\n")), "{name}");
            assert!(function.contains(&format!("[ReserveConcurrency, {reserved}, ")), "{name}");
        }
        let api = resource("Api");
        assert!(api.contains(&format!("DefaultRouteSettings:\n        ThrottlingRateLimit: {STAGE_RATE}\n")));
        assert!(api.contains(&format!("POST /api/v1/auth/signin: {{ ThrottlingRateLimit: {SIGN_IN_RATE}, ")));
    }

    #[test]
    fn the_first_part_of_an_amount_has_its_own_price() {
        assert!((api_gateway(3_000.0) - (300.0 + 2_700.0 * 0.9)).abs() < 1e-6);
        assert!((egress(1_100.0) - 90.0).abs() < 1e-6);
    }
}
