//! What goes on beside the load: the service that was started for it, and what is seen of the service
//! from outside.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::error::{Error, Failure};
use super::observer::Observer;
use super::outside::Watchers;
use super::own_requests::OwnRequests;
use super::service::{self, Service, printed_url};
use crate::config::{Endpoint, Source, SourceSpec};
use crate::interrupt::{self, Interruption};
use crate::prometheus::http::Log;
use crate::storage::Storage;

/// What goes on beside the load.
#[derive(Default)]
pub(super) struct Beside {
    service: Option<Service>,
    watchers: Option<Watchers>,
    /// Requests for pages of metrics, of whoever scrapes here.
    pub(super) own_requests: OwnRequests,
    /// That the service ended too early, in words.
    early_end: Option<String>,
}

/// Why nothing goes on, and what is to be told beside.
pub(super) type NotStarted = (Failure, Vec<String>);

impl Beside {
    /// Starts the service, if one is to be started, and waits until it answers.
    ///
    /// # Errors
    /// If it cannot be started at all; within, that it does not answer.
    pub(super) fn start(
        spec: &SourceSpec,
        observer: Observer<'_>,
    ) -> Result<Result<Self, NotStarted>, Error> {
        let Some(start) = &spec.start else { return Ok(Ok(Self::default())) };
        let endpoints = endpoints(spec);
        for endpoint in &endpoints {
            if let Some(how) = service::taken_by(endpoint, observer.log) {
                return Ok(Err((Failure::Taken { url: printed_url(endpoint), how }, Vec::new())));
            }
        }
        let mut service = Service::start(start, &endpoints)?;
        if let Err(failure) = service.await_answer(&endpoints, start.timeout, observer.log) {
            return Ok(Err((failure, service.last_lines().into_iter().collect())));
        }
        Ok(Ok(Self { service: Some(service), ..Self::default() }))
    }

    /// Begins to look at the service from outside, if that is asked for.
    ///
    /// # Errors
    /// It does not answer, or only after so long that no lag could be told from it.
    pub(super) fn look_on(
        &mut self,
        spec: &SourceSpec,
        clock: Clock,
        storage: &Arc<Mutex<Storage>>,
        lag_limit: Duration,
        log: Log<'_>,
    ) -> Result<(), Failure> {
        let Some(outside) = &spec.outside else { return Ok(()) };
        let started = self.service.as_ref().map(Service::pid);
        let watchers =
            Watchers::start(outside, started, clock, (storage, &self.own_requests), log)?;
        watchers.await_calm(lag_limit)?;
        self.watchers = Some(watchers);
        Ok(())
    }

    /// Why the load has to end before its time, if it has: a signal, or the end of the service.
    ///
    /// # Errors
    /// If it cannot be found out whether the service has ended.
    pub(super) fn has_to_end(&mut self, log: Log<'_>) -> Result<Option<Interruption>, Failure> {
        if let Some(service) = &self.service {
            service.tell(log);
        }
        self.notice_end()?;
        let ended = self.early_end.as_ref();
        let by_service =
            ended.map(|_| Interruption { signal: 15, name: "SIGTERM", at: Instant::now() });
        Ok(interrupt::received().or(by_service))
    }

    /// Notices that the service has ended, if it has. Once a signal has come, that is no fault of the
    /// service: whoever sent it may have sent it to both.
    ///
    /// # Errors
    /// If that cannot be found out.
    pub(super) fn notice_end(&mut self) -> Result<(), Failure> {
        if self.early_end.is_none()
            && interrupt::received().is_none()
            && let Some(service) = &mut self.service
            && let Some(how) = service.ended()?
        {
            self.early_end = Some(service.early_end(&how));
        }
        Ok(())
    }

    /// Looks until the service stands no more, and no longer. What is to be told, and what went wrong.
    pub(super) fn finish(&mut self, log: Log<'_>) -> (Vec<String>, Option<Failure>) {
        // What the load has done to it at its end is the load's.
        let mut failed = self.notice_end().err();
        let (remarks, failure) = match self.watchers.take() {
            Some(watchers) if self.early_end.is_some() => watchers.finish(Duration::ZERO, log),
            Some(watchers) => watchers.finish(Watchers::PATIENCE, log),
            None => (Vec::new(), None),
        };
        failed = failed.or(failure).or(self.notice_end().err());
        (remarks, failed)
    }

    /// That the service ended too early, in words, if it did.
    pub(super) fn service_ended(&self) -> Option<String> {
        self.early_end.clone()
    }

    /// What the service said last, if it ended too early.
    pub(super) fn warning(&self) -> Option<String> {
        self.early_end.as_ref()?;
        self.service.as_ref()?.last_lines()
    }
}

/// What the service has to answer.
fn endpoints(spec: &SourceSpec) -> Vec<&Endpoint> {
    let pages = match &spec.source {
        Source::Scrape(scrape) => scrape.pages.as_slice(),
        Source::Server(_) | Source::Recording(_) | Source::Logs => &[],
    };
    let probes = spec.outside.iter().flat_map(|outside| &outside.probes);
    pages.iter().chain(probes).map(|page| &page.endpoint).collect()
}
