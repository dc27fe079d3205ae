//! HTML pages that need nothing else, rendered from `templates/`. Every text is escaped by the template engine.

use serde_json::Value;

use super::escape;
use crate::template;

/// The parts that pages share, by the names that they have in templates.
const PARTS: [(&str, &str); 10] = [
    ("style", include_str!("../../../templates/style.html.hbs")),
    ("proof", include_str!("../../../templates/proof.html.hbs")),
    ("chain", include_str!("../../../templates/chain.html.hbs")),
    ("lanes", include_str!("../../../templates/lanes.html.hbs")),
    ("pictures", include_str!("../../../templates/pictures.css")),
    ("heat", include_str!("../../../templates/heat.html.hbs")),
    ("who_answer", include_str!("../../../templates/who-answer.html.hbs")),
    ("explore_head", include_str!("../../../templates/explore-head.html.hbs")),
    ("explore_foot", include_str!("../../../templates/explore-foot.html.hbs")),
    ("explore_time", include_str!("../../../templates/explore-time.html.hbs")),
];
/// The name of the page itself.
const PAGE: &str = "page";

/// Says that a page could not be rendered, which means that its template is wrong.
#[derive(Debug, thiserror::Error)]
#[error("cannot render the page")]
pub struct PageError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Renders the page of a template, which may use the parts that pages share.
///
/// # Errors
/// When the template is wrong.
pub(in crate::report) fn render(page: &str, data: &Value) -> Result<String, PageError> {
    let mut pages = template::engine(escape::html);
    for (name, template) in PARTS.into_iter().chain([(PAGE, page)]) {
        pages.register_template_string(name, template).map_err(|e| PageError(e.into()))?;
    }
    pages.render(PAGE, data).map_err(|e| PageError(e.into()))
}
