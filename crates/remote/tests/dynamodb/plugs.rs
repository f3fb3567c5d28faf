//! What a network does to a store: throttling, failures, requests and answers that are lost.

use portend_core::alert::Alert;
use portend_core::alert_type::AlertTypes;
use portend_core::help::explained;
use portend_core::store::{Claim, Claims, Parking, Queries};
use portend_remote::DynamoDb;
use portend_testing::clock::StoppedClock;
use portend_testing::play::{self, EventResult, first_event, outlive_the_lease, request, start, status};

use crate::store::{proxied, run, store_at};
use portend_testing::table::{Plug, Proxy, Table};

async fn deliver(store: &DynamoDb, clock: &StoppedClock) -> EventResult {
    play::run(store, clock, &first_event()).await
}

/// One plug at each request of an event's path in turn; then a delivery without any.
#[test]
fn whichever_request_fails_or_is_lost_there_is_one_insight() {
    run(async {
        for plug in [Plug::Throttle, Plug::Fail, Plug::LoseAnswer, Plug::LoseRequest] {
            for operation in ["UpdateItem", "TransactWriteItems"] {
                let (store, table, proxy) = proxied();
                let clock = StoppedClock::at(start());
                proxy.pull(operation, plug);
                let outcome = deliver(&store, &clock).await;
                assert_eq!(status(&outcome), "stored", "{plug:?} {operation} {outcome:?}");
                assert_eq!(status(&deliver(&store, &clock).await), "repeated", "{plug:?} {operation}");
                assert_eq!(table.items_of("insight#").len(), 1, "{plug:?} {operation}");
            }
        }
    });
}

/// The claim was had, and nobody heard of it: the same request knows its own owner.
#[test]
fn a_claim_whose_answer_was_lost_is_the_callers() {
    run(async {
        let (store, _table, proxy) = proxied();
        let types = AlertTypes::built_in();
        let event = first_event();
        let alert = Alert::read(&event, &types, start()).unwrap();
        proxy.pull("UpdateItem", Plug::LoseAnswer);
        let asked = request(&alert, "owner", start());
        let lost = store.claim(&asked).await.unwrap_err();
        assert!(lost.is_transient(), "{lost}");
        assert!(matches!(store.claim(&asked).await.unwrap(), Claim::Mine(lease) if lease.fence == 1));
    });
}

#[test]
fn a_store_that_stays_down_hands_the_event_back_and_the_next_delivery_stores_it() {
    run(async {
        let (store, table, proxy) = proxied();
        let clock = StoppedClock::at(start());
        for (plug, code) in [(Plug::Throttle, "store_busy"), (Plug::LoseRequest, "store_unreachable")] {
            proxy.pull("*", plug);
            let outcome = deliver(&store, &clock).await;
            assert_eq!(status(&outcome), code, "{plug:?}");
            let message = explained(&outcome.unwrap_err());
            assert!(message.contains(&table.name) && !message.contains("canary"), "{message}");
            proxy.restore();
            outlive_the_lease(&clock);
        }
        assert_eq!(status(&deliver(&store, &clock).await), "stored");
    });
}

/// Two round trips for a new insight, and two for an alert that says it again.
#[test]
fn an_event_costs_as_many_requests_as_it_has_steps() {
    run(async {
        let (store, _table, proxy) = proxied();
        let clock = StoppedClock::at(start());
        assert_eq!(status(&deliver(&store, &clock).await), "stored");
        assert_eq!(proxy.operations(), ["UpdateItem", "TransactWriteItems"], "claim, commit");
        assert_eq!(status(&deliver(&store, &clock).await), "repeated");
        let mut repeat = proxy.operations()[2..].to_vec();
        assert_eq!(repeat.remove(0), "UpdateItem", "claim");
        repeat.sort();
        assert_eq!(repeat, ["GetItem", "UpdateItem"], "repeat: both at once");
    });
}

/// Nobody else tries a page again.
#[test]
fn a_page_is_read_past_a_hiccup() {
    run(async {
        let (store, _table, proxy) = proxied();
        assert_eq!(status(&deliver(&store, &StoppedClock::at(start())).await), "stored");
        assert_eq!(status(&play::run(&store, &StoppedClock::at(start()), b"{").await), "parked");
        for (operation, plug) in
            [("Query", Plug::Throttle), ("Query", Plug::LoseAnswer), ("BatchGetItem", Plug::Fail)]
        {
            proxy.pull(operation, plug);
            assert_eq!(play::all(&store, start()).await.len(), 1, "{plug:?}");
            assert_eq!(store.parked(None, 9, start()).await.unwrap().events.len(), 1, "{plug:?}");
        }
    });
}

#[test]
fn what_cannot_work_is_refused_with_how_to_fix_it() {
    run(async {
        let (proxy, table) = (Proxy::start(), Table::create_with(&[]));
        let clock = StoppedClock::at(start());
        let outcome = deliver(&store_at(&proxy.url(), "no-such-table"), &clock).await;
        assert_eq!(status(&outcome), "store_refused");
        let message = explained(&outcome.unwrap_err());
        assert!(message.contains("no-such-table") && message.contains("does not exist"), "{message}");
        assert_eq!(proxy.operations().len(), 1, "it is not tried again");
        let error = store_at(&proxy.url(), &table.name).find("id", start()).await.unwrap_err();
        let message = explained(&error);
        assert!(message.contains("lacks an index"), "{message}");
    });
}
