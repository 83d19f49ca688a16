//! The state machine of refresh tokens under a network that loses, repeats and reorders.

use http::Method;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;
use testkit::{Api, TestResponse};

use crate::{api, claims, me, sign_up, text};

/// One step of a run.
#[derive(Clone, Debug)]
enum Step {
    /// A tab sends the token it last read from the shared storage.
    Refresh { tab: usize, delivery: Delivery },
    /// A tab reads the shared storage.
    Read { tab: usize },
    /// A late answer arrives.
    Deliver,
    /// A tab calls the API with its access token.
    Use { tab: usize },
    /// Time passes.
    Wait { seconds: i64 },
}

/// What the network does with a request and its answer.
#[derive(Clone, Copy, Debug)]
enum Delivery {
    Normal,
    AnswerLost,
    RequestRepeated,
    AnswerLate,
}

fn step() -> impl Strategy<Value = Step> {
    let delivery = prop_oneof![
        Just(Delivery::Normal),
        Just(Delivery::AnswerLost),
        Just(Delivery::RequestRepeated),
        Just(Delivery::AnswerLate)
    ];
    prop_oneof![
        6 => (0..3_usize, delivery).prop_map(|(tab, delivery)| Step::Refresh { tab, delivery }),
        2 => (0..3_usize).prop_map(|tab| Step::Read { tab }),
        2 => Just(Step::Deliver),
        3 => (0..3_usize).prop_map(|tab| Step::Use { tab }),
        4 => prop_oneof![0..5_i64, 50..70_i64, 900..7200_i64].prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// An honest client with three tabs. Answers are stored only if the storage still holds the token that was
/// sent: a late answer never overwrites a newer token.
struct Browser {
    stored: String,
    tabs: [String; 3],
    access: [Option<String>; 3],
    late: Vec<(usize, String, TestResponse)>,
}

async fn send(api: &Api, token: &str, elsewhere: bool) -> TestResponse {
    let call = api.call(Method::POST, "/api/v1/auth/refresh").json(json!({ "refresh_token": token }));
    if elsewhere { call.from_ip("198.51.100.1").with_agent("curl/8").send().await } else { call.send().await }
}

impl Browser {
    fn receive(&mut self, tab: usize, sent: &str, answer: &TestResponse) {
        let data = answer.data(200);
        let token = text(&data, "refresh_token");
        if self.stored == sent || self.stored == token {
            self.stored.clone_from(&token);
            self.tabs[tab] = token;
        } else {
            self.tabs[tab].clone_from(&self.stored);
        }
        self.access[tab] = Some(text(&data, "access_token"));
    }

    /// Follows the published rule: after `refresh_token_superseded`, read the storage and try once more.
    async fn refresh(&mut self, api: &Api, tab: usize, delivery: Delivery) -> Result<(), TestCaseError> {
        let mut sent = self.tabs[tab].clone();
        let mut answer = send(api, &sent, false).await;
        if answer.status == 401 {
            prop_assert_eq!(&answer.json()["code"], "refresh_token_superseded");
            prop_assert_ne!(&sent, &self.stored, "the newest stored token is never superseded");
            sent.clone_from(&self.stored);
            self.tabs[tab].clone_from(&sent);
            answer = send(api, &sent, false).await;
        }
        prop_assert_eq!(answer.status.as_u16(), 200, "an honest client was refused: {}", answer.text());
        match delivery {
            Delivery::Normal => self.receive(tab, &sent, &answer),
            Delivery::AnswerLost => {}
            Delivery::RequestRepeated => {
                let again = send(api, &sent, false).await;
                prop_assert_eq!(&again.data(200)["refresh_token"], &answer.data(200)["refresh_token"]);
                self.receive(tab, &sent, &again);
            }
            Delivery::AnswerLate => self.late.push((tab, sent, answer)),
        }
        Ok(())
    }
}

async fn run_steps(api: &Api, name: usize, steps: &[Step]) -> Result<(), TestCaseError> {
    let data = sign_up(api, &format!("p{name}@example.com")).await;
    let token = text(&data, "refresh_token");
    let tabs = [token.clone(), token.clone(), token.clone()];
    let mut browser = Browser { stored: token.clone(), tabs, access: Default::default(), late: Vec::new() };
    let mut handed_out = vec![token];
    for step in steps {
        match step {
            Step::Refresh { tab, delivery } => {
                browser.refresh(api, *tab, *delivery).await?;
                if handed_out.last() != Some(&browser.stored) {
                    handed_out.push(browser.stored.clone());
                }
            }
            Step::Read { tab } => browser.tabs[*tab].clone_from(&browser.stored),
            Step::Deliver => {
                if let Some((tab, sent, answer)) = browser.late.pop() {
                    browser.receive(tab, &sent, &answer);
                }
            }
            Step::Use { tab } => {
                if let Some(access) = &browser.access[*tab] {
                    let answer = me(api, access).await;
                    let expired = claims(access)["exp"].as_i64().unwrap() + 5 <= api.now().as_second();
                    prop_assert_eq!(answer.status.as_u16(), if expired { 401 } else { 200 }, "{}", answer.text());
                }
            }
            Step::Wait { seconds } => {
                // An answer is late by seconds, not by hours.
                while *seconds > 30
                    && let Some((tab, sent, answer)) = browser.late.pop()
                {
                    browser.receive(tab, &sent, &answer);
                }
                api.clock.advance_seconds(*seconds);
            }
        }
    }
    // If a token had two live successors, both would rotate. Let everything settle and confirm the newest token.
    api.clock.advance_seconds(61);
    let newest = browser.stored.clone();
    let last = send(api, &newest, false).await.data(200);
    me(api, &text(&last, "access_token")).await.data(200);
    api.clock.advance_seconds(61);
    let newest = text(&last, "refresh_token");
    let old: Vec<&String> = handed_out.iter().filter(|token| **token != newest).collect();
    for token in &old {
        let answer = send(api, token, false).await;
        prop_assert_eq!(answer.status.as_u16(), 401, "a superseded token was accepted after the settle window");
        prop_assert_eq!(&answer.json()["code"], "refresh_token_superseded");
    }
    if let Some(token) = old.last() {
        let answer = send(api, token, true).await;
        prop_assert_eq!(&answer.json()["code"], "refresh_token_reused");
        let answer = send(api, &newest, false).await;
        prop_assert_eq!(&answer.json()["code"], "session_revoked");
    }
    Ok(())
}

#[test]
fn an_honest_client_is_never_signed_out_and_a_thief_always_ends_the_session() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _guard = runtime.enter();
    let api = runtime.block_on(api());
    let mut name = 0;
    let names = std::cell::RefCell::new(&mut name);
    let config =
        ProptestConfig { cases: 60, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() };
    let steps = prop::collection::vec(step(), 1..40);
    TestRunner::new(config)
        .run(&steps, |steps| {
            let name = {
                let mut name = names.borrow_mut();
                **name += 1;
                **name
            };
            runtime.block_on(run_steps(&api, name, &steps))
        })
        .unwrap();
}
