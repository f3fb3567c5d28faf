//! Network failures between the store and the table: throttling, failures, lost requests and lost responses.

use portend_core::alert::Alert;
use portend_core::alert_type::AlertTypes;
use portend_core::help::explained;
use portend_core::limits::LEASE_MAX;
use portend_core::store::{Claim, Claims, Parking, Queries};
use portend_remote::DynamoDb;
use portend_testing::clock::StoppedClock;
use portend_testing::play::{self, EventResult, first_event, outlive_the_lease, request, start, status};

use crate::store::{fresh, proxied, run, store_at};
use portend_testing::http::{Script, Server};
use portend_testing::table::{Plug, Proxy, Table};

async fn deliver(store: &DynamoDb, clock: &StoppedClock) -> EventResult {
    play::run(store, clock, &first_event()).await
}

/// Each request of an event's path fails in turn. Then the event is delivered again without a failure.
#[test]
fn there_is_one_insight_whichever_request_fails_or_is_lost() {
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

/// The claim succeeded, but its response was lost. The same request has the same owner, and so gets the lease.
#[test]
fn a_claim_whose_response_was_lost_belongs_to_the_caller() {
    run(async {
        let (store, _table, proxy) = proxied();
        let types = AlertTypes::built_in();
        let event = first_event();
        let alert = Alert::read(&event, &types, start()).unwrap();
        proxy.pull("UpdateItem", Plug::LoseAnswer);
        let request = request(&alert, "owner", start());
        let lost = store.claim(&request).await.unwrap_err();
        assert!(lost.is_transient(), "{lost}");
        assert!(matches!(store.claim(&request).await.unwrap(), Claim::Mine(lease) if lease.fence == 1));
    });
}

/// An earlier version stored an insight and marked its claim in two writes. A worker that takes such a claim over finds the
/// insight, even if the response to its claim was lost.
#[test]
fn a_takeover_whose_response_was_lost_finds_the_insight_too() {
    run(async {
        let (store, table, proxy) = proxied();
        let (other, other_table) = fresh().await;
        assert_eq!(status(&deliver(&other, &StoppedClock::at(start())).await), "stored");
        let types = AlertTypes::built_in();
        let alert = play::alert(&types, &first_event());
        play::lease(&store, &request(&alert, "first", start())).await;
        table.put(&other_table.items_of("insight#")[0]);
        proxy.pull("UpdateItem", Plug::LoseAnswer);
        let request = request(&alert, "second", start().plus(LEASE_MAX));
        assert!(store.claim(&request).await.unwrap_err().is_transient());
        assert_eq!(store.claim(&request).await.unwrap(), Claim::Done(alert.insight_key()));
    });
}

/// AWS refuses the first request because of its time. No condition of a later one may contain the wrong time.
#[test]
fn row_09_a_table_is_not_used_with_a_clock_that_is_known_to_be_wrong() {
    run(async {
        let refusal = || {
            Script::answer(400, r#"{"__type":"RequestTimeTooSkewed","message":"canary"}"#)
                .header("date", "Sun, 01 Jan 2034 12:00:00 GMT")
        };
        let server = Server::answering(move |_| refusal());
        let store = store_at(&server.url(), "alerts");
        for _ in 0..2 {
            let outcome = deliver(&store, &StoppedClock::at(start())).await;
            assert_eq!(status(&outcome), "store_refused", "{outcome:?}");
            let message = explained(&outcome.unwrap_err());
            assert!(message.contains("this machine's clock is wrong by"), "{message}");
            assert!(message.contains("days; set it") && !message.contains("canary"), "{message}");
        }
        assert_eq!(server.requests().len(), 1);
    });
}

#[test]
fn an_event_fails_while_the_store_is_down_and_the_next_delivery_stores_it() {
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

/// A new insight takes three round trips, and a repeat takes two. Once in five minutes, the list of forgotten entities is
/// read first.
#[test]
fn an_event_takes_one_request_for_each_step() {
    run(async {
        let (store, _table, proxy) = proxied();
        let clock = StoppedClock::at(start());
        assert_eq!(status(&deliver(&store, &clock).await), "stored");
        let steps = ["Query", "UpdateItem", "GetItem", "TransactWriteItems"];
        assert_eq!(proxy.operations(), steps, "read who was forgotten, claim, read the entity, commit");
        assert_eq!(status(&deliver(&store, &clock).await), "repeated");
        let mut repeat = proxy.operations()[4..].to_vec();
        assert_eq!(repeat.remove(0), "UpdateItem", "claim");
        repeat.sort();
        assert_eq!(repeat, ["GetItem", "UpdateItem"], "count and read the insight at the same time");
    });
}

#[test]
fn a_page_is_retried_after_a_temporary_failure() {
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
fn a_table_that_is_missing_or_lacks_an_index_is_refused_with_how_to_fix_it() {
    run(async {
        let (proxy, table) = (Proxy::start(), Table::create_with(&[]));
        let clock = StoppedClock::at(start());
        let outcome = deliver(&store_at(&proxy.url(), "no-such-table"), &clock).await;
        assert_eq!(status(&outcome), "store_refused");
        let message = explained(&outcome.unwrap_err());
        assert!(message.contains("no-such-table") && message.contains("does not exist"), "{message}");
        assert_eq!(proxy.operations().len(), 1, "the request is not retried");
        let error = store_at(&proxy.url(), &table.name).find("id", start()).await.unwrap_err();
        let message = explained(&error);
        assert!(message.contains("lacks an index"), "{message}");
    });
}
