//! The tests that every store must pass: memory, SQLite and DynamoDB.
//!
//! [`store_contract!`](crate::store_contract!) makes one test of each case, whose name is the rule. A case sees a store
//! through its own operations alone, and never waits in real time.

pub mod answers;
pub mod claims;
pub mod documents;
pub mod entities;
pub mod faults;
pub mod insights;
pub mod upgrades;

/// Makes one test of each case. `$run` drives a future to its end; `$fresh` makes an empty store, and whatever must live
/// as long as it.
#[macro_export]
macro_rules! store_contract {
    ($run:expr, $fresh:expr) => {
        $crate::store_contract! { @cases $run, $fresh, claims:
            the_first_claim_is_mine_and_a_second_is_busy
            a_claim_whose_response_was_lost_finds_its_own_lease
            a_takeover_keeps_the_first_claims_insight_key
            a_finished_claim_answers_done_for_as_long_as_its_insight_lives
            a_released_claim_can_be_claimed_at_once_and_keeps_its_calls
            a_claim_counts_five_calls_and_no_more
            a_late_worker_changes_nothing
            an_expired_claim_starts_again
            an_expired_claim_starts_again_under_a_lease_that_ends_later
            the_first_call_is_counted_with_the_claim
            an_unused_first_call_is_returned_with_the_lease
            an_unused_first_call_is_not_returned_again_after_the_commit
            a_lease_that_is_too_long_is_not_honoured
        }
        $crate::store_contract! { @cases $run, $fresh, insights:
            an_insight_is_committed_once
            a_commit_whose_response_was_lost_finds_its_own_insight
            an_insight_whose_key_is_another_alerts_gets_a_longer_one
            another_alerts_insight_is_never_returned_or_replaced
            a_repeat_counts_only_what_is_later_than_last_seen
            a_repeat_says_what_is_left_to_do
            a_repeat_of_nothing_makes_nothing
            what_has_expired_is_absent_everywhere
            filters_hold_together_and_the_newest_comes_first
            pages_follow_one_another_while_insights_arrive
            an_insight_reads_back_as_it_was_put
            a_parked_event_is_one_item_however_often_it_is_refused
            parked_events_are_paged_newest_first
            a_replay_is_noted_on_its_parked_event
            a_dropped_event_is_gone
        }
        $crate::store_contract! { @cases $run, $fresh, entities:
            a_commit_writes_the_row_of_its_entity
            the_order_of_commits_does_not_change_the_row_of_an_entity
            an_upgrade_writes_the_row_too
            a_commit_whose_response_was_lost_writes_no_row_again
            open_entities_are_paged_by_their_score
            of_two_people_one_wins_and_the_other_learns_of_whom
            a_row_is_written_only_over_the_version_before
            feedback_about_an_unknown_entity_is_not_stored
            a_forgotten_entity_leaves_nothing_and_is_not_accepted_again
        }
        $crate::store_contract! { @cases $run, $fresh, upgrades:
            an_unpublished_insight_is_due_until_it_is_published
            a_degraded_insight_is_due_for_an_upgrade_after_it_is_published
            an_upgrade_replaces_a_degraded_insight_once
            an_upgrade_can_ignore_the_pause_but_no_lease
            a_commit_gives_back_a_call_that_was_not_made
            an_upgrade_has_its_own_two_calls_and_its_claim_stays_done
            a_failed_upgrade_is_tried_again_only_once_and_after_its_time
            an_upgrade_that_was_cut_off_does_not_count
            an_upgrade_of_what_is_unpublished_is_still_to_be_published
            an_abandoned_upgrade_is_no_longer_due
            an_unfinished_claim_is_upgraded_when_its_lease_is_over
        }
        $crate::store_contract! { @cases $run, $fresh, answers:
            an_answer_reads_back_as_it_was_stored
            an_answer_expires
        }
        $crate::store_contract! { @cases $run, $fresh, documents:
            outcomes_are_read_by_entity_and_replace_each_other_by_place
            documents_are_in_the_order_of_their_places
        }
        $crate::store_contract! { @cases $run, $fresh, faults:
            row_01_the_same_event_twice_is_one_insight
            row_02_of_eight_workers_one_stores
            row_03_another_event_id_is_the_same_alert
            row_04_a_malformed_event_is_parked_once
            row_06_a_failed_claim_is_retried_and_knows_its_own_success
            row_07_a_kill_around_the_claim_is_taken_over
            row_09_a_clock_that_is_off_makes_no_second_insight
            row_16_a_failed_commit_is_retried_and_knows_its_own_success
            row_17_a_kill_around_the_commit_leaves_one_insight
            row_18_a_worker_that_wakes_late_returns_what_is_stored
            a_store_that_stays_down_fails_the_event_and_frees_the_claim
            every_operation_failed_or_killed_leaves_one_insight
        }
    };
    (@cases $run:expr, $fresh:expr, $module:ident: $($case:ident)*) => {
        mod $module {
            use super::*;
            $(
                #[test]
                fn $case() {
                    let (store, _keep) = $fresh;
                    $run($crate::store_contract::$module::$case(&store));
                }
            )*
        }
    };
}
