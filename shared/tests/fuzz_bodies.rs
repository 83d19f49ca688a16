//! Runs the bodies of the fuzz targets with random input, so that they also run without a fuzzer.

#[path = "../fuzz/bodies.rs"]
mod bodies;

use proptest::collection::vec;
use proptest::prelude::*;

/// Random bytes, random text, and variations of valid text.
fn input(valid: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let near =
        (proptest::sample::select(valid), 0..200_usize, any::<u8>(), 0..3_u8).prop_map(|(text, place, byte, how)| {
            let mut bytes = text.as_bytes().to_vec();
            let place = place.min(bytes.len().saturating_sub(1));
            match how {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => {
                    bytes.remove(place);
                }
            }
            bytes
        });
    prop_oneof![vec(any::<u8>(), 0..300), ".{0,80}".prop_map(String::into_bytes), near]
}

macro_rules! properties {
    ($($name:ident: $($valid:literal),+;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]
            $(
                #[test]
                fn $name(data in input(&[$($valid),+])) {
                    bodies::$name(&data);
                }
            )*
        }
    };
}

properties! {
    refresh_token: "rt1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    jwt: "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"k\"}\n{\"iss\":\"todo-backend\",\"aud\":\"todo-api\",\"sub\":\"00000000-0000-0000-0000-000000000000\",\"sid\":\"00000000-0000-0000-0000-000000000000\",\"gen\":0,\"exp\":1773145000}",
         "{\"alg\":\"HS256\"}\n{\"user_id\":\"00000000000000000000000000000000\",\"exp\":1773145000}";
    email: "ada.lovelace+tag@example.com", "\"a b\"@example.com", "ada@münchen.example";
    stored_hash: "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$2b$04$or6w7XltRZoby3flwzBiZuxE7cNcj2GCWj8XWnpepNJo8aq42Lkeu",
        "ffff:75c09df64ee17ea8eb609e35add95ddf76b6f6c56143dbf514285efaa6d1609a";
    cursor: "AAYnQ8xJgkAAAAAAAAAAAAAAAAAAAAAA";
    event: "{\"rawPath\":\"/tasks/1/\",\"rawQueryString\":\"limit=5&x=a b\",\"headers\":{\"host\":\"a b\",\"x-forwarded-proto\":\"https,http\",\"prefer\":\"handling=strict\",\"traceparent\":\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"},\"cookies\":[\"a=b\"],\"body\":\"{}\"}",
        "{\"rawPath\":\"/tasks/1\",\"rawQueryString\":\"limit=5&cursor=x\",\"headers\":{\"content-type\":\"application/json\",\"cookie\":\"a=b\"},\"body\":\"{}\"}";
}
