//! Tests how insights are published, and how the sweep publishes and upgrades later.

use std::sync::Mutex;
use std::time::Duration;

use futures_executor::block_on;
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::insight::StoredInsight;
use portend_core::limits::{
    CONFIGURATION_PROBE_PAUSE, EVENT_DEADLINE, LEASE_MARGIN, NOTIFY_AGAIN_AFTER, NOTIFY_FAILURES_MAX,
    STORE_RESERVE, UPGRADE_PAUSE,
};
use portend_core::model::{FinishReason, ModelError};
use portend_core::notify::{Notifier, NotifyError};
use portend_core::pipeline::{Account, Pipeline, SweepReport};
use portend_core::store::{Claim, Claims, Insights, Todo};
use portend_testing::clock::StoppedClock;
use portend_testing::faults::{Fault, FaultyStore, Operation};
use portend_testing::memory::MemoryStore;
use portend_testing::model::{ANSWER, ScriptedModel};
use portend_testing::play::{EventResult, alert, event, first_event, request, start, status};

use super::denied_once;

/// A bus that fails a number of times, and then records the entity and the model of each notification.
#[derive(Default)]
struct Bus {
    failures: Mutex<usize>,
    published: Mutex<Vec<String>>,
}

impl Bus {
    fn failing(failures: usize) -> Self {
        Self { failures: Mutex::new(failures), published: Mutex::default() }
    }

    fn take_published(&self) -> Vec<String> {
        std::mem::take(&mut *self.published.lock().unwrap())
    }
}

impl Notifier for &Bus {
    async fn notify(&self, insight: &StoredInsight) -> Result<(), NotifyError> {
        let mut failures = self.failures.lock().unwrap();
        if *failures > 0 {
            *failures -= 1;
            return Err(NotifyError::Unreachable { what: "down".into() });
        }
        self.published.lock().unwrap().push(format!("{} {}", insight.entity_id(), insight.model_used()));
        Ok(())
    }
}

/// A store, a clock, a bus and a model that several workers use in turn.
struct Scene {
    store: MemoryStore,
    clock: StoppedClock,
    bus: Bus,
    model: ScriptedModel,
}

impl Scene {
    fn new(bus: Bus, model: ScriptedModel) -> Self {
        Self { store: MemoryStore::new(), clock: StoppedClock::at(start()), bus, model }
    }

    fn run(&self, event: &[u8]) -> (EventResult, Account) {
        let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&self.store, &[]), &self.clock)
            .with_models(vec![&self.model], true)
            .with_notifier(Some(&self.bus));
        let mut run = pipeline.run(self.clock.now().plus(EVENT_DEADLINE));
        let result = block_on(run.process(&pipeline.receive(event)));
        (result, run.into_account())
    }

    fn sweep_within(&self, time: Duration) -> (SweepReport, Account) {
        let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&self.store, &[]), &self.clock)
            .with_models(vec![&self.model], true)
            .with_notifier(Some(&self.bus));
        let mut run = pipeline.run(self.clock.now().plus(time));
        let report = block_on(run.sweep(|_| ())).unwrap();
        (report, run.into_account())
    }

    fn sweep(&self) -> SweepReport {
        self.sweep_within(EVENT_DEADLINE).0
    }

    fn todos(&self) -> Vec<Todo> {
        block_on(self.store.due(self.clock.now(), None, 99)).unwrap().iter().map(|due| due.todo).collect()
    }
}

fn student(number: usize) -> Vec<u8> {
    event(&format!("stu_{number}"), 5, 65, "2025-01-01T12:00:00Z")
}

fn answering() -> ScriptedModel {
    ScriptedModel::answering("first", ANSWER)
}

const DONE: SweepReport = SweepReport {
    published: 0,
    unpublished: 0,
    upgraded: 0,
    later: 0,
    never: 0,
    recovered: 0,
    complete: true,
};

#[test]
fn a_new_insight_is_published_once_and_a_repeat_is_not() {
    let scene = Scene::new(Bus::default(), answering());
    for expected in ["stored", "repeated"] {
        let (result, account) = scene.run(&first_event());
        assert_eq!((status(&result), account.notify_errors), (expected, vec![]));
        scene.clock.advance(NOTIFY_AGAIN_AFTER * 2);
    }
    assert_eq!(scene.bus.take_published(), ["stu_1 first-label"]);
    assert_eq!(scene.todos(), []);
}

