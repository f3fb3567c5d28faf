//! Checks that the alert reader never panics, and that every refusal has a message.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portend_core::alert::Alert;
use portend_core::alert_type::AlertTypes;
use portend_core::time::Timestamp;

static TYPES: LazyLock<AlertTypes> = LazyLock::new(AlertTypes::built_in);

fuzz_target!(|bytes: &[u8]| {
    let received_at = Timestamp::from_secs(1_767_225_600);
    if let Err(refusal) = Alert::read(bytes, &TYPES, received_at) {
        assert!(!refusal.message().is_empty());
    }
});
