//! Checks that the reply reader never panics. It also checks that an accepted answer, serialized, is accepted again,
//! unchanged and without repairs.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portend_core::reply::{Reply, ReplyVocabulary};

static VOCABULARY: LazyLock<ReplyVocabulary> =
    LazyLock::new(|| ReplyVocabulary::new(&["ib_calls_14d", "health_score"], &["high_demand"]));

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(reply) = Reply::read(text, &VOCABULARY) {
        let again = Reply::read(&reply.to_json(), &VOCABULARY).expect("an accepted answer is accepted again");
        assert!(again.repairs().is_empty());
        assert_eq!(again.to_json(), reply.to_json());
    }
});
