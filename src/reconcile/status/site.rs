//! The status as the status server shows it.

use jiff::Timestamp;

use super::page::View;
use super::{Status, metrics, page};
use crate::daemon::status_server::{Page, PageError, StatusSite};

impl StatusSite for Status {
    const PATHS: &'static [&'static str] = &["/", "/accounts"];

    fn health(&self, now: Timestamp) -> Result<(), &'static str> {
        self.is_healthy(now).then_some(()).ok_or("the next round is long overdue")
    }

    fn readiness(&self) -> Result<(), &'static str> {
        self.is_ready().then_some(()).ok_or("no round could plan anything yet, or the last one failed")
    }

    fn metrics(&self, now: Timestamp) -> Result<String, PageError> {
        Ok(metrics::text(self, now)?)
    }

    fn page(&self, path: &str, now: Timestamp) -> Result<Option<Page>, PageError> {
        Ok(match path {
            "/" => Some(Page::html(page::html(self, View::Status, now)?)),
            "/accounts" => Some(Page::html(page::html(self, View::Accounts, now)?)),
            "/status.css" => Some(Page::css(page::STYLE)),
            _ => None,
        })
    }
}