#[test]
fn row_19_while_the_bus_is_down_insights_are_stored_and_the_next_delivery_publishes() {
    let scene = Scene::new(Bus::failing(2), answering());
    let (result, account) = scene.run(&first_event());
    assert_eq!((status(&result), account.notify_errors.len()), ("stored", 1));
    assert_eq!(scene.todos(), [Todo::Notify]);
    // The run that made the insight may still be publishing it.
    assert_eq!(scene.run(&first_event()).1.notify_errors, []);
    scene.clock.advance(NOTIFY_AGAIN_AFTER + Duration::from_millis(1));
    assert_eq!(scene.run(&first_event()).1.notify_errors.len(), 1);
    let (result, account) = scene.run(&first_event());
    assert_eq!((status(&result), account.notify_errors), ("repeated", vec![]));
    assert_eq!((scene.bus.take_published(), scene.todos()), (vec!["stu_1 first-label".to_owned()], vec![]));
    assert_eq!(scene.model.calls(), 1);
}

#[test]
fn the_sweep_publishes_and_upgrades_and_publishes_the_upgrade() {
    let scene = Scene::new(Bus::failing(1), denied_once());
    scene.run(&first_event()).0.unwrap();
    assert_eq!(scene.sweep(), SweepReport { published: 1, upgraded: 1, ..DONE });
    assert_eq!(scene.bus.take_published(), ["stu_1 scorecard", "stu_1 first-label"]);
    assert_eq!(scene.todos(), []);
    assert_eq!(scene.sweep(), DONE);
}

/// A worker that is killed after its commit has published nothing, so the sweep publishes it.
#[test]
fn the_sweep_publishes_what_a_killed_worker_did_not() {
    let scene = Scene::new(Bus::default(), answering());
    let pipeline = Pipeline::new(
        AlertTypes::built_in(),
        FaultyStore::new(&scene.store, &[(Operation::Commit, Fault::KillAfter)]),
        &scene.clock,
    )
    .with_notifier(Some(&scene.bus));
    let event = first_event();
    let received = pipeline.receive(&event);
    let mut run = pipeline.run(start().plus(EVENT_DEADLINE));
    let mut process = std::pin::pin!(run.process(&received));
    let waker = std::task::Waker::noop();
    assert!(
        process.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending(),
        "the fault kills the worker"
    );
    assert_eq!((scene.bus.take_published(), scene.todos()), (vec![], vec![Todo::Notify]));
    assert_eq!(scene.sweep().published, 1);
    assert_eq!(scene.bus.take_published(), ["stu_1 scorecard"]);
    let types = AlertTypes::built_in();
    let alert = alert(&types, &event);
    let claim = block_on(scene.store.claim(&request(&alert, "other", start()))).unwrap();
    assert!(matches!(claim, Claim::Done(_)), "{claim:?}");
}

/// The sweep has read the insight before another worker upgraded and published it.
#[test]
fn a_sweep_does_not_publish_an_old_copy_after_an_upgrade() {
    let scene = Scene::new(Bus::failing(1), denied_once());
    scene.run(&first_event()).0.unwrap();
    let due = block_on(scene.store.due(scene.clock.now(), None, 9)).unwrap();
    assert_eq!(scene.sweep(), SweepReport { published: 1, upgraded: 1, ..DONE });
    scene.bus.take_published();
    let store = FaultyStore::new(&scene.store, &[]).with_old_due(due);
    let pipeline = Pipeline::new(AlertTypes::built_in(), store, &scene.clock)
        .with_models(vec![&scene.model], true)
        .with_notifier(Some(&scene.bus));
    let deadline = scene.clock.now().plus(EVENT_DEADLINE);
    let report = block_on(pipeline.run(deadline).sweep(|_| ())).unwrap();
    assert_eq!((report, scene.bus.take_published()), (DONE, vec![]));
}

#[test]
fn a_sweep_stops_publishing_if_the_bus_is_down_and_the_next_one_publishes() {
    let scene = Scene::new(Bus::failing(usize::MAX), answering());
    for number in 1..=20 {
        scene.run(&student(number)).0.unwrap();
    }
    let (report, account) = scene.sweep_within(EVENT_DEADLINE);
    assert_eq!(report, SweepReport { unpublished: 20, ..DONE });
    assert!((NOTIFY_FAILURES_MAX..20).contains(&account.notify_errors.len()), "{account:?}");
    assert_eq!(scene.todos().len(), 20);
    *scene.bus.failures.lock().unwrap() = 0;
    assert_eq!(scene.sweep(), SweepReport { published: 20, ..DONE });
}

/// A call to a model needs more time than a notification.
#[test]
fn a_sweep_begins_only_what_it_has_time_for() {
    let script = vec![Err(ModelError::OverQuota), Ok((ANSWER, FinishReason::End))];
    let scene = Scene::new(Bus::failing(1), ScriptedModel::new("first", script));
    scene.run(&first_event()).0.unwrap();
    scene.clock.advance(CONFIGURATION_PROBE_PAUSE);
    let sweep = |seconds| scene.sweep_within(Duration::from_secs(seconds)).0;
    assert_eq!(sweep(1), SweepReport::default());
    assert_eq!(sweep(7), SweepReport { published: 1, later: 1, ..DONE });
    assert_eq!(sweep(7), SweepReport::default());
    assert_eq!(sweep(8), SweepReport { upgraded: 1, ..DONE });
    assert_eq!(scene.bus.take_published(), ["stu_1 scorecard", "stu_1 first-label"]);
}

