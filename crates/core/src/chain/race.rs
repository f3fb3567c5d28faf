//! A call against its time.
//!
//! Takes: a call, and the wait that ends it.
//! Gives: what the call gives, or nothing if the wait was over first.
//! Never: starts the wait before the call has been looked at once: a call that is ready at once wins even
//! against a wait of no time.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// What `call` gives, unless `wait` is over before. The call is dropped with this future, and that cancels
/// it.
pub(super) async fn within<T>(call: impl Future<Output = T>, wait: impl Future<Output = ()>) -> Option<T> {
    let (mut call, mut wait) = (pin!(call), pin!(wait));
    poll_fn(|context| match call.as_mut().poll(context) {
        Poll::Ready(came) => Poll::Ready(Some(came)),
        Poll::Pending => wait.as_mut().poll(context).map(|()| None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_executor::block_on;

    use super::within;

    #[test]
    fn what_is_ready_first_wins_and_the_call_is_looked_at_first() {
        assert_eq!(block_on(within(ready(1), ready(()))), Some(1));
        assert_eq!(block_on(within(ready(1), pending())), Some(1));
        assert_eq!(block_on(within(pending::<u8>(), ready(()))), None);
    }

    #[test]
    fn a_call_that_took_too_long_is_dropped() {
        struct Cancelled<'a>(&'a std::cell::Cell<bool>);
        impl Drop for Cancelled<'_> {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let cancelled = std::cell::Cell::new(false);
        let call = Cancelled(&cancelled);
        block_on(within(
            async {
                let _call = call;
                pending::<()>().await;
            },
            ready(()),
        ));
        assert!(cancelled.get());
    }
}
