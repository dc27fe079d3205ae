//! The table of panels: which prepared question each asks, and what of its answer is shown.

/// A part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// How much happened.
    Activity,
    /// Root, sign-ins, new and foreign callers.
    Identities,
    /// What protects was changed, what was deleted.
    Changes,
    /// What was refused, and what failed.
    Failures,
    /// Who and what makes most events.
    Volume,
}

impl Section {
    /// Every part, in the order of the page.
    pub const ALL: [Self; 5] = [Self::Activity, Self::Identities, Self::Changes, Self::Failures, Self::Volume];

    /// Returns its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Activity => "Activity",
            Self::Identities => "Identities and sign-ins",
            Self::Changes => "Changes and deletions",
            Self::Failures => "Refusals and errors",
            Self::Volume => "What makes most events",
        }
    }
}

/// How the values of a column are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// As they are.
    Text,
    /// As a name that must be readable to its last letter: an ARN, an address, an id.
    Code,
    /// To the minute.
    Time,
    /// With commas between thousands.
    Number,
    /// A share of all events in percent, with a bar.
    Share,
    /// `done`, `attempted` or `by AWS itself`.
    Outcome,
    /// As [`Shown::Code`], with the command that says who did what to it; the answer has `account` and `an_event` too.
    Resource,
}

/// A column of an answer that is shown.
pub type ShownColumn = (&'static str, &'static str, Shown);

/// What is counted, once and several times: `1 use of root`, `2 uses of root`.
pub type Noun = (&'static str, &'static str);

/// What the number of a panel counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Its rows, each an event of a time and an outcome.
    Events(Noun),
    /// The numbers of a column, by outcome where there is one.
    Sum(&'static str, Noun),
    /// Its rows, whatever they are.
    Rows(Noun),
}

/// A panel.
#[derive(Debug, Clone, Copy)]
pub struct PanelSpec {
    /// Its anchor on the page, and its name in JSON.
    pub id: &'static str,
    /// Where it stands.
    pub section: Section,
    /// Its heading.
    pub title: &'static str,
    /// The prepared question.
    pub query: &'static str,
    /// The columns that are shown.
    pub columns: &'static [ShownColumn],
    /// What its number counts.
    pub counted: Counted,
    /// Few events answer the question.
    pub is_of_few: bool,
    /// Whether its number stands at the top of the page too.
    pub is_headline: bool,
}

use Counted::{Events, Rows, Sum};
use Section::{Activity, Changes, Failures, Identities, Volume};
use Shown::{Code, Number, Outcome, Resource, Share, Text, Time};

/// The question about events by hour, which is drawn as a chart.
pub const BY_HOUR: &str = "calls-by-hour";
/// The question about first calls, which is asked of the days before too.
pub const FIRST_SEEN: &str = "new-callers";
/// The question about roles for emergencies, which is asked where such roles are known.
pub const ROLES: &str = "role-activity";
/// The question about bytes, which reads every record.
pub const BYTES: &str = "what-fills-the-archive";

const WHO: ShownColumn = ("who", "Who", Code);
const ACCOUNT: ShownColumn = ("account", "Account", Code);
const TIME: ShownColumn = ("event_time", "Time", Time);
const OUTCOME: ShownColumn = ("outcome", "Outcome", Outcome);
const EVENT: ShownColumn = ("event_name", "Call", Code);
const SOURCE: ShownColumn = ("event_source", "Service", Code);
const ADDRESS: ShownColumn = ("source_ip", "Address", Code);
const WHAT: ShownColumn = ("what", "What", Code);
const LAST: ShownColumn = ("last_time", "Last", Time);
const SHARE: ShownColumn = ("percent_of_events", "Share", Share);
const EVENTS: ShownColumn = ("events", "Events", Number);
const CHANGED: ShownColumn = ("changes", "Changes", Number);
const FAILED: ShownColumn = ("failed", "Failed", Number);
const CALLS: ShownColumn = ("calls", "Calls", Number);