/// A sweep without a bus upgrades insights, and reports those that another sweep must publish.
#[test]
fn a_sweep_without_a_bus_upgrades_and_reports_what_is_unpublished() {
    let scene = Scene::new(Bus::failing(1), denied_once());
    scene.run(&first_event()).0.unwrap();
    assert_eq!(scene.todos(), [Todo::Notify]);
    let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&scene.store, &[]), &scene.clock)
        .with_models(vec![&scene.model], true);
    let deadline = scene.clock.now().plus(EVENT_DEADLINE);
    let report = block_on(pipeline.run(deadline).sweep(|_| ())).unwrap();
    assert_eq!(report, SweepReport { unpublished: 1, upgraded: 1, ..DONE });
    assert_eq!(scene.todos(), [Todo::Notify]);
    assert_eq!(scene.sweep(), SweepReport { published: 1, ..DONE });
    assert_eq!(scene.bus.take_published(), ["stu_1 first-label"]);
}

#[test]
fn an_abandoned_upgrade_is_no_longer_due() {
    let scene = Scene::new(Bus::default(), ScriptedModel::failing("first", ModelError::OverQuota));
    scene.run(&first_event()).0.unwrap();
    assert_eq!(scene.todos(), [Todo::Upgrade]);
    let sweep = || {
        scene.clock.advance(UPGRADE_PAUSE + Duration::from_millis(1));
        scene.sweep()
    };
    let later = SweepReport { later: 1, ..DONE };
    assert_eq!([sweep(), sweep()], [later, later]);
    assert_eq!((scene.model.calls(), scene.todos()), (3, vec![Todo::Upgrade]));
    assert_eq!(sweep(), SweepReport { never: 1, ..DONE });
    assert_eq!(scene.todos(), []);
}

/// A queue delivers the event again, so a worker does not wait until its deadline for the lease of another worker.
#[test]
fn a_worker_returns_busy_after_its_wait() {
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let types = AlertTypes::built_in();
    let other = request(&alert(&types, &first_event()), "another", start());
    block_on(store.claim(&other)).unwrap();
    let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, &[]), &clock)
        .waiting_at_most(Duration::from_secs(5));
    let event = first_event();
    let mut run = pipeline.run(start().plus(EVENT_DEADLINE + LEASE_MARGIN));
    assert_eq!(status(&block_on(run.process(&pipeline.receive(&event)))), "busy");
    let waited = clock.now().since(start());
    assert!(waited <= Duration::from_secs(5) && waited > Duration::from_secs(4), "{waited:?}");
}

/// A lease just before the deadline would leave no time to finish or to release it.
#[test]
fn a_worker_that_waits_for_a_lease_stops_before_its_deadline() {
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let types = AlertTypes::built_in();
    let other = request(&alert(&types, &first_event()), "another", start());
    block_on(store.claim(&other)).unwrap();
    let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, &[]), &clock);
    let event = first_event();
    let deadline = start().plus(EVENT_DEADLINE);
    let result = block_on(pipeline.run(deadline).process(&pipeline.receive(&event)));
    assert_eq!(status(&result), "busy");
    let left = deadline.since(clock.now());
    assert!(left >= STORE_RESERVE && left < STORE_RESERVE + Duration::from_secs(1), "{left:?}");
}

#[test]
fn nobody_is_notified_of_an_entity_that_is_held_out_at_once_or_by_a_sweep() {
    for (share, published) in [(0.0, 2), (1.0, 0)] {
        let (store, bus) = (MemoryStore::new(), Bus::default());
        let clock = StoppedClock::at(start());
        let model = denied_once();
        let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, &[]), &clock)
            .with_models(vec![&model], true)
            .with_notifier(Some(&bus))
            .holding_out(portend_core::entity::Holdout::new(share).unwrap());
        let received = pipeline.receive(&first_event()).owner().to_owned();
        let event = first_event();
        let result = block_on(
            pipeline.run(clock.now().plus(EVENT_DEADLINE)).process(&pipeline.receive_as(&event, received)),
        );
        assert_eq!(status(&result), "stored", "{share}");
        // The sweep upgrades the insight, which is published again if it may be.
        clock.advance(CONFIGURATION_PROBE_PAUSE + Duration::from_mins(20));
        let mut run = pipeline.run(clock.now().plus(EVENT_DEADLINE)).upgrading_now();
        let report = block_on(run.sweep(|_| ())).unwrap();
        assert_eq!(report.upgraded, 1, "{share}: {report:?}");
        assert_eq!(bus.take_published().len(), published, "{share}");
        assert_eq!(block_on(store.due(clock.now(), None, 9)).unwrap().len(), 0, "nothing is left to do");
    }
}
