//! Telling of insights, and the sweep that makes up for what was left to do.

use std::time::Duration;

use futures_executor::block_on;
use std::sync::Mutex;

use super::{ANSWER, Scripted, answers, denied};
use crate::alert_type::AlertTypes;
use crate::clock::{Clock, StoppedClock};
use crate::insight::StoredInsight;
use crate::limits::{
    CONFIGURATION_PROBE_PAUSE, EVENT_DEADLINE, LEASE_MARGIN, NOTIFY_AGAIN_AFTER, NOTIFY_FAILURES_MAX, UPGRADE_PAUSE,
};
use crate::model::{ModelError, Stop};
use crate::notify::{Notifier, NotifyError};
use crate::pipeline::{Account, Outcome, Pipeline, Swept};
use crate::store::{Claim, MemoryStore, Store, Todo};
use crate::store_contract::play::{Fault, Faulty, Operation, alert, event, first_event, request, start};

/// A bus that is down for so many tellings, and keeps what it was told: grade and entity.
#[derive(Default)]
struct Bus {
    down: Mutex<usize>,
    told: Mutex<Vec<String>>,
}

impl Bus {
    fn down_for(tellings: usize) -> Self {
        Self { down: Mutex::new(tellings), told: Mutex::default() }
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

impl Notifier for &Bus {
    async fn tell(&self, insight: &StoredInsight) -> Result<(), NotifyError> {
        let mut down = self.down.lock().unwrap();
        if *down > 0 {
            *down -= 1;
            return Err(NotifyError::Unreachable { what: "down".into() });
        }
        self.told.lock().unwrap().push(format!("{} {}", insight.entity_id, insight.model_used));
        Ok(())
    }
}

/// A store, a clock, a bus and a model that are met by one worker after another.
struct Scene {
    store: MemoryStore,
    clock: StoppedClock,
    bus: Bus,
    model: Scripted,
}

impl Scene {
    fn new(bus: Bus, model: Scripted) -> Self {
        Self { store: MemoryStore::new(), clock: StoppedClock::at(start()), bus, model }
    }

    fn run(&self, event: &[u8], plan: &[(Operation, Fault)]) -> (Outcome, Account) {
        let pipeline = Pipeline::new(AlertTypes::built_in(), Faulty::new(&self.store, plan), &self.clock)
            .with_models(vec![&self.model], true)
            .with_notifier(Some(&self.bus));
        let mut account = Account::default();
        let deadline = self.clock.now().plus(EVENT_DEADLINE);
        (block_on(pipeline.process(&pipeline.receive(event), deadline, &mut account)), account)
    }

    fn sweep_within(&self, time: Duration) -> (Swept, Account) {
        let pipeline = Pipeline::new(AlertTypes::built_in(), Faulty::new(&self.store, &[]), &self.clock)
            .with_models(vec![&self.model], true)
            .with_notifier(Some(&self.bus));
        let mut account = Account::default();
        let swept = block_on(pipeline.sweep(self.clock.now().plus(time), &mut account)).unwrap();
        (swept, account)
    }

    fn sweep(&self) -> Swept {
        self.sweep_within(EVENT_DEADLINE).0
    }

    fn todos(&self) -> Vec<Todo> {
        block_on(self.store.due(self.clock.now(), None, 99)).unwrap().iter().map(|due| due.todo).collect()
    }
}

fn student(number: usize) -> Vec<u8> {
    event(&format!("stu_{number}"), 5, 65, "2025-01-01T12:00:00Z")
}

#[test]
fn a_new_insight_is_told_once_and_a_repeat_is_not() {
    let scene = Scene::new(Bus::default(), Scripted::new("first", answers(ANSWER)));
    for status in ["stored", "repeated"] {
        let (outcome, account) = scene.run(&first_event(), &[]);
        assert_eq!((outcome.status(), account.untold), (status, vec![]));
        scene.clock.advance(NOTIFY_AGAIN_AFTER * 2);
    }
    assert_eq!(scene.bus.told(), ["stu_1 first-label"]);
    assert_eq!(scene.todos(), []);
}

/// Row 19.
#[test]
fn while_the_bus_is_down_insights_are_stored_and_the_next_delivery_tells() {
    let scene = Scene::new(Bus::down_for(2), Scripted::new("first", answers(ANSWER)));
    let (outcome, account) = scene.run(&first_event(), &[]);
    assert_eq!((outcome.status(), account.untold.len()), ("stored", 1));
    assert_eq!(scene.todos(), [Todo::Tell]);
    // Whoever has just made it is still telling.
    assert_eq!(scene.run(&first_event(), &[]).1.untold, []);
    scene.clock.advance(NOTIFY_AGAIN_AFTER + Duration::from_millis(1));
    assert_eq!(scene.run(&first_event(), &[]).1.untold.len(), 1);
    let (outcome, account) = scene.run(&first_event(), &[]);
    assert_eq!((outcome.status(), account.untold), ("repeated", vec![]));
    assert_eq!((scene.bus.told(), scene.todos()), (vec!["stu_1 first-label".to_owned()], vec![]));
    assert_eq!(scene.model.calls(), 1);
}

#[test]
fn the_sweep_tells_and_upgrades_and_tells_of_the_upgrade() {
    let script = vec![Err(denied()), Ok((ANSWER, Stop::End))];
    let scene = Scene::new(Bus::down_for(1), Scripted::new("first", script));
    scene.run(&first_event(), &[]);
    assert_eq!(scene.sweep(), Swept { told: 1, upgraded: 1, complete: true, ..Swept::default() });
    assert_eq!(scene.bus.told(), ["stu_1 scorecard", "stu_1 first-label"]);
    assert_eq!(scene.todos(), []);
    assert_eq!(scene.sweep(), Swept { complete: true, ..Swept::default() });
}

/// A killed worker has told nobody; the sweep does.
#[test]
fn what_a_killed_worker_left_untold_is_told_by_the_sweep() {
    let scene = Scene::new(Bus::default(), Scripted::new("first", answers(ANSWER)));
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let pipeline = Pipeline::new(
        AlertTypes::built_in(),
        Faulty::new(&scene.store, &[(Operation::Finish, Fault::KillBefore)]),
        &scene.clock,
    )
    .with_notifier(Some(&scene.bus));
    let (event, mut account) = (first_event(), Account::default());
    let received = pipeline.receive(&event);
    let mut process = std::pin::pin!(pipeline.process(&received, start().plus(EVENT_DEADLINE), &mut account));
    let waker = std::task::Waker::noop();
    assert!(process.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending(), "it dies");
    assert_eq!((scene.bus.told(), scene.todos()), (vec![], vec![Todo::Tell]));
    assert_eq!(scene.sweep().told, 1);
    assert_eq!(scene.bus.told(), ["stu_1 scorecard"]);
    let claim = block_on(scene.store.claim(&request(&alert, "other", start()))).unwrap();
    assert!(matches!(claim, Claim::Busy(_)), "the sweep leaves the claim to the next delivery");
}

#[test]
fn a_sweep_ends_where_the_bus_is_down_and_the_next_goes_on() {
    let scene = Scene::new(Bus::down_for(usize::MAX), Scripted::new("first", answers(ANSWER)));
    for number in 1..=20 {
        scene.run(&student(number), &[]);
    }
    let (swept, account) = scene.sweep_within(EVENT_DEADLINE);
    assert_eq!((swept.told, swept.complete), (0, false));
    assert!((NOTIFY_FAILURES_MAX..20).contains(&account.untold.len()), "{account:?}");
    assert_eq!(scene.todos().len(), 20);
    *scene.bus.down.lock().unwrap() = 0;
    assert_eq!(scene.sweep(), Swept { told: 20, complete: true, ..Swept::default() });
}

/// To tell takes a moment, to ask a model takes longer.
#[test]
fn a_sweep_begins_nothing_for_which_there_is_no_time() {
    let script = vec![Err(ModelError::OverQuota), Ok((ANSWER, Stop::End))];
    let scene = Scene::new(Bus::down_for(1), Scripted::new("first", script));
    scene.run(&first_event(), &[]);
    scene.clock.advance(CONFIGURATION_PROBE_PAUSE);
    let sweep = |seconds| scene.sweep_within(Duration::from_secs(seconds)).0;
    assert_eq!(sweep(1), Swept::default());
    assert_eq!(sweep(7), Swept { told: 1, later: 1, complete: true, ..Swept::default() });
    assert_eq!(sweep(7), Swept::default());
    assert_eq!(sweep(8), Swept { upgraded: 1, complete: true, ..Swept::default() });
    assert_eq!(scene.bus.told(), ["stu_1 scorecard", "stu_1 first-label"]);
}

/// Nobody waits for a bus that was taken away, and nothing is looked at for ever.
#[test]
fn without_a_bus_what_was_untold_is_upgraded_and_what_is_given_up_is_due_no_more() {
    let script = vec![Err(ModelError::OverQuota)];
    let scene = Scene::new(Bus::down_for(1), Scripted::new("first", script));
    scene.run(&first_event(), &[]);
    assert_eq!(scene.todos(), [Todo::Tell]);
    let sweep = || {
        scene.clock.advance(UPGRADE_PAUSE + Duration::from_millis(1));
        let pipeline = Pipeline::new(AlertTypes::built_in(), Faulty::new(&scene.store, &[]), &scene.clock)
            .with_models(vec![&scene.model], true);
        let deadline = scene.clock.now().plus(EVENT_DEADLINE);
        block_on(pipeline.sweep(deadline, &mut Account::default())).unwrap()
    };
    let later = Swept { later: 1, complete: true, ..Swept::default() };
    assert_eq!([sweep(), sweep()], [later, later]);
    assert_eq!((scene.model.calls(), scene.todos()), (3, vec![Todo::Upgrade]));
    assert_eq!(sweep(), Swept { never: 1, complete: true, ..Swept::default() });
    assert_eq!(scene.todos(), []);
}

/// A queue delivers again, so nobody waits for another's lease until the deadline.
#[test]
fn a_worker_hands_a_busy_alert_back_after_its_wait() {
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let types = AlertTypes::built_in();
    let wish = request(&alert(&types, &first_event()), "another", start());
    block_on(store.claim(&wish)).unwrap();
    let pipeline = Pipeline::new(AlertTypes::built_in(), Faulty::new(&store, &[]), &clock)
        .waiting_at_most(Duration::from_secs(5));
    let event = first_event();
    let received = pipeline.receive(&event);
    let deadline = start().plus(EVENT_DEADLINE + LEASE_MARGIN);
    let outcome = block_on(pipeline.process(&received, deadline, &mut Account::default()));
    assert_eq!(outcome.reason().as_deref(), Some("busy"));
    let waited = clock.now().since(start());
    assert!(waited <= Duration::from_secs(5) && waited > Duration::from_secs(4), "{waited:?}");
}
