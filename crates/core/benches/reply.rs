//! The reply reader on ordinary replies and on the worst ones of 64 KiB, compared with a regular expression that takes
//! all text from the first brace to the last and passes it to `serde_json`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use portend_core::reply::{Reply, ReplyVocabulary};
use regex::Regex;

const KIB_64: usize = 64 * 1024;
const PLAIN: &str = r#"{"drivers":[{"fact":"ib_calls_14d","effect":"raises","because":"Five calls in 14 days."}],
"explanation":"Five support calls in 14 days and a health score of 65.","recommendations":["Call.","Review."],"risk_score":72}"#;

fn replies() -> Vec<(&'static str, String)> {
    let filled = |unit: &str| unit.repeat(KIB_64 / unit.len());
    vec![
        ("plain", PLAIN.to_owned()),
        ("fenced", format!("Here it is:\n```json\n{PLAIN}\n```\nThat is all.")),
        ("64 KiB of prose, then an answer", format!("{}{PLAIN}", filled("so it is. "))),
        ("64 KiB of {", filled("{")),
        ("64 KiB of {a}", filled("{a} ")),
        ("64 KiB of quotes", filled("\"")),
        ("64 KiB of backslashes", format!("{{\"a\":\"{}", filled("\\"))),
        ("64 KiB of thinking", filled("<think>")),
        ("64 KiB of apostrophes", filled("{'")),
    ]
}

fn reply(criterion: &mut Criterion) {
    let vocabulary = ReplyVocabulary::new(&["ib_calls_14d", "health_score"], &[]);
    let braces = Regex::new(r"(?s)\{.*\}").expect("a valid regular expression");
    for (name, text) in replies() {
        let mut group = criterion.benchmark_group(name);
        group.bench_function("reader", |bencher| bencher.iter(|| Reply::read(black_box(&text), &vocabulary)));
        group.bench_function("regex and serde_json", |bencher| {
            bencher.iter(|| {
                let found = braces.find(black_box(&text))?;
                serde_json::from_str::<serde_json::Value>(found.as_str()).ok()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, reply);
criterion_main!(benches);
