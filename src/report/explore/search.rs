//! Events that are looked for, the newest first, with how often each value occurs and when.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::chart::chart;
use super::filters::{ACTOR, FACETS, FROM, Filters, LAST, NONE, OUTCOME, PAGE, PAGES_MAX, SOURCE, TEXT, TO};
use super::{Frame, PageError, WITHOUT_ID, identity, page, shown, time_fields};
use crate::query::answer::Cell;
use crate::words::{count, grouped};

const PAGE_TEMPLATE: &str = include_str!("../../../templates/explore.html.hbs");

/// Events on one page.
pub const EVENTS_MAX: usize = 50;
/// The most rows of [`facets`] and of [`times`].
pub const COUNTS_MAX: usize = 100_000;
/// Values of a facet that are shown.
const VALUES_MAX: usize = 10;

/// SQL with the values of its placeholders.
pub type Asked = (String, Vec<(&'static str, String)>);

/// Returns the question for the events of a page, with one more where there are more. `since` is a time on and after
/// which all of them are. `None`: it is not known.
pub fn events(filters: &Filters, since: Option<Timestamp>) -> Asked {
    let (condition, values) = filters.condition();
    let since = since.map(|since| format!(" AND event_time >= TIMESTAMP '{since}'")).unwrap_or_default();
    let skipped = (filters.page() - 1) * EVENTS_MAX;
    let sql = format!(
        "SELECT event_time, event_id, event_name, event_source, account, region, {ACTOR} AS actor, user_arn, source_ip, \
         error_code, {OUTCOME} AS outcome, read_only, CASE WHEN {WITHOUT_ID} THEN record END AS unnamed FROM events WHERE {condition}{since} \
         ORDER BY event_time DESC NULLS LAST, event_id, account, region, record LIMIT {} OFFSET {skipped}",
        EVENTS_MAX + 1
    );
    (sql, values)
}

/// Returns the question for how often each value of each facet occurs. Events that agree in all facets are counted
/// together first: to count each event for each facet would take several times as long.
pub fn facets(filters: &Filters) -> Asked {
    let (condition, values) = filters.condition();
    let own = |each: fn(usize, &super::filters::Facet) -> String| -> Vec<String> {
        FACETS.iter().enumerate().map(|(at, facet)| each(at, facet)).collect()
    };
    let columns = own(|at, facet| format!("{} AS f{at}", facet.sql)).join(", ");
    let names = own(|at, _| format!("f{at}")).join(", ");
    let sets = own(|at, _| format!("(f{at})")).join(", ");
    let which = own(|at, facet| format!("WHEN f{at} IS NOT NULL THEN '{}'", facet.name)).join(" ");
    let sql = format!(
        "SELECT which, value, events, done, distinct_values FROM ( \
           SELECT which, value, events, done, \
             row_number() OVER (PARTITION BY which ORDER BY events DESC, value) AS place, \
             count(*) OVER (PARTITION BY which) AS distinct_values \
           FROM ( \
             SELECT CASE {which} END AS which, coalesce({names}) AS value, events, done \
             FROM ( \
               SELECT {names}, sum(events) AS events, sum(done) AS done \
               FROM ( \
                 SELECT {names}, count(*) AS events, count(*) FILTER (WHERE outcome = 'done') AS done \
                 FROM (SELECT {columns}, {OUTCOME} AS outcome FROM events WHERE {condition}) \
                 GROUP BY {names} \
               ) \
               GROUP BY GROUPING SETS ({sets}) \
             ) \
           ) \
         ) WHERE place <= {VALUES_MAX} ORDER BY which, place"
    );
    (sql, values)
}

/// Returns what the events of a time are counted by, and how many seconds that is. Without a beginning it may be long.
fn grain(from: Option<Timestamp>, to: Timestamp) -> (&'static str, i64) {
    match from.map(|from| to.duration_since(from).as_hours()) {
        Some(..=6) => ("minute", 60),
        Some(..=336) => ("hour", 3_600),
        _ => ("day", 86_400),
    }
}

/// Returns the question for when the events between two times were, the newest first. `from` is `None`: from the
/// beginning of the archive.
pub fn times(filters: &Filters, from: Option<Timestamp>, to: Timestamp) -> Asked {
    let (condition, values) = filters.condition();
    let (grain, _) = grain(from, to);
    let sql = format!(
        "SELECT to_iso8601(moment) AS moment, events, done FROM ( \
           SELECT moment, count(*) AS events, count(*) FILTER (WHERE outcome = 'done') AS done \
           FROM (SELECT date_trunc('{grain}', event_time) AS moment, {OUTCOME} AS outcome FROM events WHERE {condition}) \
           GROUP BY moment \
         ) ORDER BY moment DESC NULLS LAST"
    );
    (sql, values)
}

/// Returns a time on and after which the events of a page are, by the rows of [`times`]. `None`: it is not known, as
/// there are too few.
pub fn since(times: &[Vec<Cell>], filters: &Filters) -> Option<Timestamp> {
    let wanted = (filters.page() * EVENTS_MAX + 1) as u64;
    let mut found = 0;
    for row in times {
        found += number(row, 1);
        if found >= wanted {
            return text(row, 0).parse().ok();
        }
    }
    None
}

/// What was found.
#[derive(Debug, Clone, Copy)]
pub struct SearchFound<'a> {
    /// The rows of [`events`].
    pub events: &'a [Vec<Cell>],
    /// The rows of [`facets`].
    pub facets: &'a [Vec<Cell>],
    /// The rows of [`times`].
    pub times: &'a [Vec<Cell>],
    /// The time that was looked at. `None`: from the beginning.
    pub from: Option<Timestamp>,
    /// Its end.
    pub to: Timestamp,
    /// Says that the archive has nothing of this time. `None`: it has, or that is not known.
    pub outside: Option<&'a str>,
}

/// Returns the page.
///
/// # Errors
/// When the template is wrong.
pub fn html(frame: &Frame, filters: &Filters, found: &SearchFound<'_>) -> Result<String, PageError> {
    let of = |which: &'static str| found.facets.iter().filter(move |row| text(row, 0) == which);
    let total: u64 = of("outcome").map(|row| number(row, 2)).sum();
    let done: u64 = of("outcome").map(|row| number(row, 3)).sum();
    let times = found.times.iter().filter_map(|row| Some((text(row, 0).parse().ok()?, number(row, 2), number(row, 1))));
    let (_, finest) = grain(found.from, found.to);
    let number_of_page = filters.page();
    let has_more = found.events.len() > EVENTS_MAX;
    let turned = |to: usize| filters.with(PAGE, &to.to_string()).address("");
    let data = json!({
        "title": "Events",
        "total": count(whole(total), "event"),
        "done": grouped(whole(done)),
        "attempted": grouped(whole(total - done.min(total))),
        "text": filters.get(TEXT).unwrap_or_default(),
        "source": filters.get(SOURCE).unwrap_or_default(),
        "time": time_fields(filters, frame),
        "kept": kept(filters, ""),
        "chosen": chosen(filters),
        "chart": chart(times.collect(), found.from, found.to, filters, finest),
        "facets": FACETS.iter().filter_map(|facet| facet_values(facet, of(facet.name).collect(), total, filters)).collect::<Vec<_>>(),
        "outside": found.outside,
        "all_time": filters.without(FROM).without(TO).with(LAST, "all").address(""),
        "events": found.events.iter().take(EVENTS_MAX).map(|row| event(row, filters)).collect::<Vec<_>>(),
        "page": number_of_page,
        "newer": (number_of_page > 1).then(|| turned(number_of_page - 1)),
        "older": (has_more && number_of_page < PAGES_MAX).then(|| turned(number_of_page + 1)),
        "is_last_page": has_more && number_of_page >= PAGES_MAX,
    });
    page(PAGE_TEMPLATE, "Events", frame, data)
}

/// Returns the facets that stay where a form is sent, but one.
fn kept(filters: &Filters, but: &str) -> Vec<Value> {
    let all = FACETS.iter().map(|facet| facet.name).filter(|name| *name != but);
    all.filter_map(|name| Some(json!({"name": name, "value": filters.get(name)?}))).collect()
}

/// Returns what the search is narrowed by, each with the address without it.
fn chosen(filters: &Filters) -> Vec<Value> {
    let facets = FACETS.iter().map(|facet| (facet.name, facet.title));
    let others = [(TEXT, "Text"), (SOURCE, "Source"), (FROM, "From"), (TO, "To")];
    let all = facets.chain(others);
    let one = |(name, title): (&str, &str)| {
        let value = filters.get(name)?;
        Some(json!({"title": title, "value": shown(value), "without": filters.without(name).address("")}))
    };
    all.filter_map(one).collect()
}

fn facet_values(facet: &super::filters::Facet, rows: Vec<&Vec<Cell>>, total: u64, filters: &Filters) -> Option<Value> {
    let distinct = rows.first().map_or(0, |row| number(row, 4));
    let value = |row: &&Vec<Cell>| {
        let value = text(row, 1);
        let named = if value.is_empty() { NONE } else { value };
        let events = number(row, 2);
        json!({
            "value": shown(named),
            "href": filters.with(facet.name, named).address(""),
            "count": grouped(whole(events)),
            "width": events * 100 / total.max(1),
        })
    };
    let further = distinct.saturating_sub(rows.len() as u64);
    let other = |name: &&str| Some(json!({"name": name, "value": filters.get(name)?}));
    let others: Vec<Value> = [FROM, TO, LAST, TEXT, SOURCE].iter().filter_map(other).collect();
    (!rows.is_empty()).then(|| {
        json!({
            "name": facet.name,
            "title": facet.title,
            "is_chosen": filters.get(facet.name).is_some(),
            "values": rows.iter().map(value).collect::<Vec<_>>(),
            "further": (further > 0).then(|| grouped(whole(further))),
            "kept": kept(filters, facet.name),
            "times": others,
        })
    })
}

fn event(row: &[Cell], filters: &Filters) -> Value {
    let (time, id, actor) = (text(row, 0), identity(text(row, 1), text(row, 12)), text(row, 6));
    let at = |id: String| {
        let at = Filters::default().with("id", &id);
        if time.is_empty() { at } else { at.with("at", time) }
    };
    let session = text(row, 7).rsplit_once(":assumed-role/").and_then(|(_, rest)| rest.split_once('/'));
    json!({
        "time": short(time),
        "href": id.map(|id| at(id).address("event")),
        "name": shown(text(row, 2)),
        "service": shown(text(row, 3).trim_end_matches(".amazonaws.com")),
        "account": shown(text(row, 4)),
        "region": shown(text(row, 5)),
        "actor": shown(name_of(actor)),
        "session": session.map(|(_, name)| shown(name)),
        "actor_href": filters.with("actor", actor).address(""),
        "source": shown(text(row, 8)),
        "error": shown(text(row, 9)),
        "outcome": text(row, 10),
        "changes": matches!(row.get(11), Some(Cell::Flag(false))),
    })
}

/// Returns an ARN without what all ARNs of an account have in common.
fn name_of(actor: &str) -> &str {
    if actor.starts_with("arn:") { actor.splitn(6, ':').nth(5).unwrap_or(actor) } else { actor }
}

fn short(time: &str) -> String {
    shown(&time.replacen('T', " ", 1).replace('Z', ""))
}

fn text(row: &[Cell], at: usize) -> &str {
    row.get(at).map_or("", Cell::text)
}

fn number(row: &[Cell], at: usize) -> u64 {
    text(row, at).parse().unwrap_or(0)
}

fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_of_a_page_are_looked_for_in_the_newest_time_that_has_enough() {
        let row = |moment: &str, events: &str| vec![Cell::Text(moment.into()), Cell::Number(events.into()), Cell::Null];
        let times =
            [row("2026-11-19T10:00:00Z", "20"), row("2026-11-19T09:00:00Z", "40"), row("2026-11-18T00:00:00Z", "900")];
        let page = |number: &str| since(&times, &Filters::default().with(PAGE, number)).map(|at| at.to_string());
        assert_eq!(page("1").as_deref(), Some("2026-11-19T09:00:00Z"));
        assert_eq!(page("2").as_deref(), Some("2026-11-18T00:00:00Z"));
        assert_eq!(page("50"), None);
        assert!(!events(&Filters::default(), None).0.contains("TIMESTAMP"));
    }
}