const fn panel(
    id: &'static str,
    section: Section,
    title: &'static str,
    query: &'static str,
    columns: &'static [ShownColumn],
    counted: Counted,
) -> PanelSpec {
    PanelSpec { id, section, title, query, columns, counted, is_of_few: true, is_headline: false }
}

const fn headline(spec: PanelSpec) -> PanelSpec {
    PanelSpec { is_headline: true, ..spec }
}

/// A panel over every event.
const fn of_all(spec: PanelSpec) -> PanelSpec {
    PanelSpec { is_of_few: false, ..spec }
}

/// Every panel, in the order of the page.
pub const PANELS: [PanelSpec; 25] = [
    headline(of_all(panel("activity", Activity, "Events by time", BY_HOUR, &[], Sum("events", ("event", "events"))))),
    headline(panel(
        "root",
        Identities,
        "Root use",
        "root-use",
        &[TIME, ACCOUNT, ("how", "How", Text), EVENT, OUTCOME, ("mfa", "MFA", Text), ADDRESS],
        Events(("use of root", "uses of root")),
    )),
    headline(panel(
        "break-glass",
        Identities,
        "Use of emergency roles and users",
        ROLES,
        &[("role", "Role or user", Code), ("use", "Use", Text), OUTCOME, WHO, EVENT, CALLS, LAST],
        Sum("calls", ("call", "calls")),
    )),
    headline(panel(
        "sign-in-failures",
        Identities,
        "Failed sign-ins",
        "sign-in-failures",
        &[WHO, ACCOUNT, ADDRESS, ("reason", "Reason", Text), ("failures", "Failures", Number), LAST],
        Sum("failures", ("failed sign-in", "failed sign-ins")),
    )),
    headline(panel(
        "sign-ins-without-mfa",
        Identities,
        "Sign-ins without MFA",
        "sign-in-without-mfa",
        &[TIME, WHO, ACCOUNT, ("identity_type", "Type", Text), ADDRESS],
        Events(("sign-in without MFA", "sign-ins without MFA")),
    )),
    headline(of_all(panel(
        "first-seen",
        Identities,
        "Principals seen for the first time",
        FIRST_SEEN,
        &[WHO, ACCOUNT, ("first_time", "First", Time), CALLS, CHANGED, ("first_address", "First address", Code)],
        Rows(("new principal", "new principals")),
    ))),
    panel(
        "cross-account",
        Identities,
        "Access from other accounts",
        "cross-account-access",
        &[
            ACCOUNT,
            ("from_account", "From", Code),
            WHO,
            EVENT,
            WHAT,
            ("done", "Done", Number),
            ("refused", "Refused", Number),
            LAST,
        ],
        Rows(("combination of caller and call", "combinations of caller and call")),
    ),
    headline(panel(
        "trails",
        Changes,
        "Changes of trails and recording",
        "trail-tampering",
        &[TIME, ACCOUNT, OUTCOME, WHO, SOURCE, EVENT, WHAT],
        Events(("change of recording", "changes of recording")),
    )),
    panel(
        "keys",
        Changes,
        "KMS keys disabled or to be deleted",
        "kms-key-deletion",
        &[TIME, ACCOUNT, OUTCOME, WHO, EVENT, ("key", "Key", Code), ("deleted_at", "Deleted at", Text)],
        Events(("change of a key", "changes of keys")),
    ),
    panel(
        "policies",
        Changes,
        "Changes of users, roles and policies",
        "iam-changes",
        &[TIME, ACCOUNT, OUTCOME, WHO, EVENT, ("concerns", "Concerns", Code), WHAT],
        Events(("change in IAM", "changes in IAM")),
    ),
    headline(panel(
        "made-public",
        Changes,
        "Policies and shares open to the public",
        "made-public",
        &[TIME, ACCOUNT, OUTCOME, WHO, EVENT, SOURCE, ("has_condition", "Has a condition", Text)],
        Events(("policy or share open to the public", "policies and shares open to the public")),
    )),
    panel(
        "public-access",
        Changes,
        "Block Public Access switched off",
        "public-access-weakened",
        &[TIME, ACCOUNT, OUTCOME, WHO, EVENT, WHAT],
        Events(("weakening of Block Public Access", "weakenings of Block Public Access")),
    ),
    panel(
        "network",
        Changes,
        "Changes of networks",
        "network-changes",
        &[TIME, ACCOUNT, OUTCOME, WHO, EVENT, WHAT, ("names_everybody", "Names all addresses", Text)],
        Events(("change of a network", "changes of networks")),
    ),
    panel(
        "organization",
        Changes,
        "Changes of the organization",
        "organization-changes",
        &[TIME, ACCOUNT, OUTCOME, WHO, EVENT, WHAT],
        Events(("change of the organization", "changes of the organization")),
    ),
    headline(panel(
        "deletions",
        Changes,
        "Deletions",
        "deletions",
        &[("what", "What", Resource), WHO, ACCOUNT, EVENT, OUTCOME, CALLS, LAST],
        Sum("calls", ("deletion", "deletions")),
    )),
    headline(panel(
        "denied",
        Failures,
        "Denied calls by principal",
        "denied-callers",
        &[
            WHO,
            ACCOUNT,
            ("refused", "Refused", Number),
            ("different_calls", "Different calls", Number),
            ("example", "Such as", Code),
            LAST,
        ],
        Sum("refused", ("denied call", "denied calls")),
    )),
    panel(
        "errors",
        Failures,
        "Most frequent errors",
        "top-errors",
        &[("error_code", "Error", Code), SOURCE, EVENT, EVENTS, LAST],
        Sum("events", ("failed call", "failed calls")),
    ),
    panel(
        "throttled",
        Failures,
        "Throttled calls",
        "throttled-calls",
        &[WHO, ACCOUNT, ("region", "Region", Code), SOURCE, EVENT, ("throttled", "Throttled", Number), LAST],
        Sum("throttled", ("throttled call", "throttled calls")),
    ),
    panel(
        "old-tls",
        Failures,
        "Clients with TLS 1.1 or older",
        "old-tls",
        &[WHO, ACCOUNT, ("tls_version", "TLS", Text), ADDRESS, ("user_agent", "Program", Code), CALLS, LAST],
        Sum("calls", ("call with old TLS", "calls with old TLS")),
    ),
    panel(
        "insights",
        Failures,
        "CloudTrail Insights",
        "insights",
        &[
            ("began", "Began", Time),
            ("ended", "Ended", Time),
            ACCOUNT,
            ("region", "Region", Code),
            ("source", "Service", Code),
            ("name", "Call", Code),
            ("type", "Type", Text),
            ("baseline_per_minute", "Usual a minute", Text),
            ("unusual_per_minute", "Unusual a minute", Text),
        ],
        Rows(("insight", "insights")),
    ),
    of_all(panel(
        "services",
        Volume,
        "Services",
        "top-services",
        &[SOURCE, EVENTS, SHARE, CHANGED, FAILED, ("data_events", "Data events", Number)],
        Rows(("service", "services")),
    )),
    of_all(panel(
        "regions",
        Volume,
        "Accounts and regions",
        "top-regions",
        &[ACCOUNT, ("region", "Region", Code), EVENTS, SHARE, CHANGED, FAILED],
        Rows(("account and region", "accounts and regions")),
    )),
    of_all(panel(
        "callers",
        Volume,
        "Callers with most events",
        "top-callers",
        &[WHO, EVENTS, SHARE, CHANGED, FAILED, LAST],
        Rows(("caller", "callers")),
    )),
    of_all(panel(
        "addresses",
        Volume,
        "Addresses with most events",
        "top-addresses",
        &[ADDRESS, EVENTS, SHARE, CHANGED, FAILED, LAST],
        Rows(("address", "addresses")),
    )),
    of_all(panel(
        "bytes",
        Volume,
        "What fills the archive",
        BYTES,
        &[SOURCE, EVENT, WHO, EVENTS, ("bytes", "Bytes", Number), ("percent_of_bytes", "Share of bytes", Share)],
        Rows(("combination", "combinations")),
    )),
];
