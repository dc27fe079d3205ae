//! A record as the evaluator looks at it: fields that are read already are answered from there, so that most records
//! are never built whole.

use std::borrow::Cow;
use std::cell::OnceCell;

use rsigma_eval::{Event, EventValue, JsonEvent};
use serde_json::Value;

use crate::detect::view::{EventView, is_unread};
use crate::event::IdentityType;

/// A record, built where a condition looks deeper.
pub(super) struct LazyEvent<'v, 'r, 'a> {
    view: &'v EventView<'r, 'a>,
    whole: OnceCell<JsonEvent<'v>>,
}

impl<'v, 'r, 'a> LazyEvent<'v, 'r, 'a> {
    pub fn of(view: &'v EventView<'r, 'a>) -> Self {
        Self { view, whole: OnceCell::new() }
    }

    fn whole(&self) -> &JsonEvent<'v> {
        self.whole.get_or_init(|| JsonEvent::borrow(self.view.value()))
    }

    /// Returns the text of a field that is read already, or that the record does not have it. `None`: the whole record
    /// has to be looked into.
    fn known(&self, path: &str) -> Option<Option<&str>> {
        let record = self.view.record();
        let text = match path {
            "eventName" => record.event_name.as_deref(),
            "eventSource" => record.event_source.as_deref(),
            "eventType" => record.event_type.as_deref(),
            "awsRegion" => record.aws_region.as_deref(),
            "errorCode" => record.error_code.as_deref(),
            "sourceIPAddress" => record.source_ip_address.as_deref(),
            "userAgent" => record.user_agent.as_deref(),
            "userIdentity.type" => record.user_identity.kind.as_ref().map(IdentityType::as_str),
            "userIdentity.userName" => record.user_identity.user_name.as_deref(),
            "userIdentity.invokedBy" => record.user_identity.invoked_by.as_deref(),
            _ => return None,
        };
        (text.is_some() || !is_unread(record, path)).then_some(text)
    }
}

impl Event for LazyEvent<'_, '_, '_> {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        match self.known(path) {
            Some(text) => Some(EventValue::Str(Cow::Borrowed(text?))),
            None => self.whole().get_field(path),
        }
    }

    fn any_string_value(&self, pred: &dyn Fn(&str) -> bool) -> bool {
        self.whole().any_string_value(pred)
    }

    fn all_string_values(&self) -> Vec<Cow<'_, str>> {
        self.whole().all_string_values()
    }

    fn to_json(&self) -> Value {
        self.view.value().clone()
    }
}
