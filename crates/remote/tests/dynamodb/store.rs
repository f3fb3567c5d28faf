//! A store on a table that one test owns.

use std::future::Future;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::time::Timestamp;
use portend_remote::{Aws, DynamoDb};

use portend_testing::clock::StoppedClock;
use portend_testing::table::{Proxy, Table, endpoint};

/// Runs a future to completion.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// AWS settings with one URL for all services.
pub(crate) fn aws(url: &str) -> Aws {
    let credentials = Credentials::new("AKIACANARY", "canary", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    Aws::with_config(config)
}

/// The store in this table, at this URL.
pub(crate) fn store_at(url: &str, table: &str) -> DynamoDb {
    DynamoDb::new(table.to_owned(), &AlertTypes::built_in(), aws(url))
}

/// A store in a new table.
pub(crate) async fn fresh() -> (DynamoDb, Table) {
    let table = Table::create_in_2025();
    (store_at(&endpoint(), &table.name), table)
}

/// A store in a new table, behind a proxy.
pub(crate) fn proxied() -> (DynamoDb, Table, Proxy) {
    let (table, proxy) = (Table::create_in_2025(), Proxy::start());
    (store_at(&proxy.url(), &table.name), table, proxy)
}

/// A clock that does not move, but waits in real time: what is waited for is a real response.
#[derive(Debug)]
pub(crate) struct NetworkClock(pub(crate) StoppedClock);

impl Clock for NetworkClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn random(&self) -> u64 {
        self.0.random()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
